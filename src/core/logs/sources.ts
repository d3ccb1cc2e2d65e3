import type { ContainerStatus, Pod } from '../../api/kubernetes.ts';
import {
  CONTAINER,
  ANNOTATION_NODE,
  LABEL_CHECK,
  LABEL_NODEOP_UID,
  LABEL_POSTFLIGHT,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { parseTry } from '../checks/try.ts';
import { naturally } from '../text/order.ts';

/** In the order in which they come on a node. */
const PARTS = ['preflight', 'command', 'reboot', 'postflight', 'check'] as const;
export type LogPart = (typeof PARTS)[number];

/** One start of a container of a pod that was made for a NodeOp, as far as it has begun. */
export interface LogSource {
  /** Which start of which container: no two have the same. */
  key: string;
  namespace: string;
  pod: string;
  uid: string;
  container: string;
  /** It was started again since. */
  isPrevious: boolean;
  isOver: boolean;
  /** Undefined for checks, which are of a step. */
  node: string | undefined;
  part: LogPart;
  /** Counts from 1 what there is of the part on its node, or the tries of a check. */
  attempt: number;
  /** `<step>/<check>`, of checks. */
  check: string | undefined;
}

/** The node a pod of a NodeOp was made for; undefined for those of checks. */
export function nodeOf({ metadata, spec }: Pod): string | undefined {
  if (metadata.labels?.[LABEL_CHECK] !== undefined) return undefined;
  return metadata.annotations?.[ANNOTATION_NODE] ?? spec?.nodeName;
}

/** Whether a pod was made for that very NodeOp; other controllers write no UID. */
export function isPodOf({ metadata }: NodeOp, pod: Pod): boolean {
  const uid = pod.metadata.labels?.[LABEL_NODEOP_UID];
  return uid === undefined || uid === metadata.uid;
}

/** Everything that has begun to say something: node by node as they began, of each what came first. */
export function logSources(nodeOp: NodeOp, pods: readonly Pod[]): LogSource[] {
  const own = pods.filter((pod) => isPodOf(nodeOp, pod)).toSorted(inTime);
  const began = new Map<string, number>();
  for (const [i, pod] of own.entries()) if (!began.has(placeOf(pod))) began.set(placeOf(pod), i);
  const first = (pod: Pod) => began.get(placeOf(pod)) ?? 0;
  const attempts = new Map<string, number>();
  return own
    .toSorted(
      (a, b) =>
        compareTimes(own[first(a)], own[first(b)]) || naturally(placeOf(a), placeOf(b)) || inTime(a, b),
    )
    .flatMap((pod) => ofPod(nodeOp, pod, attempts));
}

/** Checks have places of their own. */
function placeOf(pod: Pod): string {
  return nodeOf(pod) ?? '';
}

function ofPod(nodeOp: NodeOp, pod: Pod, attempts: Map<string, number>): LogSource[] {
  const { namespace = 'default', name = '', uid = '', labels = {} } = pod.metadata;
  const part = partOf(pod);
  const current = parseTry(labels[LABEL_CHECK] ?? '');
  const counted = `${part} ${placeOf(pod)}`;
  const before = attempts.get(counted) ?? 0;
  let most = 1;
  const sources = statusesOf(pod).flatMap((status): LogSource[] => {
    const { name: container, restartCount = 0, state, lastState } = status;
    most = Math.max(most, restartCount + 1);
    const hasBegun = state?.running !== undefined || state?.terminated !== undefined;
    const source = (isPrevious: boolean, start: number): LogSource => ({
      key: `${uid}/${container}/${start}`,
      namespace,
      pod: name,
      uid,
      container,
      isPrevious,
      isOver: isPrevious || state?.terminated !== undefined,
      node: nodeOf(pod),
      part,
      attempt: current ? current.number : before + start + 1,
      check: current && checkName(nodeOp, current),
    });
    // Of a container that waits to be started again the current log is that of the time before.
    if (!hasBegun) return lastState?.terminated ? [source(true, Math.max(0, restartCount - 1))] : [];
    const previous = restartCount > 0 ? [source(true, restartCount - 1)] : [];
    return [...previous, source(false, restartCount)];
  });
  attempts.set(counted, before + most);
  return sources;
}

/** What is done before the others comes first; then the container that does the work. */
function statusesOf({ status = {} }: Pod): ContainerStatus[] {
  const rank = ({ name }: ContainerStatus) => (name === CONTAINER ? 0 : 1);
  const { initContainerStatuses = [], containerStatuses = [] } = status;
  return [...initContainerStatuses, ...containerStatuses.toSorted((a, b) => rank(a) - rank(b))];
}

function partOf({ metadata: { labels = {} } }: Pod): LogPart {
  if (labels[LABEL_CHECK] !== undefined) return 'check';
  if (labels[LABEL_PREFLIGHT] !== undefined) return 'preflight';
  if (labels[LABEL_REBOOT] !== undefined) return 'reboot';
  return labels[LABEL_POSTFLIGHT] === undefined ? 'command' : 'postflight';
}

function checkName({ spec }: NodeOp, { step, check }: { step: number; check: number }): string {
  const found = spec.steps?.[step];
  return `${found?.name ?? step}/${found?.checks?.[check]?.name ?? check}`;
}

/** The times of Kubernetes are whole seconds: of two in the same one the part decides, then which has ended. */
function inTime(a: Pod, b: Pod): number {
  return (
    compareTimes(a, b) ||
    PARTS.indexOf(partOf(a)) - PARTS.indexOf(partOf(b)) ||
    compare(endOf(a), endOf(b)) ||
    naturally(a.metadata.name ?? '', b.metadata.name ?? '')
  );
}

const compareTimes = (a: Pod | undefined, b: Pod | undefined) =>
  compare(a?.metadata.creationTimestamp ?? '', b?.metadata.creationTimestamp ?? '');

/** Of one that goes on it is later than any. */
function endOf({ status }: Pod): string {
  const ends = status?.containerStatuses?.map(({ state }) => state?.terminated?.finishedAt) ?? [];
  return ends.reduce((last = '', end = '~') => (end > last ? end : last), '') ?? '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
