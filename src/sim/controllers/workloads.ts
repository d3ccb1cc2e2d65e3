import type { OwnerReference, Toleration } from '../../api/kubernetes.ts';
import { toleratesCordon } from '../../core/rollout/drain.ts';
import { matches } from '../../core/rollout/targets.ts';
import type { Deletion } from '../api/deletion.ts';
import { at, equal, isRecord, type Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** Whether an owner's or a budget's selector matches a pod of its namespace. */
export function selects(owner: Obj, pod: Obj): boolean {
  const selector = at(owner, 'spec.selector');
  if (!isRecord(selector) || owner.metadata.namespace !== pod.metadata.namespace) return false;
  return matches(selector, pod.metadata.labels ?? {});
}

export function ownerOf(object: Obj): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function controllerReference(owner: Obj): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  const { apiVersion = '', kind = '' } = owner;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function isReady(object: Obj): boolean {
  const conditions = at(object, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => at(one, 'type') === 'Ready' && at(one, 'status') === 'True')
  );
}

export const isFinished = (pod: Obj): boolean =>
  ['Succeeded', 'Failed'].includes(String(at(pod, 'status.phase')));

/** The pods of one owner, by namespace scan: workloads of the embedded cluster are few. */
export function podsOf(store: Store, owner: Obj): Obj[] {
  return store
    .all('pods')
    .filter(
      (pod) =>
        ownerOf(pod)?.uid === owner.metadata.uid && pod.metadata.namespace === owner.metadata.namespace,
    );
}

export function podFrom(owner: Obj, template: unknown, extra: Record<string, unknown> = {}): Obj {
  const spec = at(template, 'spec');
  const labels = at(template, 'metadata.labels');
  const annotations = at(template, 'metadata.annotations');
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      labels: isRecord(labels) ? (labels as Record<string, string>) : {},
      annotations: isRecord(annotations) ? (annotations as Record<string, string>) : {},
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...(isRecord(spec) ? spec : {}), ...extra },
    status: { phase: 'Pending' },
  };
}

export function setStatus(store: Store, key: string, owner: Obj, status: Record<string, unknown>): void {
  if (!equal(owner.status, status)) store.update(key, { ...owner, status }, { subresource: 'status' });
}

export function reconcileReplicaSet(store: Store, deletion: Deletion, set: Obj): void {
  const pods = podsOf(store, set).filter((pod) => !isFinished(pod));
  const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const wanted = Number(set.spec?.['replicas'] ?? 1);
  for (let i = alive.length; i < wanted; i += 1) store.create('pods', podFrom(set, set.spec?.['template']));
  for (const pod of alive.slice(wanted)) deletion.delete('pods', pod);
  const readyReplicas = alive.filter(isReady).length;
  setStatus(store, 'replicasets.apps', set, {
    replicas: alive.length,
    readyReplicas,
    availableReplicas: readyReplicas,
  });
}

export function reconcileDaemonSet(store: Store, set: Obj): void {
  const byNode = new Set(podsOf(store, set).map((pod) => pod.spec?.['nodeName']));
  const nodes = store.all('nodes').filter((node) => isSelected(set, node));
  for (const node of nodes) {
    const nodeName = node.metadata.name;
    if (!byNode.has(nodeName)) store.create('pods', podFrom(set, set.spec?.['template'], { nodeName }));
  }
  const ready = podsOf(store, set).filter(isReady).length;
  setStatus(store, 'daemonsets.apps', set, {
    observedGeneration: set.metadata.generation,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: byNode.size,
    updatedNumberScheduled: byNode.size,
    numberReady: ready,
    numberAvailable: ready,
    numberMisscheduled: 0,
  });
}

function isSelected(set: Obj, node: Obj): boolean {
  const wanted = at(set, 'spec.template.spec.nodeSelector');
  if (!isRecord(wanted)) return true;
  return Object.entries(wanted).every(([key, value]) => node.metadata.labels?.[key] === value);
}

/** Keeps a budget's status: how many pods it expects, has healthy, and lets go. */
export function reconcileBudget(store: Store, budget: Obj): void {
  const pods = store.all('pods').filter((pod) => selects(budget, pod) && !isFinished(pod));
  const currentHealthy = pods.filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
  ).length;
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const expectedPods = typeof minAvailable === 'number' ? pods.length : expected(store, pods);
  const desiredHealthy =
    minAvailable === undefined
      ? Math.max(0, expectedPods - scaled(maxUnavailable ?? 0, expectedPods))
      : scaled(minAvailable, expectedPods);
  setStatus(store, 'poddisruptionbudgets.policy', budget, {
    expectedPods,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: Math.max(0, currentHealthy - desiredHealthy),
    observedGeneration: budget.metadata.generation,
  });
}

const SCALED: Record<string, string> = { ReplicaSet: 'replicasets.apps', StatefulSet: 'statefulsets.apps' };

/** The sum of their controllers' replicas, as the disruption controller counts; pods without one count themselves. */
function expected(store: Store, pods: Obj[]): number {
  const owners = new Map<string, number>();
  for (const pod of pods) {
    const owner = ownerOf(pod);
    const key = SCALED[owner?.kind ?? ''];
    const set = key === undefined ? undefined : store.get(key, owner?.name ?? '', pod.metadata.namespace);
    owners.set(owner?.uid ?? pod.metadata.uid ?? '', Number(set?.spec?.['replicas'] ?? 1));
  }
  return [...owners.values()].reduce((sum, count) => sum + count, 0);
}

function scaled(value: unknown, total: number): number {
  const text = String(value);
  return text.endsWith('%') ? Math.ceil((Number.parseInt(text, 10) * total) / 100) : Number(text);
}

/** Binds a pod to a Ready node with the fewest pods that is schedulable, or whose cordon it tolerates. */
export function schedule(store: Store, pod: Obj): void {
  if (pod.spec?.['nodeName'] !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
  const wanted = pod.spec?.['nodeSelector'];
  const bold = toleratesCordon(pod.spec?.['tolerations'] as Toleration[] | undefined);
  const fits = (node: Obj) =>
    isReady(node) &&
    (bold || node.spec?.['unschedulable'] !== true) &&
    (!isRecord(wanted) ||
      Object.entries(wanted).every(([key, value]) => node.metadata.labels?.[key] === value));
  const [best] = store
    .all('nodes')
    .filter(fits)
    .map((node) => ({ node, load: store.podsOn(node.metadata.name ?? '').length }))
    .toSorted((a, b) => a.load - b.load);
  if (best) store.update('pods', { ...pod, spec: { ...pod.spec, nodeName: best.node.metadata.name } });
}
