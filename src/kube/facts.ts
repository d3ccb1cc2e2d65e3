import type {
  ContainerStateTerminated,
  ContainerStatus,
  Job,
  KubeObject,
  Node,
  Pod,
} from '../api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY, ANNOTATION_NODE_UID, CONTAINER } from '../api/labels.ts';
import { maskCredentials } from '../core/text/mask.ts';
import type { JobFacts, NodeFacts, PodFacts } from '../core/rollout/facts.ts';

/** Translation of Kubernetes objects into the facts decisions are made of. */

export function nodeFacts(node: Node): NodeFacts {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: node.metadata.name ?? '',
    uid: node.metadata.uid ?? '',
    labels: node.metadata.labels ?? {},
    ready: ready?.status === 'True',
    readySince: latest(ready?.lastTransitionTime),
    unschedulable: node.spec?.unschedulable === true,
    cordonedBy: node.metadata.annotations?.[ANNOTATION_CORDONED_BY],
    bootID: node.status?.nodeInfo?.bootID,
  };
}

/** A kubelet passes on 12 KiB of all containers together. */
const MAX_MESSAGE = 16 * 1024;

export function podFacts(pod: Pod): PodFacts {
  const container = commandOf(pod);
  const ended = container?.state?.terminated ?? undefined;
  // One that was tried again and again until its deadline waits for the next attempt by then: the last one tells why.
  const last = ended ?? (isOver(pod) ? container?.lastState?.terminated : undefined) ?? undefined;
  const waiting = container?.state?.waiting;
  const init = ended === undefined ? initTrouble(pod) : undefined;
  return {
    name: pod.metadata.name ?? '',
    uid: pod.metadata.uid ?? '',
    ...nodeUID(pod),
    createdAt: createdAt(pod),
    state: stateOf(pod, ended),
    started: hasBegun(pod) === true,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    exitCode: ended?.exitCode ?? container?.lastState?.terminated?.exitCode,
    // A pod-level reason (DeadlineExceeded, Evicted) explains more than the container's.
    reason: pod.status?.reason ?? ended?.reason ?? init?.reason ?? waiting?.reason,
    // What a container says of its end may be the last lines of its log.
    message: masked(last?.message ?? pod.status?.message ?? init?.message ?? waiting?.message),
    ...(ended !== undefined && !isOver(pod) && { keptBy: stillRunning(pod) }),
  };
}

/** Kubelets and runtimes repeat commands and addresses, too. */
function masked(message: string | undefined): string | undefined {
  return message === undefined ? undefined : maskCredentials(message.slice(-MAX_MESSAGE));
}

/** The status of the container that does the work: kubelets sort them by name, and one may have been added beside it. */
function commandOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === CONTAINER);
}

function stillRunning({ status }: Pod): string[] {
  const others = status?.containerStatuses?.filter(({ state }) => state?.terminated === undefined) ?? [];
  return others.map(({ name }) => name).filter((name) => name !== CONTAINER);
}

/** What an init container that was added holds up: until it has ended well the work does not begin. */
function initTrouble({ status }: Pod): { reason: string; message: string } | undefined {
  for (const { name, state } of status?.initContainerStatuses ?? []) {
    const { waiting, terminated } = state ?? {};
    const code = terminated?.exitCode ?? 0;
    const reason = code === 0 ? waiting?.reason : `exit code ${code}`;
    if (reason === undefined || reason === 'PodInitializing') continue;
    const message = terminated?.message ?? waiting?.message ?? '';
    return { reason: `init container ${name}: ${reason}`, message };
  }
  return undefined;
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/**
 * Whether the command's container has begun. Undefined when only what was known before can tell: a kubelet that ends a pod
 * says `ContainerStatusUnknown` of each container it has no end of, whether or not it had ever been started.
 */
export function hasBegun(pod: Pod): boolean | undefined {
  const container = commandOf(pod);
  const { running, terminated } = container?.state ?? {};
  if (running || container?.lastState?.terminated) return true;
  return terminated?.reason === 'ContainerStatusUnknown' ? undefined : Boolean(terminated);
}

/** The container that does the work decides; whatever runs beside it keeps the pod, not the verdict. */
function stateOf(pod: Pod, ended: ContainerStateTerminated | undefined): PodFacts['state'] {
  const { phase, reason } = pod.status ?? {};
  // A pod that was ended from outside (DeadlineExceeded, Evicted) has failed, however its containers took it.
  if (phase === 'Failed' && reason !== undefined) return 'failed';
  if (ended?.exitCode === 0 || phase === 'Succeeded') return 'succeeded';
  if (phase === 'Failed') return 'failed';
  if (ended !== undefined && pod.spec?.restartPolicy === 'Never') return 'failed';
  return commandOf(pod)?.state?.running === undefined ? 'waiting' : 'running';
}

export function jobFacts(job: Job, pods: readonly Pod[]): JobFacts {
  const { status } = job;
  const holds = (wanted: string) =>
    status?.conditions?.find(({ type, status: value }) => type === wanted && value === 'True');
  const [complete, failed, failing] = [holds('Complete'), holds('Failed'), holds('FailureTarget')];
  const ended = complete ?? failed ?? failing;
  const newest = newestOf(pods);
  const counted = (status?.active ?? 0) + (status?.failed ?? 0) + (status?.succeeded ?? 0);
  return {
    name: job.metadata.name ?? '',
    uid: job.metadata.uid ?? '',
    ...nodeUID(job),
    createdAt: createdAt(job),
    deleting: job.metadata.deletionTimestamp !== undefined,
    state: complete ? 'succeeded' : failed ? 'failed' : failing ? 'failing' : 'active',
    attempts: Math.max(counted, 1),
    reason: ended?.reason,
    message: ended?.message,
    pod: newest && podFacts(newest),
  };
}

/** Of the attempts of a Job the last one: a pod follows only when the one before has ended. */
export function newestOf(pods: readonly Pod[]): Pod | undefined {
  const order = (pod: Pod) => [
    createdAt(pod),
    isOver(pod) ? 0 : 1,
    Date.parse(commandOf(pod)?.state?.terminated?.finishedAt ?? '') || 0,
  ];
  const sorted = pods.toSorted((a, b) => {
    const [ofA, ofB] = [order(a), order(b)];
    return ofA.map((value, i) => value - (ofB[i] ?? 0)).find((it) => it !== 0) ?? 0;
  });
  return sorted.at(-1);
}

function nodeUID({ metadata }: KubeObject): { nodeUID?: string } {
  const uid = metadata.annotations?.[ANNOTATION_NODE_UID];
  return uid === undefined ? {} : { nodeUID: uid };
}

function createdAt(object: KubeObject): number {
  return latest(object.metadata.creationTimestamp) ?? 0;
}

/** The latest moment a time may stand for: API servers cut off what is less than a second, and no time-out ends early for it. */
function latest(time: string | undefined): number | undefined {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : at % 1000 === 0 ? at + 999 : at;
}
