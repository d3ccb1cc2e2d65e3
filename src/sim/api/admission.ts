import { forbidden } from '../store/errors.ts';
import { at, isRecord, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** Refuses a pod that its namespace does not take: by the level of Pod Security it enforces, or by a quota. */
export function admitPod(store: Store, pod: Obj): void {
  const { namespace = '', name, generateName = '' } = pod.metadata;
  const refuse = (message: string) => forbidden(`pods "${name ?? generateName}" is forbidden: ${message}`);
  const level = store.get('namespaces', namespace)?.metadata.labels?.['pod-security.kubernetes.io/enforce'];
  const violations = level === 'baseline' || level === 'restricted' ? violationsOf(pod) : [];
  if (violations.length > 0) throw refuse(`violates PodSecurity "${level}:latest": ${violations.join(', ')}`);
  const exceeded = exceededQuota(store, 'pods', namespace);
  if (exceeded !== undefined) throw refuse(exceeded);
}

export function admitJob(store: Store, job: Obj): void {
  const { namespace = '', name, generateName = '' } = job.metadata;
  const exceeded = exceededQuota(store, 'jobs.batch', namespace);
  if (exceeded !== undefined)
    throw forbidden(`jobs.batch "${name ?? generateName}" is forbidden: ${exceeded}`);
}

/** What the level "baseline" forbids, as far as the pods of a NodeOp have it. */
function violationsOf(pod: Obj): string[] {
  const list = (path: string) => {
    const value = at(pod, path);
    return Array.isArray(value) ? value.filter(isRecord) : [];
  };
  const privileged = list('spec.containers')
    .filter((it) => at(it, 'securityContext.privileged') === true)
    .map(({ name }) => `"${textOf(name)}"`);
  const volumes = list('spec.volumes')
    .filter((it) => it['hostPath'] !== undefined)
    .map(({ name }) => `"${textOf(name)}"`);
  return [
    ...(pod.spec?.['hostPID'] === true ? ['host namespaces (hostPID=true)'] : []),
    ...(volumes.length > 0 ? [`hostPath volumes (volume ${volumes.join(', ')})`] : []),
    ...(privileged.length > 0
      ? [`privileged (container ${privileged.join(', ')} must not set securityContext.privileged=true)`]
      : []),
  ];
}

/** Object counts alone: `pods` (those that have not ended), `count/pods`, `count/jobs.batch`. */
function exceededQuota(store: Store, key: string, namespace: string): string | undefined {
  for (const quota of store.all('resourcequotas')) {
    if (quota.metadata.namespace !== namespace) continue;
    const hard = isRecord(quota.spec?.['hard']) ? quota.spec['hard'] : {};
    for (const [resource, limit] of Object.entries(hard)) {
      if (resource !== key && resource !== `count/${key}`) continue;
      const used = store.all(key).filter((it) => {
        const over = ['Succeeded', 'Failed'].includes(textOf(at(it, 'status.phase')));
        return it.metadata.namespace === namespace && !(resource === 'pods' && over);
      }).length;
      if (used >= Number(limit))
        return `exceeded quota: ${quota.metadata.name}, requested: ${resource}=1, used: ${resource}=${used}, limited: ${resource}=${textOf(limit)}`;
    }
  }
  return undefined;
}
