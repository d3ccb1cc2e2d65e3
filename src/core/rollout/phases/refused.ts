import { spoken } from '../../text/table.ts';
import { type Action, actionKey } from '../actions.ts';
import type { RolloutFacts } from '../facts.ts';
import type { NodeContext } from '../node-status.ts';
import type { Bound, Going } from './phase.ts';

/** What is done on a node, or asked about it. The rehearsal has a bound of its own. */
type NodeAction = Exclude<Extract<Action, { node: string }>, { type: 'rehearse' }>;

/**
 * What does not come about when the API server refuses it for good, and what it is then that is refused. Nothing is done or
 * asked of a node without: a policy, a quota or a right that is missing must not keep it where it is until somebody looks.
 */
const REFUSED: { [Type in NodeAction['type']]: readonly [what: string, object: string] } = {
  'create-preflight': ['the preflight did not start', 'its pod'],
  'create-job': ['the command did not start', 'its Job'],
  'create-reboot': ['the reboot did not start', 'its pod'],
  'create-postflight': ['the postflight did not start', 'its pod'],
  cordon: ['the node was not cordoned', 'the change of the node'],
  uncordon: ['its cordon was not undone', 'the change of the node'],
  'hand-over': ['its cordon was not handed over', 'the change of the node'],
  'watch-pods': ['it was not seen which pods are to be evicted', 'the list of its pods'],
  evict: ['the node was not drained', 'an eviction'],
  'look-up-job': ['its Job was not found again', 'the question for it'],
  confirm: ['it was not seen how things stand', 'the question for its objects'],
  'delete-job': ['what was started was not ended', 'the deletion of its Job'],
  'delete-pod': ['what was started was not ended', 'the deletion of its pod'],
};

/** Until when the API server may refuse something: from the first time on, as it may be mended meanwhile. */
function until({ spec }: RolloutFacts, since: number): number {
  return since + spec.startTimeoutSeconds * 1000;
}

/** Whether an action will not be carried out any more: it has been refused for as long, and once more after that. */
export function isOverdue(facts: RolloutFacts, now: number, action: Action): boolean {
  const refusal = facts.refusal(actionKey(action));
  if (refusal === undefined) return false;
  const at = until(facts, refusal.since);
  return now >= at && refusal.at >= at;
}

/** Why it will not, if that is so. */
export function overdue(facts: RolloutFacts, now: number, action: NodeAction): string | undefined {
  const refusal = facts.refusal(actionKey(action));
  if (refusal === undefined || !isOverdue(facts, now, action)) return undefined;
  const [what, object] = REFUSED[action.type];
  return `${what} within ${spoken(facts.spec.startTimeoutSeconds)}: ${object} is refused: ${refusal.why}`;
}

/** Why nobody can tell how a node stands: all that a verdict on it is made of may not be read. */
export function unreadable(facts: RolloutFacts, now: number, node: string): string | undefined {
  return overdue(facts, now, { type: 'confirm', node, reason: '' });
}

/** The bounds on what a phase asks for while it is refused. */
export function refusalBounds({ facts, now }: NodeContext, { actions, status }: Going): Bound[] {
  return actions.flatMap((action): Bound[] => {
    if (!('node' in action) || action.type === 'rehearse') return [];
    const refusal = facts.refusal(actionKey(action));
    if (refusal === undefined) return [];
    const at = until(facts, refusal.since);
    const why = overdue(facts, now, action);
    // Only an answer from after that ends it.
    if (now >= at && why === undefined) return [];
    const isReboot = action.type === 'create-reboot';
    return [
      {
        at,
        why: () => why ?? '',
        unbegun: action.type === 'create-job',
        ...(isReboot && { status: { ...status, rebootStatus: 'cancelled' } }),
      },
    ];
  });
}
