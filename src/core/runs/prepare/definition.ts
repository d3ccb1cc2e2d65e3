import type { LocatedProblem } from '../../../api/documents.ts';
import { formatProblem, type Problem } from '../../../api/schema.ts';
import { findDefinition } from '../definitions.ts';
import type { Declarations } from '../parameters/declared.ts';
import type { ReadRun } from './read.ts';
import { refuse, type PrepareContext, type Refused } from './stage.ts';

/** A run file together with the definition that it names. */
export interface Defined extends ReadRun {
  definition?: { name: string; path: string; spec: unknown; declares: Declarations };
}

/** Finds the definition, whose namespace is the run's unless that names one. */
export function withDefinition(read: ReadRun, { definitions }: PrepareContext): Defined | Refused {
  if (!read.run) return read;
  const { nodeOp: name } = read.run.spec;
  const found = findDefinition(definitions, name);
  if (!found.ok) return refuse(read, [found.problem]);
  const { path, spec, declares } = found;
  if (!declares.ok)
    return refuse(
      read,
      declares.problems.map((it) => inDefinition(it, name, path)),
    );
  const namespace = found.metadata['namespace'];
  const metadata = { ...(typeof namespace === 'string' && { namespace }), ...read.metadata };
  return { ...read, metadata, definition: { name, path, spec, declares: declares.value } };
}

/** The run file names what is wrong elsewhere. */
function inDefinition(problem: LocatedProblem, name: string, file: string): Problem {
  const { line = 1, column = 1 } = problem;
  const message = `definition "${name}" is not valid here: ${file}:${line}:${column}: ${formatProblem(problem)}`;
  return { path: ['spec', 'nodeOp'], message };
}
