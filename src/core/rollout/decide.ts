import { isFinalPhase, type NodeOpStatus, type NodeStatus } from '../../api/nodeop.ts';
import { adoption } from './adoption.ts';
import { tooManyNodes } from './capacity.ts';
import type { Decision } from './decision.ts';
import type { RolloutFacts } from './facts.ts';
import { Memory } from './memory.ts';
import { Pass } from './pass.ts';
import { settled } from './settled.ts';
import { overall } from './status.ts';
import { refused } from './refusal.ts';
import { summarise } from './summary.ts';
import { unbegun } from './steps/progress.ts';
import { rulesOf, stepOf } from './steps/split.ts';
import { targetsOf } from './targets.ts';

/**
 * The whole rollout in one step: observed facts and the time in; actions with their reasons, the
 * status, and when to look again out. `now` is the steady clock's, so that nobody sets it. Statuses that do not change keep
 * their identity, so the caller can tell what is new by reference. With a memory the look costs what changed since the
 * one before and decides the same as without.
 */
export function decide(facts: RolloutFacts, now: number, memory: Memory = new Memory()): Decision {
  if (isFinalPhase(facts.status.phase)) return settled(facts, now);
  const targets = facts.status.nodeStatuses;
  if (!facts.adopted && facts.cancelled === undefined) return adoption(facts, now);
  // The targets are on record before anything starts, so that a restart works on the very same nodes.
  if (targets === undefined) return { actions: [], status: snapshot(facts, now), lookAgainAt: undefined };
  if (facts.persisted.nodeStatuses === undefined)
    return { actions: [], status: facts.status, lookAgainAt: undefined };
  return memory.look(facts, targets, now, (fleet, due) => new Pass(facts, now, fleet).decide(due));
}

function snapshot(facts: RolloutFacts, now: number): NodeOpStatus {
  const names = targetsOf(facts.spec, facts.nodes);
  const tooMany = tooManyNodes(facts, names);
  if (tooMany !== undefined)
    return refused(facts.status, { reason: 'TooManyNodes', message: tooMany }, facts.generation, now);
  const first: NodeStatus = {
    phase: 'Pending',
    rebootStatus: facts.spec.rebootOnSuccess ? 'pending' : 'not-requested',
  };
  const nodeStatuses = Object.fromEntries(names.map((name) => [name, first]));
  const summary = summarise(names.map(() => first));
  const nothing = { waiting: undefined, refusal: undefined, firstFailure: undefined, lost: [], waits: [] };
  const pass = { ...nothing, steps: undefined, isStopped: false, toUndo: 0, hasMoved: true, summary };
  const status = overall(facts, nodeStatuses, now, pass);
  // Which node is in which step is on record with the nodes, and never changes.
  const split = stepOf(facts.spec, names, facts.nodes, facts.agentNode);
  if (split === undefined || names.length === 0) return status;
  const sizes = Map.groupBy(split, (step) => Number.parseInt(step, 36));
  const steps = unbegun(rulesOf(facts.spec, (step) => sizes.get(step)?.length ?? 0));
  return { ...status, stepOf: split, steps };
}
