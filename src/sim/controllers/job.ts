import { admitPod } from '../api/admission.ts';
import type { Deletion } from '../api/deletion.ts';
import { StatusError } from '../store/errors.ts';
import { at, equal, isRecord, type Obj, textOf } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { warn } from './events.ts';
import { matchPolicy } from './job-policy.ts';
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

/** Holds a pod until its Job has counted it. */
const TRACKING = 'batch.kubernetes.io/job-tracking';

/** How long until a pod that was not admitted is tried again. */
const REFUSED_MS = 1_000;

interface Verdict {
  good: boolean;
  reason: string;
  message: string;
}

/**
 * One Job brought nearer to its end, as Kubernetes 1.31 and later do it: how it ends is said at once (`FailureTarget`,
 * `SuccessCriteriaMet`), that it has ended only when its pods have. `pods` are its own; answers when to look again, in milliseconds.
 */
export function reconcileJob(context: JobContext, job: Obj, pods: Obj[]): number | undefined {
  const { store, deletion, timing } = context;
  if (isOver(job)) {
    for (const pod of pods) release(store, pod);
    return undefined;
  }
  const counts = count(store, job, pods);
  if (job.metadata.deletionTimestamp !== undefined) return undefined;
  const verdict = verdictOf(store, job, pods, counts);
  const active = pods.filter((pod) => !isFinished(pod) && !isTerminating(pod));
  if (verdict !== undefined) {
    end(store, job, counts, verdict);
    for (const pod of active) deletion.delete('pods', pod);
    return undefined;
  }
  const blocked = counts.active > 0 || (replacesOnlyFailed(job) && counts.terminating > 0);
  const wait = blocked ? undefined : retryIn(store, counts.failed, pods, timing);
  let refused: number | undefined;
  if (!blocked && wait === undefined) {
    refused = createPod(store, job);
    if (refused === undefined) counts.active += 1;
  }
  writeStatus(store, job, { ...counts, conditions: at(job, 'status.conditions') });
  const deadline = deadlineOf(job, counts.startTime);
  const next = Math.min(wait ?? Infinity, refused ?? Infinity, (deadline ?? Infinity) - store.clock.wall());
  return next === Infinity ? undefined : Math.max(0, next);
}

/** Pods of a Job that is gone, or that they no longer belong to, are nobody's to count. */
export function release(store: Store, pod: Obj): void {
  const finalizers = pod.metadata.finalizers ?? [];
  if (!finalizers.includes(TRACKING)) return;
  const known = store.get('pods', pod.metadata.name ?? '', pod.metadata.namespace);
  if (known === undefined || known.metadata.uid !== pod.metadata.uid) return;
  const left = known.metadata.finalizers?.filter((it) => it !== TRACKING) ?? [];
  store.update('pods', { ...known, metadata: { ...known.metadata, finalizers: left } });
}

interface Counts {
  startTime: string;
  active: number;
  terminating: number;
  succeeded: number;
  failed: number;
}

/** Each pod is counted once, by taking the finalizer from it that held it until then. */
function count(store: Store, job: Obj, pods: Obj[]): Counts {
  const counts: Counts = {
    startTime: textOf(at(job, 'status.startTime')) || store.now(),
    active: pods.filter((pod) => !isFinished(pod) && !isTerminating(pod)).length,
    terminating: pods.filter((pod) => !isFinished(pod) && isTerminating(pod)).length,
    succeeded: Number(at(job, 'status.succeeded') ?? 0),
    failed: Number(at(job, 'status.failed') ?? 0),
  };
  for (const pod of pods) {
    if (pod.metadata.finalizers?.includes(TRACKING) !== true) continue;
    const succeeded = at(pod, 'status.phase') === 'Succeeded';
    if (succeeded) counts.succeeded += 1;
    else if (!hasFailed(job, pod)) continue;
    else if (matchPolicy(job, pod)?.action !== 'Ignore') counts.failed += 1;
    release(store, pod);
  }
  return counts;
}

