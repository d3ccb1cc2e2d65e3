import type { ContainerStateTerminated, Job, Node, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY } from '../api/labels.ts';
import { maskCredentials } from '../core/text/mask.ts';
import type { JobFacts, NodeFacts, PodFacts } from '../core/rollout/facts.ts';

/** Translation of Kubernetes objects into the facts decisions are made of. */

export function nodeFacts(node: Node): NodeFacts {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const since = Date.parse(ready?.lastTransitionTime ?? '');
  return {
    name: node.metadata.name ?? '',
    labels: node.metadata.labels ?? {},
    ready: ready?.status === 'True',
    readySince: Number.isNaN(since) ? undefined : since,
    unschedulable: node.spec?.unschedulable === true,
    cordonedBy: node.metadata.annotations?.[ANNOTATION_CORDONED_BY],
    bootID: node.status?.nodeInfo?.bootID,
  };
}

/** A kubelet passes on 12 KiB of all containers together. */
const MAX_MESSAGE = 16 * 1024;

export function podFacts(pod: Pod): PodFacts {
  const container = pod.status?.containerStatuses?.[0];
  const ended = container?.state?.terminated ?? undefined;
  const waiting = container?.state?.waiting;
  return {
    name: pod.metadata.name ?? '',
    createdAt: Date.parse(pod.metadata.creationTimestamp ?? '') || 0,
    state: stateOf(pod, ended),
    exitCode: ended?.exitCode ?? container?.lastState?.terminated?.exitCode,
    // A pod-level reason (DeadlineExceeded, Evicted) explains more than the container's.
    reason: pod.status?.reason ?? ended?.reason ?? waiting?.reason,
    // What a container says of its end may be the last lines of its log.
    message:
      ended?.message === undefined
        ? (pod.status?.message ?? waiting?.message)
        : maskCredentials(ended.message.slice(-MAX_MESSAGE)),
  };
}

function stateOf(pod: Pod, ended: ContainerStateTerminated | undefined): PodFacts['state'] {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded') return 'succeeded';
  if (phase === 'Failed') return 'failed';
  if (ended?.exitCode === 0) return 'succeeded';
  return phase === 'Running' ? 'running' : 'waiting';
}

export function jobFacts(job: Job, pods: readonly Pod[]): JobFacts {
  const { status } = job;
  const ended = status?.conditions?.find(
    ({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True',
  );
  const newest = pods.toSorted((a, b) => createdAt(b) - createdAt(a))[0];
  const counted = (status?.active ?? 0) + (status?.failed ?? 0) + (status?.succeeded ?? 0);
  return {
    name: job.metadata.name ?? '',
    state: ended === undefined ? 'active' : ended.type === 'Complete' ? 'succeeded' : 'failed',
    attempts: Math.max(counted, 1),
    reason: ended?.reason,
    message: ended?.message,
    pod: newest && podFacts(newest),
  };
}

function createdAt(pod: Pod): number {
  return Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
}
