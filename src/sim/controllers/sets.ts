import { createHash } from 'node:crypto';
import type { Deletion } from '../api/deletion.ts';
import { at, equal, isRecord, type Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { controllerReference, isReady, ownerOf, podFrom, podsOf, setStatus } from './workloads.ts';

const SETS = 'replicasets.apps';

/** A Deployment has one ReplicaSet a template: that of the present one is scaled up, all others to none. */
export function reconcileDeployment(store: Store, deployment: Obj): void {
  const template = deployment.spec?.['template'];
  const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
  const name = `${deployment.metadata.name}-${hash}`;
  const replicas = Number(deployment.spec?.['replicas'] ?? 1);
  const { namespace = '' } = deployment.metadata;
  const own = store.all(SETS).filter((set) => ownerOf(set)?.uid === deployment.metadata.uid);
  if (!own.some(({ metadata }) => metadata.name === name))
    store.create(SETS, replicaSet(deployment, { name, namespace }, hash, replicas));
  for (const set of own) scale(store, set, set.metadata.name === name ? replicas : 0);
  const current = store.read(SETS, name, namespace);
  const ready = Number(at(current, 'status.readyReplicas') ?? 0);
  setStatus(store, 'deployments.apps', deployment, {
    observedGeneration: deployment.metadata.generation,
    replicas: own.reduce((sum, set) => sum + Number(at(set, 'status.replicas') ?? 0), 0),
    updatedReplicas: Number(at(current, 'status.replicas') ?? 0),
    readyReplicas: ready,
    availableReplicas: ready,
  });
}

function replicaSet(
  deployment: Obj,
  names: { name: string; namespace: string },
  hash: string,
  replicas: number,
): Obj {
  const template = deployment.spec?.['template'];
  const labels = at(template, 'metadata.labels');
  const marked = { ...(isRecord(labels) ? labels : {}), 'pod-template-hash': hash };
  return {
    metadata: {
      ...names,
      labels: marked,
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { matchLabels: marked },
      template: { ...(isRecord(template) ? template : {}), metadata: { labels: marked } },
    },
  };
}

function scale(store: Store, set: Obj, replicas: number): void {
  if (set.spec?.['replicas'] !== replicas) store.update(SETS, { ...set, spec: { ...set.spec, replicas } });
}

/** Pods with fixed names, one after the other; the same name comes back only when its last bearer is gone. */
export function reconcileStatefulSet(store: Store, deletion: Deletion, set: Obj): void {
  const pods = new Map(podsOf(store, set).map((pod) => [pod.metadata.name, pod]));
  const replicas = Number(set.spec?.['replicas'] ?? 1);
  for (let i = 0; i < replicas; i += 1) {
    const name = `${set.metadata.name}-${i}`;
    const pod = pods.get(name);
    pods.delete(name);
    if (pod === undefined) {
      const made = podFrom(set, set.spec?.['template']);
      const { generateName: _, ...metadata } = made.metadata;
      store.create('pods', { ...made, metadata: { ...metadata, name } });
    }
    if (pod === undefined || !isReady(pod)) break;
  }
  for (const [name, pod] of pods)
    if (Number(name?.split('-').at(-1)) >= replicas) deletion.delete('pods', pod);
  const present = podsOf(store, set);
  const readyReplicas = present.filter(isReady).length;
  const status = {
    observedGeneration: set.metadata.generation,
    replicas: present.length,
    readyReplicas,
    currentReplicas: present.length,
    updatedReplicas: present.length,
  };
  if (!equal(set.status, status)) setStatus(store, 'statefulsets.apps', set, status);
}
