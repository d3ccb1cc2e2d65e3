import { FINALIZER } from '../../api/labels.ts';
import type { NodeOpStatus } from '../../api/nodeop.ts';
import { type Action, actionKey } from './actions.ts';
import type { RolloutFacts } from './facts.ts';
import { stampUp } from './node-status.ts';
import { isOverdue } from './phases/refused.ts';
import { told } from './conditions.ts';

/**
 * A NodeOp that is deleted goes once what it started has ended and what it cordoned is uncordoned. While the API server refuses
 * that it stays, for as long as it takes: this condition says why, and what to do.
 */
const DELETION_BLOCKED = 'DeletionBlocked';

const WAY_OUT =
  'give the agent the right to it (manifests/base/rbac.yaml); or see to it yourself and take the finalizer ' +
  `${FINALIZER} off, after which the cluster deletes the Jobs and pods of the NodeOp by itself`;

/** @param actions what is to be done yet */
export function deletionTold(
  facts: RolloutFacts,
  status: NodeOpStatus,
  actions: readonly Action[],
  now: number,
): NodeOpStatus {
  const why = facts.deleted && facts.finalized ? refusedFor(facts, now, actions) : undefined;
  const message = why === undefined ? undefined : told(`${why}; ${WAY_OUT}`);
  const known = deletionBlocked(status);
  if (known?.message === message) return status;
  const others = (status.conditions ?? []).filter((it) => it !== known);
  const stamp = stampUp(now);
  const conditions = message === undefined ? others : [...others, condition(message, known, stamp)];
  return { ...status, conditions, lastUpdated: stamp };
}

type Condition = NonNullable<NodeOpStatus['conditions']>[number];

export function deletionBlocked({ conditions }: NodeOpStatus): Condition | undefined {
  return conditions?.find(({ type }) => type === DELETION_BLOCKED);
}

function condition(message: string, known: Condition | undefined, stamp: string): Condition {
  const lastTransitionTime = known?.lastTransitionTime ?? stamp;
  return { type: DELETION_BLOCKED, status: 'True', reason: 'Refused', message, lastTransitionTime };
}

/** What has failed again and again, or for long; the first of it. */
function refusedFor(facts: RolloutFacts, now: number, actions: readonly Action[]): string | undefined {
  for (const action of actions) {
    const key = actionKey(action);
    const why = facts.troubles.get(key) ?? facts.refusal(key)?.why;
    const isLong = facts.troubles.has(key) || isOverdue(facts, now, action);
    if (isLong && why !== undefined) return `${undone(action)}: ${why}`;
  }
  return undefined;
}

function undone(action: Action): string {
  const { type } = action;
  const where = 'node' in action ? ` on ${action.node}` : '';
  if (type === 'delete-job') return `Job ${action.name}${where} is not deleted`;
  if (type === 'delete-pod' || type === 'delete-check-pod')
    return `pod ${action.name}${where} is not deleted`;
  return `${type}${where} keeps failing`;
}
