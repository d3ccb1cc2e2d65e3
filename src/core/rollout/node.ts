import { isFinalNodePhase, type NodeStatus } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';
import { ownerMark, type WorkFacts } from './facts.ts';
import { complete, enter, fail, type NodeContext, note, stamp } from './node-status.ts';
import { draining } from './phases/draining.ts';
import { firstPhase } from './phases/order.ts';
import type { InFlightPhase, NodeView, Outcome, Phase } from './phases/phase.ts';
import { preflight } from './phases/preflight.ts';
import { rebooting } from './phases/rebooting.ts';
import { running } from './phases/running.ts';

/**
 * One node's way: `Pending → [Preflight] → [Draining] → Running → [Rebooting] → Completed | Failed`.
 * A phase without rules does not compile.
 */
const PHASES: { [Name in InFlightPhase]: Phase } = {
  Preflight: preflight,
  Draining: draining,
  Running: running,
  Rebooting: rebooting,
};

export interface Step {
  status: NodeStatus;
  actions: Action[];
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt?: number;
}

/** The first phase a node enters when it is started. */
export function begin(ctx: NodeContext, status: NodeStatus): NodeStatus {
  // Its first phase begins when it does.
  const { phaseStartedAt: _, ...begun } = enter(
    ctx,
    { ...status, startedAt: stamp(ctx.now) },
    firstPhase(ctx.facts.spec),
  );
  return begun;
}

/** Moves one node that is in flight as far as the facts allow. */
export function step(ctx: NodeContext, name: string, status: NodeStatus): Step {
  const node = ctx.facts.nodes.get(name);
  if (node === undefined) return { status: fail(ctx, status, 'node is gone'), actions: [] };
  const { phase } = status;
  if (phase === 'Pending' || isFinal(phase)) return { status, actions: [] };
  const view: NodeView = { ctx, node, work: ctx.facts.work.get(name) ?? {}, status };
  const rules = PHASES[phase].at(view);
  const outcome = rules.over();
  if (outcome !== undefined) return conclude(view, outcome);
  const timeout = rules.timeout();
  if (timeout !== undefined && ctx.now >= timeout.at)
    return { status: fail(ctx, status, timeout.why()), actions: [] };
  const going = rules.going();
  const times = [going.lookAgainAt, timeout?.at].filter((time) => time !== undefined);
  const result = { status: note(ctx, going.status, going.waitsFor), actions: going.actions };
  return times.length === 0 ? result : { ...result, lookAgainAt: Math.min(...times) };
}

function isFinal(phase: NodeStatus['phase']): phase is 'Completed' | 'Failed' | 'Cancelled' {
  return isFinalNodePhase(phase);
}

function conclude({ ctx, node }: NodeView, outcome: Outcome): Step {
  const { status } = outcome;
  if (outcome.to === 'next') return step(ctx, node.name, status);
  if (outcome.to === 'Failed') return { status: fail(ctx, status, outcome.message), actions: [] };
  // Success: this NodeOp's cordon is undone first, so that a Completed node is always schedulable again.
  if (node.cordonedBy === ownerMark(ctx.facts)) {
    return { status, actions: [{ type: 'uncordon', node: node.name, reason: 'the operation succeeded' }] };
  }
  return { status: complete(ctx, status, outcome.message), actions: [] };
}

/** What the phases that a node is past have made there, and what takes it away. */
export function leftovers(name: string, status: NodeStatus, work: WorkFacts): Action[] {
  return Object.entries(PHASES)
    .filter(([phase]) => phase !== status.phase)
    .flatMap(([, phase]) => phase.leaves(name, work));
}