/** Without `podReplacementPolicy: Failed` a pod that is told to go counts as failed, and is replaced, before it has ended. */
function hasFailed(job: Obj, pod: Obj): boolean {
  if (isFinished(pod)) return at(pod, 'status.phase') === 'Failed';
  return isTerminating(pod) && !replacesOnlyFailed(job);
}

function replacesOnlyFailed(job: Obj): boolean {
  return job.spec?.['podReplacementPolicy'] === 'Failed';
}

function verdictOf(store: Store, job: Obj, pods: Obj[], counts: Counts): Verdict | undefined {
  const given = conditionsOf(job).find(
    ({ type }) => type === 'FailureTarget' || type === 'SuccessCriteriaMet',
  );
  if (given !== undefined) {
    const { type, reason = '', message = '' } = given;
    return { good: type === 'SuccessCriteriaMet', reason, message };
  }
  const failed = (reason: string, message: string) => ({ good: false, reason, message });
  const matches = pods.filter((pod) => hasFailed(job, pod)).map((pod) => matchPolicy(job, pod));
  const fatal = matches.find((match) => match?.action === 'FailJob');
  if (fatal !== undefined) return failed('PodFailurePolicy', fatal.message);
  if (counts.failed > Number(job.spec?.['backoffLimit'] ?? 6))
    return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (store.clock.wall() >= (deadlineOf(job, counts.startTime) ?? Infinity))
    return failed('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (counts.succeeded === 0) return undefined;
  return { good: true, reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
}

function deadlineOf(job: Obj, startTime: string): number | undefined {
  const bound = job.spec?.['activeDeadlineSeconds'];
  return bound === undefined ? undefined : Date.parse(startTime) + Number(bound) * 1000;
}

function end(store: Store, job: Obj, counts: Counts, { good, reason, message }: Verdict): void {
  const time = store.now();
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastProbeTime: time,
    lastTransitionTime: time,
  });
  const target = good ? 'SuccessCriteriaMet' : 'FailureTarget';
  const known = conditionsOf(job).filter(({ type }) => type === target);
  const conditions: object[] = known.length > 0 ? known : [condition(target)];
  const over = counts.active + counts.terminating === 0;
  if (over) conditions.push(condition(good ? 'Complete' : 'Failed'));
  writeStatus(store, job, {
    ...counts,
    active: 0,
    terminating: counts.terminating + counts.active,
    conditions,
    ...(over && good ? { completionTime: time } : {}),
  });
}

function retryIn(store: Store, failed: number, pods: Obj[], timing: JobTiming): number | undefined {
  if (failed === 0) return undefined;
  const last = Math.max(0, ...pods.map((pod) => Number(pod.status?.['endedAtMs'] ?? 0)));
  const due = last + timing.backoffMs * 2 ** (failed - 1);
  return due > store.clock.wall() ? due - store.clock.wall() : undefined;
}

/** Answers when to try again, in milliseconds, if the pod was not admitted: of that an event tells, nothing else. */
function createPod(store: Store, job: Obj): number | undefined {
  const pod = podFrom(job, at(job, 'spec.template'));
  const metadata = { ...pod.metadata, finalizers: [TRACKING] };
  try {
    admitPod(store, { ...pod, metadata });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    warn(store, job, 'FailedCreate', `Error creating: ${error.message}`);
    return REFUSED_MS;
  }
  store.create('pods', { ...pod, metadata });
  return undefined;
}

interface JobCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

function conditionsOf(job: Obj): JobCondition[] {
  const conditions = at(job, 'status.conditions');
  return Array.isArray(conditions) ? (conditions.filter(isRecord) as unknown as JobCondition[]) : [];
}

function isOver(job: Obj): boolean {
  return conditionsOf(job).some(({ type }) => type === 'Complete' || type === 'Failed');
}

function isTerminating(pod: Obj): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

function writeStatus(store: Store, job: Obj, status: Record<string, unknown>): void {
  const kept = Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined),
  );
  if (!equal(job.status, kept))
    store.update('jobs.batch', { ...job, status: kept }, { subresource: 'status' });
}
