import { isFinalPhase } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';
import { DISOWNED, letGo } from './assess.ts';
import { isKept } from './cordons.ts';
import type { Decision } from './decision.ts';
import { deletionTold } from './deletion.ts';
import { deletions } from './ending.ts';
import { ownerMark, type RolloutFacts } from './facts.ts';
import { startedOn } from './node.ts';
import { acknowledged } from './status.ts';
import { leftOfChecks } from './steps/follow.ts';
import { own } from '../../api/own.ts';

/**
 * After the end nothing changes any more. A failed node may stay cordoned for as long as the NodeOp that
 * says why exists: deleting it uncordons, so it is let go only when no cordon of its own is left.
 */
export function settled(facts: RolloutFacts, now: number): Decision {
  const cordoned = Object.keys(facts.status.nodeStatuses ?? {})
    .map((name) => facts.nodes.get(name))
    .filter((node) => node?.cordonedBy === ownerMark(facts));
  const actions: Action[] = [];
  const left = leftBehind(facts);
  for (const node of cordoned) {
    // Nobody else begins on a node on which something of it goes on.
    if (node === undefined || left.busy.has(node.name)) continue;
    const status = own(facts.status.nodeStatuses, node.name);
    if (facts.deleted) actions.push(letGo(facts, node.name, 'the NodeOp is being deleted'));
    else if (!node.unschedulable) actions.push({ type: 'uncordon', node: node.name, reason: DISOWNED });
    else if (status === undefined || !isKept(facts.spec, status))
      actions.push(letGo(facts, node.name, 'nothing is left to be cordoned for'));
  }
  actions.push(...left.actions);
  const checks = leftOfChecks(facts, facts.status.steps ?? [], true);
  actions.push(...checks);
  // The outcome is on record before the object may go.
  const mayGo =
    facts.finalized &&
    cordoned.length + checks.length === 0 &&
    left.busy.size === 0 &&
    isFinalPhase(facts.persisted.phase);
  if (mayGo) actions.push({ type: 'release', reason: 'nothing is left to undo' });
  const status = deletionTold(facts, acknowledged(facts, now), actions, now);
  return { actions, status, lookAgainAt: undefined };
}

/** What may still run although the verdict on its node is final: a request that was carried out late, for example. */
function leftBehind(facts: RolloutFacts): { actions: Action[]; busy: ReadonlySet<string> } {
  const actions: Action[] = [];
  const busy = new Set<string>();
  for (const [node, work] of facts.work) {
    const left = startedOn(work);
    actions.push(...deletions(node, left));
    const isReachable = facts.nodes.get(node)?.ready === true;
    if (left.some(({ deleting }) => !deleting || isReachable)) busy.add(node);
  }
  return { actions, busy };
}
