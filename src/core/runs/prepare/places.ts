import type { NodeOpRun } from '../../../api/nodeoprun.ts';
import type { Problem } from '../../../api/schema.ts';
import { holds } from '../merge.ts';

/** Fields of a NodeOp that a run has itself. What is in them is checked with the run file, so it is never at fault. */
const OWN: unknown[] = ['env', 'suspend'];

/** A problem of the merged spec belongs to the run or its overrides when they hold it, else to the definition. */
export function atItsSource(problem: Problem, { spec }: NodeOpRun): Problem {
  const [field, ...inside] = problem.path;
  const isOwn = OWN.includes(field) && inside.length === 0 && holds(spec, problem.path);
  if (isOwn) return { ...problem, path: ['spec', ...problem.path] };
  if (holds(spec.overrides, problem.path))
    return { ...problem, path: ['spec', 'overrides', ...problem.path] };
  const where = ['spec', ...problem.path].join('.');
  return {
    path: ['spec', 'nodeOp'],
    message: `definition "${spec.nodeOp}" is not valid here: ${where}: ${problem.message}`,
  };
}
