import { countsText } from '../text/counts.ts';
import { deletionBlocked } from './deletion.ts';
import { UNGUARDED, unguardedIn } from './retries.ts';
import type { NodeOpStatus, NodeStatus } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';

/** News for people, as Kubernetes Events tell it. Without a node it is about the NodeOp as a whole. */
export interface News {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  node?: string;
}

/**
 * What changed between two statuses that people want to be told.
 * @param changed by node the entries that changed, as they were before
 * @param drains whether nodes are drained, rather than only cordoned
 */
export function newsOf(
  before: NodeOpStatus,
  after: NodeOpStatus,
  changed: ReadonlyMap<string, NodeStatus>,
  drains = true,
): News[] {
  const news: News[] = [];
  for (const [node, was] of changed) {
    const status = own(after.nodeStatuses, node);
    if (status === undefined || was === status) continue;
    const told = nodeNews(was, status, drains);
    if (told) news.push({ ...told, node });
  }
  news.push(...stepNews(before, after));
  const whole = before.phase === after.phase ? undefined : wholeNews(after);
  if (whole) news.push(whole);
  const stalled = stalledNews(after);
  if (stalled !== undefined && stalled.message !== stalledNews(before)?.message) news.push(stalled);
  const blocked = deletionBlocked(after)?.message;
  if (blocked !== undefined && blocked !== deletionBlocked(before)?.message)
    news.push({ type: 'Warning', reason: 'DeletionBlocked', message: blocked });
  const unguarded = unguardedIn(after);
  if (unguarded !== undefined && unguardedIn(before) === undefined)
    news.push({ type: 'Warning', reason: UNGUARDED, message: unguarded });
  if (hasSpecChanged(after) && !hasSpecChanged(before)) {
    news.push({
      type: 'Warning',
      reason: 'SpecChanged',
      message: 'the changed spec is not acted on; create a new NodeOp',
    });
  }
  return news;
}

function nodeNews(was: NodeStatus, is: NodeStatus, drains: boolean): News | undefined {
  const message = is.message ?? '';
  if (
    is.phase === 'Draining' &&
    message.startsWith('eviction blocked') &&
    !was.message?.startsWith('eviction blocked')
  ) {
    return { type: 'Warning', reason: 'DrainBlocked', message };
  }
  if (was.phase === is.phase) return undefined;
  switch (is.phase) {
    case 'Draining':
      return drains
        ? { type: 'Normal', reason: 'Draining', message: 'cordoning and draining' }
        : { type: 'Normal', reason: 'Cordoning', message: 'cordoning' };
    case 'Running':
      return { type: 'Normal', reason: 'Started', message: 'running the command' };
    case 'Rebooting':
      return { type: 'Normal', reason: 'Rebooting', message: 'the command succeeded, rebooting' };
    case 'Completed':
      return {
        type: 'Normal',
        reason: is.jobName === undefined ? 'Skipped' : 'Succeeded',
        message: message || 'done',
      };
    case 'Failed':
      return { type: 'Warning', reason: failureReason(was), message };
    case 'Pending':
    case 'Preflight':
    case 'Postflight':
    case 'Cancelled':
      return undefined;
  }
}

/** What became of steps; those that only go on are told by their nodes. */
function stepNews({ steps: before = [] }: NodeOpStatus, { steps = [] }: NodeOpStatus): News[] {
  if (steps === before) return [];
  return steps.flatMap(({ name, phase, message }, i): News[] => {
    if (before[i]?.phase === phase) return [];
    const text = message === undefined ? '' : `: ${message}`;
    if (phase === 'Failed')
      return [{ type: 'Warning', reason: 'StepFailed', message: `step ${name} has failed${text}` }];
    if (phase === 'Passed')
      return [{ type: 'Normal', reason: 'StepPassed', message: `step ${name} is passed${text}` }];
    if (phase === 'Soaking')
      return [{ type: 'Normal', reason: 'StepSoaking', message: `step ${name}${text || ' soaks'}` }];
    return [];
  });
}

/** Named after the phase that failed. */
function failureReason(was: NodeStatus): string {
  const reasons = {
    Preflight: 'PreflightFailed',
    Draining: 'DrainFailed',
    Running: 'JobFailed',
    Rebooting: 'RebootTimedOut',
    Postflight: 'PostflightFailed',
  };
  return was.phase in reasons ? reasons[was.phase as keyof typeof reasons] : 'NodeFailed';
}

function wholeNews(after: NodeOpStatus): News | undefined {
  const ready = after.conditions?.find(({ type }) => type === 'Ready');
  const message = ready?.message ?? countsText(after.summary ?? {});
  if (after.phase === 'Completed') return { type: 'Normal', reason: 'RolloutCompleted', message };
  if (after.phase === 'Cancelled') return { type: 'Warning', reason: 'RolloutCancelled', message };
  if (after.phase !== 'Failed') return undefined;
  return {
    type: 'Warning',
    reason: ready?.reason === 'Failed' ? 'RolloutFailed' : (ready?.reason ?? 'RolloutFailed'),
    message,
  };
}

/** What keeps a NodeOp from being begun, until somebody does something about it. */
function stalledNews({ phase, conditions = [] }: NodeOpStatus): News | undefined {
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True');
  if (phase !== 'Pending' || stalled === undefined) return undefined;
  return { type: 'Warning', reason: stalled.reason ?? 'Stalled', message: stalled.message ?? '' };
}

function hasSpecChanged(status: NodeOpStatus): boolean {
  return status.conditions?.some(({ type }) => type === 'SpecChanged') === true;
}
