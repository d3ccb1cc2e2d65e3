import type { NodeStatus } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';
import { planDrain, waitingText } from './drain.ts';
import {
  type JobFacts,
  type NodeFacts,
  ownerMark,
  type PodFacts,
  type RolloutFacts,
  type WorkFacts,
} from './facts.ts';
import { type MessageRoom, SHORTEST } from './message-room.ts';
import { jobName, preflightName } from './names.ts';

/**
 * One node's way: `Pending → [Preflight] → [Draining] → Running → [Rebooting] → Completed | Failed`.
 * Every step is derived anew from what is observed, so a restart at any instant changes nothing.
 */
export interface Step {
  status: NodeStatus;
  actions: Action[];
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt?: number;
}

export interface NodeContext {
  facts: RolloutFacts;
  now: number;
  /** Bounds on messages. */
  room: MessageRoom;
}

/** How long past its own deadline a preflight pod may linger, its kubelet being slow, before it counts as lost. */
const PREFLIGHT_GRACE_MS = 60_000;

/** A Job without a pod for so long is told of. */
const NO_POD_MS = 60_000;

const stamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The first phase a node enters when it is started. */
export function begin(ctx: NodeContext, status: NodeStatus): NodeStatus {
  const { spec } = ctx.facts;
  const first = spec.preflight ? 'Preflight' : afterPreflight(ctx);
  // Its first phase begins when it does.
  const { phaseStartedAt: _, ...begun } = enter(ctx, { ...status, startedAt: stamp(ctx.now) }, first);
  return begun;
}

function afterPreflight(ctx: NodeContext): 'Draining' | 'Running' {
  const { spec } = ctx.facts;
  return spec.cordon || spec.drainOptions.enabled ? 'Draining' : 'Running';
}

function enter(ctx: NodeContext, status: NodeStatus, phase: NodeStatus['phase']): NodeStatus {
  const { message: _, ...rest } = status;
  return { ...rest, phase, phaseStartedAt: stamp(ctx.now), lastUpdated: stamp(ctx.now) };
}

/** Moves one node that is in flight as far as the facts allow. */
export function step(ctx: NodeContext, name: string, status: NodeStatus): Step {
  const node = ctx.facts.nodes.get(name);
  if (node === undefined) return { status: fail(ctx, status, 'node is gone'), actions: [] };
  const work = ctx.facts.work.get(name) ?? {};
  switch (status.phase) {
    case 'Preflight':
      return preflight(ctx, node, work, status);
    case 'Draining':
      return drain(ctx, node, work, status);
    case 'Running':
      return run(ctx, node, work, status);
    case 'Rebooting':
      return reboot(ctx, node, work, status);
    case 'Pending':
    case 'Completed':
    case 'Failed':
    case 'Cancelled':
      return { status, actions: [] };
  }
}

function preflight(ctx: NodeContext, node: NodeFacts, work: WorkFacts, status: NodeStatus): Step {
  const { spec } = ctx.facts;
  const pod = work.preflight;
  if (spec.preflight === undefined) return step(ctx, node.name, enter(ctx, status, afterPreflight(ctx)));
  if (pod === undefined) {
    return {
      status,
      actions: [{ type: 'create-preflight', node: node.name, reason: 'check whether the node needs work' }],
    };
  }
  if (pod.state === 'succeeded') {
    const reason = pod.message?.trim() ?? '';
    if (reason === '') return step(ctx, node.name, enter(ctx, status, afterPreflight(ctx)));
    const skipped: NodeStatus = { ...status, rebootStatus: 'not-requested' };
    return { status: complete(ctx, skipped, `Skipped by preflight: ${reason}`), actions: [] };
  }
  if (pod.state === 'failed') {
    return { status: failFrom(ctx, status, 'preflight failed', pod), actions: [] };
  }
  // By the later of two clocks, the server's and this agent's: one that is off fails no node.
  const lostAt =
    Math.max(pod.createdAt, since(status)) + spec.preflight.activeDeadlineSeconds * 1000 + PREFLIGHT_GRACE_MS;
  if (ctx.now >= lostAt) {
    const text = `preflight pod ${preflightName(ctx.facts, node.name)} did not end within its deadline`;
    return { status: fail(ctx, status, text), actions: [] };
  }
  return { status: note(ctx, status, waitingReason(pod)), actions: [], lookAgainAt: lostAt };
}

