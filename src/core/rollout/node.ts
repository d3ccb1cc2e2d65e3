import { isFinalNodePhase, type NodeStatus } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';
import { conclude, type EndView, windUp } from './ending.ts';
import { type NodeFacts, ownerMark, type WorkFacts } from './facts.ts';
import { enter, isAnother, type NodeContext, note, shortUID, stampUp } from './node-status.ts';
import { draining } from './phases/draining.ts';
import { firstPhase } from './phases/order.ts';
import {
  type InFlightPhase,
  isConfirmed,
  type NodeView,
  type Phase,
  type PhaseAtNode,
  type Started,
  type Verdict,
} from './phases/phase.ts';
import { postflight } from './phases/postflight.ts';
import { preflight } from './phases/preflight.ts';
import { rebooting } from './phases/rebooting.ts';
import { overdue, refusalBounds, unreadable } from './phases/refused.ts';
import { running } from './phases/running.ts';

/**
 * One node's way: `Pending → [Preflight] → [Draining] → Running → [Rebooting] → [Postflight] → Completed | Failed`.
 * A phase without rules does not compile.
 */
const PHASES: { [Name in InFlightPhase]: Phase } = {
  Preflight: preflight,
  Draining: draining,
  Running: running,
  Rebooting: rebooting,
  Postflight: postflight,
};

const BEFORE_COMMAND: ReadonlySet<InFlightPhase> = new Set(['Preflight', 'Draining']);

export interface Step {
  status: NodeStatus;
  actions: Action[];
  /** For people, whether or not the entry has room for it; undefined when nothing is out of the ordinary. */
  waitsFor?: string | undefined;
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt?: number;
}

/** The first phase a node enters when it is started. */
export function begin(ctx: NodeContext, status: NodeStatus, node: NodeFacts): NodeStatus {
  const { phaseStartedAt: _, ...known } = status;
  // What an agent made that was lost before its record tells which node that was; by now another one may have its name.
  const uid = madeForAnother(node, ctx.facts.work.get(node.name)) ?? node.uid;
  const started = { ...known, nodeUID: shortUID(uid), startedAt: stampUp(ctx.now) };
  // Its first phase begins when it does.
  const { phaseStartedAt: __, ...begun } = enter(ctx, started, firstPhase(ctx.facts.spec));
  return begun;
}

/** The UID of a node that was there before under this name, when anything was made for it. */
function madeForAnother({ uid }: NodeFacts, work: WorkFacts = {}): string | undefined {
  const job = work.job === 'gone' ? undefined : work.job;
  const made = [job, work.preflight, work.reboot, work.postflight];
  return made.map((it) => it?.nodeUID).find((it) => it !== undefined && it !== uid);
}

/** Moves one node that is in flight as far as the facts allow. */
export function step(ctx: NodeContext, name: string, status: NodeStatus): Step {
  const { phase } = status;
  if (phase === 'Pending' || isFinal(phase)) return { status, actions: [] };
  const node = ctx.facts.nodes.get(name);
  const work = ctx.facts.work.get(name) ?? {};
  const end: EndView = { ctx, name, node, work, left: startedOn(work) };
  if (status.ending !== undefined) return windUp(end, status);
  if (node === undefined) return conclude(end, { to: 'Failed', status, message: 'node is gone' });
  if (isAnother(status, node)) {
    const message = 'node is gone; another one has its name now';
    return conclude(end, { to: 'Failed', status, message });
  }
  // A node that has a Job, or had one, is past whatever comes before it: nothing of that is judged anew after a crash.
  const isPast = BEFORE_COMMAND.has(phase) && work.job !== undefined;
  if (isPast) return step(ctx, name, enter(ctx, status, 'Running'));
  return advance({ ctx, node, work, status }, PHASES[phase], end);
}

function advance(view: NodeView, phase: Phase, end: EndView): Step {
  const { ctx, node } = view;
  const rules = phase.at(view);
  const outcome = rules.over();
  if (outcome?.to === 'Completed' && node.cordonedBy === ownerMark(ctx.facts)) {
    // This NodeOp's cordon is undone first, so that a Completed node is always schedulable again.
    const action = { type: 'uncordon', node: node.name, reason: 'the operation succeeded' } as const;
    const why = overdue(ctx.facts, ctx.now, action);
    if (why === undefined) return { status: outcome.status, actions: [action] };
    const message = `the operation succeeded, but ${why}`;
    return conclude(end, { to: 'Failed', status: outcome.status, message });
  }
  if (outcome !== undefined && outcome.to !== 'next') return conclude(end, outcome);
  const { cancelled, cancelledAt = ctx.now } = ctx.facts;
  const given = cancelled === undefined ? undefined : rules.takenBack(cancelled);
  if (given !== undefined) {
    if (given.unbegun !== true || isConfirmed(view.work, cancelledAt)) return conclude(end, given);
    const unread = unreadable(ctx.facts, ctx.now, node.name);
    if (unread === undefined) return confirm(view.status, node.name, 'has its command begun by now?');
    return conclude(end, unseen(given, unread));
  }
  if (outcome !== undefined) return step(ctx, node.name, outcome.status);
  return goOn(view, rules, end);
}

/** No verdict by time-out on anything older than the time-out. */
function goOn({ ctx, node, work }: NodeView, rules: PhaseAtNode, end: EndView): Step {
  const going = rules.going();
  const bounds = [...rules.bounds(), ...refusalBounds(ctx, going)].toSorted((a, b) => a.at - b.at);
  const first = bounds.find(({ at }) => ctx.now >= at);
  if (first !== undefined) {
    const { why, unbegun = false, status = going.status } = first;
    const verdict = (): Verdict => ({ to: 'Failed', status, message: why(), unbegun });
    if (isConfirmed(work, first.at)) return conclude(end, verdict());
    const unread = unreadable(ctx.facts, ctx.now, node.name);
    if (unread === undefined)
      return confirm(going.status, node.name, 'its time is over: how do things stand?');
    return conclude(end, unseen(verdict(), unread));
  }
  const times = [going.lookAgainAt, bounds[0]?.at].filter((time) => time !== undefined);
  const { waitsFor, actions } = going;
  const result = { status: note(ctx, going.status, waitsFor), actions, waitsFor };
  return times.length === 0 ? result : { ...result, lookAgainAt: Math.min(...times) };
}

/** A verdict on what nobody may look at: whatever was started may run, so the node stays as it is until somebody has looked. */
function unseen({ status, message = '' }: Verdict, unread: string): Verdict {
  const isUntouched = BEFORE_COMMAND.has(status.phase as InFlightPhase);
  const parts = message.includes(unread) ? [message] : [message, unread];
  if (isUntouched) return { to: 'Failed', status, message: parts.join('; ') };
  return {
    to: 'Failed',
    status: { ...status, outcomeUnknown: true },
    message: `outcome unknown: ${parts.join('; ')}`,
  };
}

function confirm(status: NodeStatus, node: string, reason: string): Step {
  return { status, actions: [{ type: 'confirm', node, reason }], waitsFor: status.message };
}

function isFinal(phase: NodeStatus['phase']): phase is 'Completed' | 'Failed' | 'Cancelled' {
  return isFinalNodePhase(phase);
}

/** What the phases have started on a node that may still run, or begin to. */
export function startedOn(work: WorkFacts): Started[] {
  return Object.values(PHASES).flatMap((phase) => phase.started(work));
}
