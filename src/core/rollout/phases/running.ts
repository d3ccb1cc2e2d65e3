import type { NodeStatus } from '../../../api/nodeop.ts';
import type { Action } from '../actions.ts';
import type { JobFacts } from '../facts.ts';
import { jobName } from '../names.ts';
import { enter, since, stamp, withLastWords } from '../node-status.ts';
import { podReason, waitingReason } from '../words.ts';
import type { Going, NodeView, Outcome, Phase, PhaseAtNode } from './phase.ts';

/** A Job without a pod for so long is told of. */
const NO_POD_MS = 60_000;

function at(view: NodeView): PhaseAtNode {
  return {
    over: () => outcome(view),
    timeout: () => undefined,
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
  if (job.state === 'failed') return failed(view, seen, job);
  if (job.state === 'active') return undefined;
  if (!ctx.facts.spec.rebootOnSuccess) return { to: 'Completed', status: seen };
  if (node.bootID === undefined) return undefined;
  return {
    to: 'next',
    status: { ...enter(ctx, seen, 'Rebooting'), bootID: node.bootID, rebootStatus: 'pending' },
  };
}

function going(view: NodeView): Going {
  const { ctx, node, work, status } = view;
  const { job } = work;
  if (job === undefined || job === 'gone') {
    return { status, actions: [missingJob(view)], waitsFor: status.message };
  }
  const seen = withJob(view, job);
  // A command that succeeded goes on only where a reboot has to be proved afterwards.
  if (job.state === 'succeeded')
    return { status: seen, actions: [], waitsFor: 'waiting for the node to report its boot ID' };
  if (job.pod !== undefined) return { status: seen, actions: [], waitsFor: waitingReason(job.pod) };
  // A Job whose pods nobody admits waits for good without a word of its own.
  const until = since(status) + NO_POD_MS;
  if (ctx.now < until) return { status: seen, actions: [], waitsFor: undefined, lookAgainAt: until };
  const waitsFor = `Job ${job.name} has no pod; kubectl describe job says why`;
  return { status: seen, actions: [], waitsFor };

  function missingJob({ work: { jobSeen } }: NodeView): Action {
    // A recorded Job that is not in the cache may have been deleted, or the cache may be behind: ask.
    return status.jobName === undefined && jobSeen !== true
      ? { type: 'create-job', node: node.name, reason: 'run the command' }
      : { type: 'look-up-job', node: node.name, reason: 'the recorded Job is not to be seen' };
  }
}

function failed({ ctx }: NodeView, seen: NodeStatus, job: JobFacts): Outcome {
  const cancelled = ctx.facts.spec.rebootOnSuccess ? ({ rebootStatus: 'cancelled' } as const) : {};
  const exitCode = job.pod?.exitCode === undefined ? {} : { exitCode: job.pod.exitCode };
  const status = job.pod
    ? withLastWords(ctx, { ...seen, ...cancelled, ...exitCode }, job.pod)
    : { ...seen, ...cancelled };
  const what = job.reason === 'DeadlineExceeded' ? 'command ran into its deadline' : 'command failed';
  const why = job.pod ? podReason(job.pod) : (job.message ?? job.reason ?? 'no reason given');
  return { to: 'Failed', status, message: `${what}: ${why}` };
}

/** The entry with the Job's name and attempts on record. */
function withJob({ ctx, status }: NodeView, job: JobFacts): NodeStatus {
  const named = status.jobName === job.name ? status : { ...status, jobName: job.name };
  const same = named.attempts === job.attempts;
  return same ? named : { ...named, attempts: job.attempts, lastUpdated: stamp(ctx.now) };
}

/** The Job with the command. Its own bounds are kept by the Job controller. */
export const running: Phase = {
  at,
  leaves: () => [],
};
