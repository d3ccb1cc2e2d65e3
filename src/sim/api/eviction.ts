import { badRequest, conflictingUid, StatusError } from '../store/errors.ts';
import { at, isRecord, type Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { selects } from '../controllers/workloads.ts';
import type { Deletion, DeleteOptions } from './deletion.ts';

const BUDGETS = 'poddisruptionbudgets.policy';

/**
 * The eviction subresource as the pod registry implements it: a budget does not count for pods that are
 * pending, finished or terminating; more than one budget is an error for ever.
 */
export function evict(store: Store, name: string, namespace: string, body: Obj, deletion: Deletion): unknown {
  if (body.metadata?.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const pod = store.read('pods', name, namespace);
  const options: DeleteOptions = isRecord(body['deleteOptions']) ? body['deleteOptions'] : {};
  const uid = options.preconditions?.uid;
  if (uid !== undefined && uid !== pod.metadata.uid) throw conflictingUid(uid, pod.metadata.uid);
  if (isBudgeted(pod)) takeFromBudget(store, pod);
  deletion.delete('pods', pod.spec?.['nodeName'] === undefined ? pod : disrupted(store, pod), options);
  return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
}

/** Since Kubernetes 1.26 a pod says that it was not its own doing. */
function disrupted(store: Store, pod: Obj): Obj {
  const conditions = at(pod, 'status.conditions');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: store.now(),
  };
  const list = Array.isArray(conditions) ? conditions : [];
  if (list.some((one) => at(one, 'type') === condition.type)) return pod;
  const status = { ...pod.status, conditions: [...list, condition] };
  return store.update('pods', { ...pod, status }, { subresource: 'status' });
}

function isBudgeted(pod: Obj): boolean {
  const phase = at(pod, 'status.phase');
  return (
    phase !== 'Succeeded' &&
    phase !== 'Failed' &&
    phase !== 'Pending' &&
    pod.metadata.deletionTimestamp === undefined
  );
}

function takeFromBudget(store: Store, pod: Obj): void {
  const budgets = store.all(BUDGETS).filter((budget) => selects(budget, pod));
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) {
    throw new StatusError(
      500,
      '',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const name = budget.metadata.name ?? '';
  const allowed = Number(at(budget, 'status.disruptionsAllowed') ?? 0);
  const [desired, current] = [
    Number(at(budget, 'status.desiredHealthy') ?? 0),
    Number(at(budget, 'status.currentHealthy') ?? 0),
  ];
  if (at(budget, 'status.observedGeneration') !== budget.metadata.generation) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (!isReady(pod) && current >= desired && desired > 0) return;
  if (allowed <= 0) {
    throw tooMany(`The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`);
  }
  const status = { ...budget.status, disruptionsAllowed: allowed - 1 };
  store.update(BUDGETS, { ...budget, status }, { subresource: 'status' });
}

function isReady(pod: Obj): boolean {
  const conditions = at(pod, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => at(one, 'type') === 'Ready' && at(one, 'status') === 'True')
  );
}

function tooMany(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError(
    429,
    'TooManyRequests',
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      causes: [{ reason: 'DisruptionBudget', message }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  );
}
