import { spoken } from '../text/table.ts';
import { type Action, actionKey } from './actions.ts';
import type { RolloutFacts } from './facts.ts';

export interface RehearsalStep {
  action?: Action;
  /** Why the rollout is over before anything of it began. */
  refusal?: string;
  /** What keeps it from beginning for now. */
  waiting?: string;
  lookAgainAt?: number;
}

/**
 * What the API server would refuse is known before a node is cordoned or drained for it. What is wrong for good is told
 * even while the rollout is held; what may change is only waited for, for `startTimeoutSeconds`, once nothing else holds
 * the rollout up: until then a quota may be taken by those before it.
 */
export function rehearse(facts: RolloutFacts, node: string, isHeld: boolean, now: number): RehearsalStep {
  const { rehearsal, troubles, spec } = facts;
  const action: Action = { type: 'rehearse', node, reason: 'would the API server take what is to be made?' };
  if (rehearsal === undefined) {
    const why = troubles.get(actionKey(action));
    return { action, ...(why !== undefined && { waiting: `${action.type} keeps failing: ${why}` }) };
  }
  if (rehearsal.kind === 'accepted') return {};
  const { kind, message } = rehearsal;
  if (kind === 'refused') return { refusal: message };
  if (isHeld) return {};
  // Only an answer from after the bound may end it.
  if (rehearsal.at >= rehearsal.since + spec.startTimeoutSeconds * 1000)
    return { refusal: `for ${spoken(spec.startTimeoutSeconds)}: ${message}` };
  const { retryAt } = rehearsal;
  return now < retryAt ? { waiting: message, lookAgainAt: retryAt } : { action, waiting: message };
}
