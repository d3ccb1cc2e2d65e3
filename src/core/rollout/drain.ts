import { LABEL_NODEOP } from '../../api/labels.ts';
import type { Pod, Toleration } from '../../api/kubernetes.ts';
import type { DrainOptions } from '../../api/nodeop.ts';
import type { PodRef } from './actions.ts';
import type { DrainFacts, EvictionAnswer } from './facts.ts';

/** An API server that just started answers 401 and 403 for a moment, to those who may as well. */
const DENIED_MS = 60_000;

/**
 * Which pods of a node are evicted, which stay, which forbid the drain: the filters of `kubectl drain`
 * in their order, with every message kept.
 */
export interface DrainPlan {
  /** To be evicted now. */
  evict: PodRef[];
  /** Still there, so that the drain goes on: evicted and terminating, or waiting for a budget. */
  waiting: { pod: PodRef; why: string | undefined }[];
  /** `cannot delete <reason>: ns/pod, …`, one text for all; nothing is evicted when set. */
  refused: string | undefined;
  /** Earliest time a blocked eviction is due again. */
  retryAt: number | undefined;
}

type Verdict = 'leave' | 'evict' | { refuse: string };

export function planDrain(
  facts: DrainFacts,
  options: DrainOptions,
  agentPod: string | undefined,
  now: number,
): DrainPlan {
  const plan: DrainPlan = { evict: [], waiting: [], refused: undefined, retryAt: undefined };
  const refusals = new Map<string, string[]>();
  for (const pod of facts.pods) {
    const answer = facts.answers.get(pod.metadata.uid ?? '');
    const verdict = answer?.kind === 'accepted' ? 'evict' : judge(pod, facts, options, agentPod);
    if (verdict === 'leave') continue;
    if (verdict === 'evict') schedule(plan, refusals, pod, answer, now);
    else append(refusals, verdict.refuse, podName(pod));
  }
  if (refusals.size === 0) return plan;
  const refused = [...refusals].map(
    ([reason, pods]) => `cannot delete ${reason}: ${pods.toSorted().join(', ')}`,
  );
  return { ...plan, evict: [], refused: refused.join('; ') };
}

function schedule(
  plan: DrainPlan,
  refusals: Map<string, string[]>,
  pod: Pod,
  answer: EvictionAnswer | undefined,
  now: number,
): void {
  const ref = podRef(pod);
  const blocked = answer?.kind === 'blocked' ? answer : undefined;
  const believedAt = (blocked?.deniedSince ?? Infinity) + DENIED_MS;
  const refusal = answer?.kind === 'refused' ? answer : now >= believedAt ? blocked : undefined;
  if (refusal !== undefined) {
    append(refusals, `Pods (${refusal.message})`, podName(pod));
    return;
  }
  plan.waiting.push({ pod: ref, why: blocked?.message });
  if (answer === undefined || (blocked && blocked.retryAt <= now)) plan.evict.push(ref);
  else if (blocked) plan.retryAt = Math.min(plan.retryAt ?? Infinity, blocked.retryAt, believedAt);
}

function judge(
  pod: Pod,
  { daemonSets, latecomers }: DrainFacts,
  options: DrainOptions,
  agentPod: string | undefined,
): Verdict {
  // Never the agent, and never the work of a NodeOp: evicting that would run a command twice.
  if (podName(pod) === agentPod || pod.metadata.labels?.[LABEL_NODEOP] !== undefined) return 'leave';
  // What came in spite of the cordon would only come again. What came because the scheduler had not seen it yet goes.
  if (latecomers.has(pod.metadata.uid ?? '') && toleratesCordon(pod.spec?.tolerations)) return 'leave';
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  const daemonSet = daemonSetOf(pod);
  if (daemonSet !== undefined && !finished) {
    if (daemonSets.get(daemonSet) !== false) {
      return options.ignoreDaemonSets
        ? 'leave'
        : { refuse: 'DaemonSet-managed Pods (ignoreDaemonSets is off)' };
    }
    if (!options.force) return { refuse: `Pods whose DaemonSet is gone (force is off)` };
  }
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return 'leave';
  if (finished) return 'evict';
  if (!options.deleteEmptyDirData && pod.spec?.volumes?.some((volume) => volume.emptyDir !== undefined)) {
    return { refuse: 'Pods with local storage (deleteEmptyDirData is off)' };
  }
  if (controllerOf(pod) === undefined && !options.force) {
    return { refuse: 'Pods that declare no controller (force is off)' };
  }
  return 'evict';
}

/** `<namespace>/<name>` of the DaemonSet in `apps` that controls the pod. */
export function daemonSetOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  const isDaemonSet = owner?.kind === 'DaemonSet' && owner.apiVersion.startsWith('apps/');
  return isDaemonSet ? `${pod.metadata.namespace}/${owner.name}` : undefined;
}

function controllerOf(pod: Pod) {
  return pod.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Whether the scheduler places a pod with these on a cordoned node: as if that had the taint `unschedulable`. */
export function toleratesCordon(tolerations: readonly Toleration[] = []): boolean {
  return tolerations.some(({ key = '', operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== 'NoSchedule') return false;
    if (key === '') return operator === 'Exists';
    return key === 'node.kubernetes.io/unschedulable' && (operator === 'Exists' || value === '');
  });
}

function podRef(pod: Pod): PodRef {
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  return { namespace, name, uid };
}

function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

function append(groups: Map<string, string[]>, key: string, value: string): void {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}

/** What a drain waits for, in one line: the pods a budget holds first. */
export function waitingText(plan: DrainPlan): string {
  const blocked = plan.waiting.filter(({ why }) => why !== undefined);
  const list = blocked.length > 0 ? blocked : plan.waiting;
  const shown = list
    .slice(0, 5)
    .map(({ pod, why }) => `${pod.namespace}/${pod.name}${why ? ` (${why})` : ''}`);
  const more = list.length > shown.length ? ` and ${list.length - shown.length} more` : '';
  return blocked.length > 0
    ? `eviction blocked: ${shown.join(', ')}${more}`
    : `waiting for pods to end: ${shown.join(', ')}${more}`;
}
