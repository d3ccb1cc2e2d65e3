import type { LocatedProblem } from '../../api/documents.ts';
import { StepsSchema } from '../../api/steps.ts';
import type { Loaded } from '../../api/yaml.ts';
import { idleIntervals } from '../../core/checks/idle-intervals.ts';
import { isObject } from '../../core/runs/merge.ts';

/** Where a NodeOp and a NodeOpRun have steps. */
const STEPS = [
  ['spec', 'steps'],
  ['spec', 'overrides', 'steps'],
];

/** What is allowed in a file that has no problems, and yet does not do what it seems to. */
export function warningsIn(content: Loaded): LocatedProblem[] {
  if (!content.ok) return [];
  const { raw, locate } = content;
  return locate(
    STEPS.flatMap((path) => {
      const steps = path.reduce<unknown>((it, key) => (isObject(it) ? it[key] : undefined), raw);
      const found = idleIntervals(StepsSchema.safeParse(steps).data ?? []);
      return found.map((it) => ({ ...it, path: [...path, ...it.path] }));
    }),
  );
}
