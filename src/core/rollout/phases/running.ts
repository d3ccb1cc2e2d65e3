import type { NodeStatus } from '../../../api/nodeop.ts';
import { spoken } from '../../text/table.ts';
import type { Action } from '../actions.ts';
import type { JobFacts, WorkFacts } from '../facts.ts';
import { jobName } from '../names.ts';
import { enter, since, stampUp, withLastWords } from '../node-status.ts';
import { atNode, podReason } from '../words.ts';
import { startBound } from './bounds.ts';
import { afterOperation } from './order.ts';
import {
  type Bound,
  type Going,
  hasEnded,
  type NodeView,
  type Outcome,
  type Phase,
  type PhaseAtNode,
  type Started,
  unended,
  type Verdict,
} from './phase.ts';
import { type Silence, isUnexplained, podWait, silence, whyUnbegun } from './silence.ts';

function at(view: NodeView): PhaseAtNode {
  return {
    over: () => outcome(view),
    takenBack: (why) => takenBack(view, why),
    bounds: () => bounds(view),
    going: () => going(view),
  };
}

function outcome(view: NodeView): Outcome | undefined {
  const { ctx, node, work, status } = view;
  const { job } = work;
  if (job === undefined) return undefined;
  if (job === 'gone') {
    const name = jobName(ctx.facts, node.name);
    const message = `Job ${name} disappeared before its result was seen; its command is not run again`;
    return { to: 'Failed', status: { ...status, jobName: name }, message };
  }
  const seen = withJob(view, job);
  // The verdict of the Job controller may be there before its pods have ended, or before that was heard of.
  if (job.state === 'active' || !podsAreDone(view)) return undefined;
  if (endIsUnheard(view, job)) return undefined;
  if (job.state !== 'succeeded') return failed(view, seen, job);
  if (!ctx.facts.spec.rebootOnSuccess) return afterOperation(ctx, seen);
  if (node.bootID === undefined) return undefined;
  return {
    to: 'next',
    status: { ...enter(ctx, seen, 'Rebooting'), bootID: node.bootID, rebootStatus: 'pending' },
  };
}

/**
 * Fewer pods are known than the failed Job had, or the last one had never begun, and nobody has asked since: the news of the
 * Job may have come first, and why a pod did not begin is told elsewhere.
 */
function endIsUnheard(view: NodeView, { state, attempts: counted, pod }: JobFacts): boolean {
  const { attempts = [], confirmedAt } = view.work;
  if (state !== 'failed' || confirmedAt !== undefined) return false;
  return attempts.length < counted || (pod !== undefined && isUnexplained(view, pod));
}

/** A pod that is being deleted on a node that is not Ready may stay for good; nothing of it starts any more. */
function podsAreDone({ node, work }: NodeView): boolean {
  return (work.attempts ?? []).every((pod) => hasEnded(pod) || (pod.deleting && !node.ready));
}

/** Taken back before the command has begun it is given up; one that runs may finish, unless the NodeOp itself goes. */
function takenBack(view: NodeView, why: string): Verdict | undefined {
  const { ctx, work } = view;
  const { job } = work;
  const status = typeof job === 'object' ? withJob(view, job) : view.status;
  const ended = endOfCommand(view, job, why);
  if (ended !== undefined) return ended;
  const began = work.commandBegan === true || (typeof job === 'object' && job.state !== 'active');
  if (!began) return { to: 'Cancelled', status, message: why, unbegun: true };
  return ctx.facts.deleted
    ? { to: 'Failed', status, message: `stopped while its command ran: ${why}` }
    : undefined;
}

/**
 * The verdict on a command that has ended in a pod which something added beside it keeps alive. Whoever takes the run back
 * waits for no such thing: the command needs no time any more.
 */
function endOfCommand(view: NodeView, job: WorkFacts['job'], why: string): Verdict | undefined {
  if (typeof job !== 'object' || job.state !== 'active' || job.pod === undefined) return undefined;
  const { keptBy = [], state } = job.pod;
  if (keptBy.length === 0) return undefined;
  const seen = withJob(view, job);
  if (state === 'failed') return failed(view, seen, job);
  const { postflight, rebootOnSuccess } = view.ctx.facts.spec;
  if (postflight !== undefined)
    return { to: 'Failed', status: seen, message: `its postflight was not run: ${why}` };
  if (!rebootOnSuccess) return { to: 'Completed', status: seen };
  return {
    to: 'Completed',
    status: { ...seen, rebootStatus: 'cancelled' },
    message: 'its reboot is cancelled',
  };
}