function drain(ctx: NodeContext, node: NodeFacts, work: WorkFacts, status: NodeStatus): Step {
  const { spec } = ctx.facts;
  if (!node.unschedulable) {
    const why = spec.drainOptions.enabled
      ? 'no new pods while the node is drained'
      : 'no new pods during the operation';
    return { status, actions: [{ type: 'cordon', node: node.name, reason: why }] };
  }
  if (!spec.drainOptions.enabled) return step(ctx, node.name, enter(ctx, status, 'Running'));
  if (work.drain === undefined) {
    return {
      status,
      actions: [{ type: 'watch-pods', node: node.name, reason: 'see which pods are to be evicted' }],
    };
  }
  const plan = planDrain(work.drain, spec.drainOptions, ctx.facts.agentPod, ctx.now);
  if (plan.refused !== undefined)
    return { status: fail(ctx, status, `drain refused: ${plan.refused}`), actions: [] };
  if (plan.waiting.length === 0) return step(ctx, node.name, enter(ctx, status, 'Running'));
  const bound = spec.drainOptions.timeoutSeconds;
  const deadline = bound === 0 ? undefined : since(status) + bound * 1000;
  if (deadline !== undefined && ctx.now >= deadline) {
    const text = `drain timed out after ${bound} s: ${waitingText(plan)}`;
    return { status: fail(ctx, status, text), actions: [] };
  }
  const actions: Action[] = plan.evict.map((pod) => ({
    type: 'evict',
    node: node.name,
    pod,
    reason: 'the node is drained',
  }));
  return withLook({ status: note(ctx, status, waitingText(plan)), actions }, plan.retryAt, deadline);
}

function run(ctx: NodeContext, node: NodeFacts, work: WorkFacts, status: NodeStatus): Step {
  const { job } = work;
  if (job === undefined) return missingJob(node, status, work.jobSeen === true);
  if (job === 'gone') {
    const name = jobName(ctx.facts, node.name);
    const text = `Job ${name} disappeared before its result was seen; its command is not run again`;
    return { status: fail(ctx, { ...status, jobName: name }, text), actions: [] };
  }
  const named = status.jobName === job.name ? status : { ...status, jobName: job.name };
  const seen = withAttempts(ctx, named, job);
  if (job.state === 'failed') return { status: jobFailed(ctx, seen, job), actions: [] };
  if (job.state === 'active') return active(ctx, seen, job);
  if (!ctx.facts.spec.rebootOnSuccess) return finish(ctx, node, seen);
  if (node.bootID === undefined)
    return { status: note(ctx, seen, 'waiting for the node to report its boot ID'), actions: [] };
  const rebooting: NodeStatus = {
    ...enter(ctx, seen, 'Rebooting'),
    bootID: node.bootID,
    rebootStatus: 'pending',
  };
  return step(ctx, node.name, rebooting);
}

/** A Job whose pods nobody admits waits for good without a word of its own. */
function active(ctx: NodeContext, status: NodeStatus, job: JobFacts): Step {
  if (job.pod !== undefined) return { status: note(ctx, status, waitingReason(job.pod)), actions: [] };
  const until = since(status) + NO_POD_MS;
  const text = ctx.now < until ? undefined : `Job ${job.name} has no pod; kubectl describe job says why`;
  return withLook({ status: note(ctx, status, text), actions: [] }, ctx.now < until ? until : undefined);
}

function missingJob(node: NodeFacts, status: NodeStatus, seen: boolean): Step {
  // A recorded Job that is not in the cache may have been deleted, or the cache may be behind: ask.
  const action: Action =
    status.jobName === undefined && !seen
      ? { type: 'create-job', node: node.name, reason: 'run the command' }
      : { type: 'look-up-job', node: node.name, reason: 'the recorded Job is not to be seen' };
  return { status, actions: [action] };
}

function jobFailed(ctx: NodeContext, status: NodeStatus, job: JobFacts): NodeStatus {
  const cancelled = ctx.facts.spec.rebootOnSuccess ? ({ rebootStatus: 'cancelled' } as const) : {};
  const exitCode = job.pod?.exitCode === undefined ? {} : { exitCode: job.pod.exitCode };
  const seen = { ...status, ...cancelled, ...exitCode };
  const why = job.reason === 'DeadlineExceeded' ? 'command ran into its deadline' : 'command failed';
  return job.pod
    ? failFrom(ctx, seen, why, job.pod)
    : fail(ctx, seen, `${why}: ${job.message ?? job.reason ?? 'no reason given'}`);
}

function reboot(ctx: NodeContext, node: NodeFacts, work: WorkFacts, status: NodeStatus): Step {
  const { spec, persisted } = ctx.facts;
  const before = status.bootID;
  if (before !== undefined && node.bootID !== undefined && node.bootID !== before && node.ready) {
    return finish(ctx, node, { ...status, rebootStatus: 'completed' });
  }
  const deadline = since(status) + spec.rebootTimeoutSeconds * 1000;
  if (ctx.now >= deadline) {
    return {
      status: fail(
        ctx,
        status,
        `not back ${spec.rebootTimeoutSeconds} s after the reboot was asked for: ${rebootSeen(node, work, before)}`,
      ),
      actions: [],
    };
  }
  const record = persisted.nodeStatuses?.[node.name];
  const recorded = record?.phase === 'Rebooting' && record.bootID === before;
  const actions: Action[] = [];
  // The boot ID must be on record before the node can go down: it is what proves the reboot afterwards.
  if (work.reboot === undefined && recorded && before !== undefined && node.bootID === before) {
    actions.push({
      type: 'create-reboot',
      node: node.name,
      bootID: before,
      reason: 'the command succeeded and asks for a reboot',
    });
  }
  return { status: note(ctx, status, rebootSeen(node, work, before)), actions, lookAgainAt: deadline };
}

