import { History } from './history.ts';
import type { Plan } from './plan.ts';
import { planOf } from './plans/chance.ts';
import { restoredPlanOf } from './plans/restored.ts';
import { repositoryPlaces } from './plans/repository.ts';
import { placesOfAll } from './plans/sieve.ts';
import { walkOf } from './plans/walk.ts';

/** One history, and what has to come of it. */
export interface Trial {
  name: string;
  plan: Plan;
  /** How it has to end; any way that breaks no promise when absent. */
  end?: string;
}

export interface Result {
  seed: number;
  name: string;
  ms: number;
  steps: number;
  size: { nodes: number; ops: number; events: number };
  faults: [string, number][];
  violations: readonly string[];
}

export interface Kinds {
  git: boolean;
  sweep: boolean;
  walk: boolean;
  restored: boolean;
}

/** By its number the trial of that kind; undefined past the last. */
export async function trialsOf({
  git,
  sweep,
  walk,
  restored,
}: Kinds): Promise<(seed: number) => Trial | undefined> {
  if (walk) return (seed) => ({ name: `walk ${seed}`, plan: walkOf(seed) });
  if (restored) return (seed) => ({ name: `restored ${seed}`, plan: restoredPlanOf(seed) });
  if (git && sweep) {
    const places = repositoryPlaces();
    return (seed) => places[seed];
  }
  if (!sweep) return (seed) => ({ name: `seed ${seed}`, plan: planOf(seed, git) });
  const places = await placesOfAll();
  return (seed) => places[seed];
}

/** @param endsBroken whether it ends with the first promise that is broken */
export async function judge({ plan, end }: Trial, endsBroken = false) {
  const outcome = await new History(plan, { endsBroken }).run();
  const isOther = end !== undefined && outcome.violations.length === 0 && outcome.end !== end;
  const violations = isOther
    ? [`it does not end as undisturbed: ${outcome.end} instead of ${end}`]
    : outcome.violations;
  return { ...outcome, violations };
}

export async function resultOf(seed: number, trial: Trial, endsBroken: boolean): Promise<Result> {
  const began = performance.now();
  const { violations, faults, steps } = await judge(trial, endsBroken);
  const ms = performance.now() - began;
  const { nodes, ops, events } = trial.plan;
  const size = { nodes: nodes.length, ops: ops.length, events: events.length };
  return { seed, name: trial.name, ms, steps, size, faults: [...faults], violations };
}
