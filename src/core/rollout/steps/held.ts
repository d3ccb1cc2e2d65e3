import type { RolloutFacts } from '../facts.ts';
import type { Held } from '../gates.ts';

type Facts = Pick<RolloutFacts, 'spec' | 'status' | 'persisted'>;

/** What keeps the nodes of later steps from being started: the step that soaks or is checked; undefined while its own nodes are. */
export function stepHeld({ spec, status }: Facts): Held | undefined {
  if (spec.steps === undefined) return undefined;
  const { steps } = status;
  if (steps === undefined) return { why: 'which node is in which step is not on record any more' };
  const step = steps.find(({ phase }) => phase !== 'Passed');
  if (step === undefined || step.phase === 'Pending' || step.phase === 'Running') return undefined;
  // When that may change the steps themselves tell.
  return { why: `step ${step.name}: ${step.message ?? step.phase}` };
}

/** How many steps, from the first one on, are passed as the API server has it. */
export function passedOnRecord({ steps = [] }: RolloutFacts['persisted']): number {
  const first = steps.findIndex(({ phase }) => phase !== 'Passed');
  return first === -1 ? steps.length : first;
}

/**
 * Whether all steps before the first that is not passed are passed as the API server has it: a node of a step that was started
 * before that is on record might be one too early after a restart.
 */
export function isOnRecord({ status, persisted }: Facts): boolean {
  return passedOnRecord(status) <= passedOnRecord(persisted);
}