function rebootSeen(node: NodeFacts, work: WorkFacts, before: string | undefined): string {
  const boot = node.bootID === before ? 'boot ID is still the old one' : 'boot ID is new';
  const ready = node.ready ? 'node is Ready' : 'node is not Ready';
  const pod = work.reboot?.state === 'failed' ? `, reboot pod failed: ${podReason(work.reboot)}` : '';
  return `${boot}, ${ready}${pod}`;
}

/** Success: this NodeOp's cordon is undone first, so that a Completed node is always schedulable again. */
function finish(ctx: NodeContext, node: NodeFacts, status: NodeStatus): Step {
  if (node.cordonedBy === ownerMark(ctx.facts)) {
    return { status, actions: [{ type: 'uncordon', node: node.name, reason: 'the operation succeeded' }] };
  }
  return { status: complete(ctx, status, undefined), actions: [] };
}

function complete(ctx: NodeContext, status: NodeStatus, message: string | undefined): NodeStatus {
  const { bootID: _, ...rest } = status;
  return end(ctx, rest, 'Completed', message);
}

/** A final failure with its reason. */
export function fail(ctx: NodeContext, status: NodeStatus, message: string): NodeStatus {
  const pending = status.rebootStatus === 'pending' && status.phase !== 'Rebooting';
  return end(ctx, pending ? { ...status, rebootStatus: 'cancelled' } : status, 'Failed', message);
}

/** The end of a node that was never started. */
export function cancel(ctx: NodeContext, status: NodeStatus, message: string): NodeStatus {
  const pending = status.rebootStatus === 'pending';
  return end(ctx, pending ? { ...status, rebootStatus: 'cancelled' } : status, 'Cancelled', message);
}

function end(
  ctx: NodeContext,
  status: NodeStatus,
  phase: NodeStatus['phase'],
  message: string | undefined,
): NodeStatus {
  const { phaseStartedAt: _, lastUpdated: __, message: ___, ...rest } = status;
  const limit = phase === 'Failed' ? ctx.room.failed() : ctx.room.untouched;
  const text = message === undefined ? '' : cut(message, limit);
  return { ...rest, phase, ...(text === '' ? {} : { message: text }), finishedAt: stamp(ctx.now) };
}

/** Adds to what the message of a failed node says; what was said is cut first. */
export function append(ctx: NodeContext, status: NodeStatus, text: string): NodeStatus {
  const { message, ...rest } = status;
  const limit = ctx.room.failed();
  if (message === undefined || limit < text.length) return status;
  const said = cut(message, limit - text.length - 2);
  return { ...rest, message: said === '' ? text : `${said}; ${text}` };
}

function failFrom(ctx: NodeContext, status: NodeStatus, what: string, pod: PodFacts): NodeStatus {
  return fail(ctx, status, `${what}: ${podReason(pod)}`);
}

function podReason(pod: PodFacts): string {
  const code = pod.exitCode === undefined ? undefined : `exit code ${pod.exitCode}`;
  const reason = pod.reason === 'Error' ? undefined : pod.reason;
  const text = [code, reason].filter((part) => part !== undefined).join(', ');
  const message = pod.message?.trim();
  return [text, message].filter((part) => part !== undefined && part !== '').join(': ') || 'no reason given';
}

function waitingReason(pod: PodFacts): string | undefined {
  if (pod.state !== 'waiting' || pod.reason === undefined || pod.reason === 'ContainerCreating')
    return undefined;
  return pod.message === undefined ? pod.reason : `${pod.reason}: ${pod.message}`;
}

function withAttempts(ctx: NodeContext, status: NodeStatus, job: JobFacts): NodeStatus {
  const same = status.attempts === job.attempts;
  return same ? status : { ...status, attempts: job.attempts, lastUpdated: stamp(ctx.now) };
}

/** Sets or clears the message; the very same object when it says that already. */
export function note(ctx: NodeContext, status: NodeStatus, text: string | undefined): NodeStatus {
  const message = text === undefined ? undefined : cut(text, ctx.room.inFlight) || undefined;
  if (status.message === message) return status;
  const { message: _, ...rest } = status;
  return { ...rest, ...(message === undefined ? {} : { message }), lastUpdated: stamp(ctx.now) };
}

function since(status: NodeStatus): number {
  return Date.parse(status.phaseStartedAt ?? status.startedAt ?? '') || 0;
}

function withLook(result: Step, ...times: (number | undefined)[]): Step {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? result : { ...result, lookAgainAt: Math.min(...known) };
}

/** Text without control characters, at most `limit` characters, cut in the middle: both ends tell most. '' where there is no room. */
function cut(text: string, limit: number): string {
  // oxlint-disable-next-line no-control-regex
  const clean = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').trim();
  if (clean.length <= limit) return clean;
  if (limit < SHORTEST) return '';
  const head = Math.floor((limit - 3) / 2);
  return `${clean.slice(0, head)} … ${clean.slice(clean.length - (limit - 3 - head))}`;
}
