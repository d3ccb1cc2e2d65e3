import type { Deletion } from '../api/deletion.ts';
import { at, equal, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { isFinished, podFrom } from './workloads.ts';

export interface JobTiming {
  /** Delay before a failed pod is replaced, doubled each time, in milliseconds. */
  backoffMs: number;
}

interface JobContext {
  store: Store;
  deletion: Deletion;
  timing: JobTiming;
}

/** One Job brought nearer to its end. `pods` are its own; answers when to look again, in milliseconds. */
export function reconcileJob(context: JobContext, job: Obj, pods: Obj[]): number | undefined {
  const { store, deletion, timing } = context;
  if (ended(job) || job.metadata.deletionTimestamp !== undefined) return undefined;
  const failed = pods.filter((pod) => at(pod, 'status.phase') === 'Failed');
  const succeeded = pods.filter((pod) => at(pod, 'status.phase') === 'Succeeded').length;
  const active = pods.filter((pod) => !isFinished(pod));
  const startTime = textOf(at(job, 'status.startTime')) || now();
  const counts = { startTime, active: active.length, succeeded, failed: failed.length };
  if (succeeded > 0) return finish(store, job, { ...counts, completionTime: now() }, 'Complete', '');
  const limit = Number(job.spec?.['backoffLimit'] ?? 6);
  if (failed.length > limit) {
    return finish(
      store,
      job,
      counts,
      'Failed',
      'BackoffLimitExceeded',
      'Job has reached the specified backoff limit',
    );
  }
  const bound = job.spec?.['activeDeadlineSeconds'];
  const deadline = bound === undefined ? undefined : Date.parse(startTime) + Number(bound) * 1000;
  if (deadline !== undefined && Date.now() >= deadline) {
    for (const pod of active) deletion.delete('pods', pod);
    const status = { ...counts, active: 0, failed: failed.length + active.length };
    return finish(
      store,
      job,
      status,
      'Failed',
      'DeadlineExceeded',
      'Job was active longer than specified deadline',
    );
  }
  const wait = active.length > 0 ? undefined : retryIn(failed, timing);
  if (active.length === 0 && wait === undefined) {
    store.create('pods', jobPod(job));
    counts.active = 1;
  }
  writeStatus(store, job, counts);
  const left = deadline === undefined ? Infinity : deadline - Date.now();
  const next = Math.min(wait ?? Infinity, left);
  return next === Infinity ? undefined : next;
}

function retryIn(failed: Obj[], timing: JobTiming): number | undefined {
  if (failed.length === 0) return undefined;
  const last = Math.max(...failed.map((pod) => Number(pod.status?.['endedAtMs'] ?? 0)));
  const due = last + timing.backoffMs * 2 ** (failed.length - 1);
  return due > Date.now() ? due - Date.now() : undefined;
}

function jobPod(job: Obj): Obj {
  const pod = podFrom(job, at(job, 'spec.template'));
  const { name = '', uid = '' } = job.metadata;
  const labels = { 'job-name': name, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid };
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } };
}

function ended(job: Obj): boolean {
  const conditions = at(job, 'status.conditions');
  return Array.isArray(conditions) && conditions.length > 0;
}

function finish(
  store: Store,
  job: Obj,
  counts: object,
  type: string,
  reason: string,
  message = '',
): undefined {
  const time = now();
  const condition = { type, status: 'True', reason, message, lastProbeTime: time, lastTransitionTime: time };
  writeStatus(store, job, { ...counts, conditions: [condition] });
}

function writeStatus(store: Store, job: Obj, status: Record<string, unknown>): void {
  const kept = Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
  if (!equal(job.status, kept))
    store.update('jobs.batch', { ...job, status: kept }, { subresource: 'status' });
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z/, 'Z');
}
