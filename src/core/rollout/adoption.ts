import { LACKS_FIELDS } from '../definition.ts';
import { spoken } from '../text/table.ts';
import { type Action, actionKey } from './actions.ts';
import type { Decision } from './decision.ts';
import type { RolloutFacts } from './facts.ts';
import { held, refused } from './refusal.ts';

/** Mostly a run is found in the repository at once, of which nobody has to be told. */
const TOLD_AFTER_MS = 5_000;

/**
 * Before anything begins a NodeOp is marked as this agent's, with what is carried out. What keeps that from happening is told,
 * and not for good: past `startTimeoutSeconds` the NodeOp has failed, so that it does not hold up those behind it.
 */
export function adoption(facts: RolloutFacts, now: number): Decision {
  const { status, generation, awaitsRecordSince, obstacle } = facts;
  const stay = (actions: Action[], lookAgainAt?: number): Decision => ({ actions, status, lookAgainAt });
  const wait = (reason: string, message: string, stalled: boolean, actions: Action[] = []): Decision => {
    const next = held(status, { reason, message, stalled }, generation, now);
    return { actions, status: next, lookAgainAt: undefined };
  };
  if (awaitsRecordSince !== undefined) {
    if (now < awaitsRecordSince + TOLD_AFTER_MS) return stay([], awaitsRecordSince + TOLD_AFTER_MS);
    return wait('Waiting', 'waits until the agent has found its run in the repository', false);
  }
  if (obstacle !== undefined) return wait(LACKS_FIELDS, obstacle, true);
  const adopt: Action = { type: 'adopt', reason: 'record what is carried out before anything begins' };
  const why = facts.troubles.get(actionKey(adopt));
  if (why === undefined) return stay([adopt]);
  const bound = facts.spec.startTimeoutSeconds;
  // A server that is away for so long refuses nothing.
  const until = (facts.refusedSince(actionKey(adopt)) ?? Infinity) + bound * 1000;
  if (now >= until) {
    const message = `it could not be marked as this agent's for ${spoken(bound)}: ${why}`;
    const next = refused(status, { reason: 'NotAdopted', message }, generation, now);
    return { actions: [], status: next, lookAgainAt: undefined };
  }
  return {
    ...wait('NotAdopted', `cannot be marked as this agent's: ${why}`, true, [adopt]),
    lookAgainAt: until === Infinity ? undefined : until,
  };
}