function bounds(view: NodeView): Bound[] {
  const { ctx, work, status } = view;
  const { job } = work;
  if (typeof job !== 'object' || job.state !== 'active') return [];
  const { cancelledAt, spec } = ctx.facts;
  const result: Bound[] = [];
  if (cancelledAt !== undefined && spec.cancelTimeoutSeconds !== undefined) {
    const why = () =>
      `stopped while its command ran: not done ${spoken(spec.cancelTimeoutSeconds ?? 0)} after the run was cancelled`;
    result.push({ at: cancelledAt + spec.cancelTimeoutSeconds * 1000, why });
  }
  const waits = job.pod === undefined ? work.commandBegan !== true : !job.pod.started && !hasEnded(job.pod);
  if (waits) {
    const created = job.pod?.createdAt ?? job.createdAt;
    const from = Math.max(created, since(status));
    result.push({ ...startBound(view, from, 'the command', job.pod), unbegun: work.commandBegan !== true });
  }
  return result;
}

function going(view: NodeView): Going {
  const { node, work, status } = view;
  const { job } = work;
  if (typeof job !== 'object') {
    return { status, actions: [missingJob(view)], waitsFor: status.message };
  }
  if (endIsUnheard(view, job)) {
    const reason = 'its Job has failed: how did its pod end?';
    const ask: Action = { type: 'confirm', node: node.name, reason };
    return { status: withJob(view, job), actions: [ask], waitsFor: status.message };
  }
  const wait = jobWait(view, job);
  return { ...wait, status: withJob(view, job), waitsFor: atNode(wait.waitsFor, node) };
}

/** For people; undefined when nothing is out of the ordinary. */
function jobWait(view: NodeView, job: JobFacts): Silence {
  if (job.state === 'active') {
    if (job.pod !== undefined) return podWait(view, job.pod);
    return silence(view, since(view.status), `Job ${job.name} has no pod`, 'job');
  }
  // A command that succeeded goes on only where a reboot has to be proved afterwards.
  const waitsFor = podsAreDone(view)
    ? 'waiting for the node to report its boot ID'
    : `the command has ${job.state === 'succeeded' ? 'succeeded' : 'failed'}, waiting for its pods to end`;
  return { waitsFor, actions: [] };
}

function missingJob({ node, work, status }: NodeView): Action {
  // A recorded Job that is not in the cache may have been deleted, or the cache may be behind: ask.
  return status.jobName === undefined && work.jobSeen !== true
    ? { type: 'create-job', node: node.name, reason: 'run the command' }
    : { type: 'look-up-job', node: node.name, reason: 'the recorded Job is not to be seen' };
}

function failed(view: NodeView, seen: NodeStatus, job: JobFacts): Verdict {
  const { ctx, node, work } = view;
  const cancelled = ctx.facts.spec.rebootOnSuccess ? ({ rebootStatus: 'cancelled' } as const) : {};
  const exitCode = job.pod?.exitCode === undefined ? {} : { exitCode: job.pod.exitCode };
  const status = job.pod
    ? withLastWords(ctx, { ...seen, ...cancelled, ...exitCode }, job.pod)
    : { ...seen, ...cancelled };
  const what = job.reason === 'DeadlineExceeded' ? 'command ran into its deadline' : 'command failed';
  const isKnown = job.pod !== undefined && hasEnded(job.pod);
  const own = isKnown && job.pod ? podReason(job.pod) : (job.message ?? job.reason ?? 'no reason given');
  const why = work.commandBegan === true ? own : `${own}${whyUnbegun(view, job.pod)}`;
  const isLost = !node.ready && (work.attempts ?? []).some((pod) => !hasEnded(pod));
  return { to: 'Failed', status, message: isLost && !isKnown ? what : `${what}: ${why}` };
}

/** The entry with the Job's name and attempts on record. */
function withJob({ ctx, status }: NodeView, job: JobFacts): NodeStatus {
  const named = status.jobName === job.name ? status : { ...status, jobName: job.name };
  const same = named.attempts === job.attempts;
  return same ? named : { ...named, attempts: job.attempts, lastUpdated: stampUp(ctx.now) };
}

function started({ job, attempts = [] }: WorkFacts): Started[] {
  const pods = attempts.flatMap((pod) => unended(pod));
  const mayStartPods = typeof job === 'object' && job.state === 'active';
  return mayStartPods ? [{ kind: 'job', ...job }, ...pods] : pods;
}

/** The Job with the command. `activeDeadlineSeconds` is kept by the Job controller. */
export const running: Phase = { at, started };
