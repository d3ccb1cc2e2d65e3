import type { Job, KubeObject, Pod } from '../../api/kubernetes.ts';
import { ANNOTATION_NODE, LABEL_NODEOP_UID, LABEL_PREFLIGHT, LABEL_REBOOT } from '../../api/labels.ts';
import type { WorkFacts } from '../../core/rollout/facts.ts';
import { hasBegun, jobFacts, podFacts } from '../../kube/facts.ts';

interface Work {
  job?: Job;
  attempts: Map<string, Pod>;
  preflight?: Pod;
  reboot?: Pod;
  gone?: boolean;
  jobSeen?: boolean;
  /** UIDs of pods of the Job whose container has begun, also of those that are gone. */
  begun: Set<string>;
  confirmedAt?: number;
  facts?: WorkFacts;
}

/** Jobs and pods by the NodeOp and node they belong to; each change touches one entry. */
export class WorkIndex {
  private readonly byOwner = new Map<string, Map<string, Work>>();

  /** Takes in a Job or pod; answers the UID of the NodeOp it belongs to. */
  change(kind: 'job' | 'pod', object: Job | Pod, gone: boolean): string | undefined {
    const key = keyOf(object);
    if (key === undefined) return undefined;
    const work = this.entry(key.uid, key.node);
    delete work.facts;
    if (kind === 'job') assign(work, 'job', object as Job, gone);
    else if (object.metadata.labels?.[LABEL_PREFLIGHT]) assign(work, 'preflight', object as Pod, gone);
    else if (object.metadata.labels?.[LABEL_REBOOT]) assign(work, 'reboot', object as Pod, gone);
    else attempt(work, object as Pod, gone);
    if (kind === 'job' && !gone) {
      work.jobSeen = true;
      delete work.gone;
    }
    return key.uid;
  }

  /** Of a NodeOp that is gone only what still exists is kept, until that is gone as well. */
  forgetGone(uid: string): void {
    const nodes = this.byOwner.get(uid);
    for (const [node, { job, attempts, preflight, reboot }] of nodes ?? []) {
      if (!job && attempts.size === 0 && !preflight && !reboot) nodes?.delete(node);
    }
    if (nodes?.size === 0) this.byOwner.delete(uid);
  }

  /** The NodeOps of which something is known. */
  get size(): number {
    return this.byOwner.size;
  }

  /** The API server itself said that the Job does not exist. */
  jobGone(uid: string, node: string): void {
    const work = this.entry(uid, node);
    work.gone = true;
    delete work.facts;
  }

  /** All there is of the node's work was read anew from that time on. */
  confirmed(uid: string, node: string, at: number): void {
    const work = this.entry(uid, node);
    work.confirmedAt = at;
    delete work.facts;
  }

  forget(uid: string): void {
    this.byOwner.delete(uid);
  }

  nodes(uid: string): Iterable<string> {
    return this.byOwner.get(uid)?.keys() ?? [];
  }

  facts(uid: string): Map<string, WorkFacts> {
    const result = new Map<string, WorkFacts>();
    for (const [node, work] of this.byOwner.get(uid) ?? []) {
      work.facts ??= factsOf(work);
      result.set(node, work.facts);
    }
    return result;
  }

  private entry(uid: string, node: string): Work {
    let nodes = this.byOwner.get(uid);
    if (nodes === undefined) this.byOwner.set(uid, (nodes = new Map<string, Work>()));
    let work = nodes.get(node);
    if (work === undefined) nodes.set(node, (work = { attempts: new Map(), begun: new Set() }));
    return work;
  }
}

function assign<Slot extends 'job' | 'preflight' | 'reboot'>(
  work: Work,
  slot: Slot,
  object: NonNullable<Work[Slot]>,
  gone: boolean,
): void {
  if (!gone) work[slot] = object;
  else if (work[slot]?.metadata.uid === object.metadata.uid) delete work[slot];
}

function attempt(work: Work, pod: Pod, gone: boolean): void {
  const name = pod.metadata.name ?? '';
  // The last that is heard of a pod that goes may be that its container had begun.
  const began = hasBegun(pod);
  if (began === true) work.begun.add(pod.metadata.uid ?? '');
  else if (began === false) work.begun.delete(pod.metadata.uid ?? '');
  if (!gone) work.attempts.set(name, pod);
  else if (work.attempts.get(name)?.metadata.uid === pod.metadata.uid) work.attempts.delete(name);
}

function factsOf(work: Work): WorkFacts {
  const job = work.job ? jobFacts(work.job, [...work.attempts.values()]) : work.gone ? 'gone' : undefined;
  return {
    ...(job === undefined ? {} : { job }),
    ...(work.jobSeen === true ? { jobSeen: true } : {}),
    ...(work.begun.size > 0 ? { commandBegan: true } : {}),
    ...(work.confirmedAt === undefined ? {} : { confirmedAt: work.confirmedAt }),
    ...(work.attempts.size === 0 ? {} : { attempts: [...work.attempts.values()].map(podFacts) }),
    ...(work.preflight === undefined ? {} : { preflight: podFacts(work.preflight) }),
    ...(work.reboot === undefined ? {} : { reboot: podFacts(work.reboot) }),
  };
}

function keyOf(object: KubeObject): { uid: string; node: string } | undefined {
  const uid = object.metadata.labels?.[LABEL_NODEOP_UID];
  const node = object.metadata.annotations?.[ANNOTATION_NODE];
  return uid === undefined || node === undefined ? undefined : { uid, node };
}
