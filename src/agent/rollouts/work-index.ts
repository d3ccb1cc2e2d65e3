import type { Job, KubeObject, Pod } from '../../api/kubernetes.ts';
import {
  ANNOTATION_NODE,
  LABEL_NODEOP_UID,
  LABEL_POSTFLIGHT,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from '../../api/labels.ts';
import type { WorkFacts } from '../../core/rollout/facts.ts';
import { startedOn } from '../../core/rollout/node.ts';
import { hasBegun, jobFacts, podFacts } from '../../kube/facts.ts';

interface Work {
  job?: Job;
  attempts: Map<string, Pod>;
  preflight?: Pod;
  reboot?: Pod;
  postflight?: Pod;
  gone?: boolean;
  jobSeen?: boolean;
  /** UIDs of pods of the Job whose container has begun, also of those that are gone. */
  begun: Set<string>;
  /** UIDs of those that were found to be gone before they were seen to begin or end, and when. */
  unheard: Map<string, number>;
  confirmedAt?: number;
  warning?: string | undefined;
  /** UID of the Job that was seen to have failed. */
  failed?: string | undefined;
  facts?: WorkFacts;
}

/** The UID of a NodeOp and the node that it works on. */
export interface WorkKey {
  uid: string;
  node: string;
}

export interface WorkIndexOptions {
  /** Whether there is a NodeOp of that UID; of others only what is still there is kept. */
  exists: (uid: string) => boolean;
  /** Told when nothing of a NodeOp goes on any more on some node. */
  onFreed: () => void;
}

/** Jobs and pods by the NodeOp and node they belong to; each change touches one entry. */
export class WorkIndex {
  private readonly byOwner = new Map<string, Map<string, Work>>();
  /** UIDs of the NodeOps of which something goes on, by node. */
  private readonly ongoing = new Map<string, Set<string>>();
  /** On how many nodes something of a NodeOp goes on. */
  private readonly counts = new Map<string, number>();
  private readonly options: WorkIndexOptions;

  constructor(options: WorkIndexOptions) {
    this.options = options;
  }

  /**
   * Takes in a Job or pod; answers the UID of the NodeOp it belongs to, and the node.
   * @param unheardAt when it was found to be gone, where nobody told what became of it last
   */
  change(kind: 'job' | 'pod', object: Job | Pod, gone: boolean, unheardAt?: number): WorkKey | undefined {
    const key = keyOf(object);
    if (key === undefined) return undefined;
    const work = this.entry(key.uid, key.node);
    delete work.facts;
    if (kind === 'job') assign(work, 'job', object as Job, gone);
    else if (object.metadata.labels?.[LABEL_PREFLIGHT]) assign(work, 'preflight', object as Pod, gone);
    else if (object.metadata.labels?.[LABEL_REBOOT]) assign(work, 'reboot', object as Pod, gone);
    else if (object.metadata.labels?.[LABEL_POSTFLIGHT]) assign(work, 'postflight', object as Pod, gone);
    else attempt(work, object as Pod, gone, unheardAt);
    if (kind === 'job' && !gone) {
      work.jobSeen = true;
      delete work.gone;
      noteFailure(work, object as Job);
    }
    this.sort(key.uid, key.node, work);
    return key;
  }

  /** The NodeOps of which something is known. */
  get size(): number {
    return this.byOwner.size;
  }

  /** Which NodeOps, also those that are gone, have something on the node that goes on. */
  running(node: string): Iterable<string> {
    return this.ongoing.get(node) ?? [];
  }

  goesOn(uid: string): boolean {
    return this.counts.has(uid);
  }

  /** The API server itself said that the Job does not exist. */
  jobGone(uid: string, node: string): void {
    if (!this.options.exists(uid)) return;
    const work = this.entry(uid, node);
    work.gone = true;
    delete work.facts;
  }

  /** All there is of the node's work was read anew from that time on. */
  confirmed(uid: string, node: string, at: number, warning: string | undefined): void {
    if (!this.options.exists(uid)) return;
    const work = this.entry(uid, node);
    work.confirmedAt = at;
    work.warning = warning;
    delete work.facts;
  }

  /** The NodeOp is gone; what it has left behind may go on for a while. */
  forget(uid: string): void {
    for (const [node, work] of this.byOwner.get(uid) ?? []) this.sort(uid, node, work);
  }

  /** What there is on one node, if anything is known of it. */
  factsOn(uid: string, node: string): WorkFacts | undefined {
    const work = this.byOwner.get(uid)?.get(node);
    return work && this.factsOf(work);
  }

  /** On which nodes something is known. */
  nodesOf(uid: string): Iterable<string> {
    return this.byOwner.get(uid)?.keys() ?? [];
  }

  private sort(uid: string, node: string, work: Work): void {
    const owners = this.ongoing.get(node) ?? new Set<string>();
    const goesOn = startedOn(this.factsOf(work)).length > 0;
    const isFreed = !goesOn && owners.delete(uid);
    if (isFreed) this.count(uid, -1);
    if (goesOn && !owners.has(uid)) this.count(uid, 1);
    if (goesOn) owners.add(uid);
    if (owners.size > 0) this.ongoing.set(node, owners);
    else this.ongoing.delete(node);
    if (isEmpty(work) && !this.options.exists(uid)) this.drop(uid, node);
    if (isFreed) this.options.onFreed();
  }

  private count(uid: string, by: 1 | -1): void {
    const count = (this.counts.get(uid) ?? 0) + by;
    if (count > 0) this.counts.set(uid, count);
    else this.counts.delete(uid);
  }

  private drop(uid: string, node: string): void {
    const nodes = this.byOwner.get(uid);
    nodes?.delete(node);
    if (nodes?.size === 0) this.byOwner.delete(uid);
  }

  private factsOf(work: Work): WorkFacts {
    return (work.facts ??= factsOf(work));
  }

  private entry(uid: string, node: string): Work {
    let nodes = this.byOwner.get(uid);
    if (nodes === undefined) this.byOwner.set(uid, (nodes = new Map<string, Work>()));
    let work = nodes.get(node);
    if (work === undefined)
      nodes.set(node, (work = { attempts: new Map(), begun: new Set(), unheard: new Map() }));
    return work;
  }
}

function isEmpty({ job, attempts, preflight, reboot, postflight }: Work): boolean {
  return (job ?? preflight ?? reboot ?? postflight) === undefined && attempts.size === 0;
}

function assign<Slot extends 'job' | 'preflight' | 'reboot' | 'postflight'>(
  work: Work,
  slot: Slot,
  object: NonNullable<Work[Slot]>,
  gone: boolean,
): void {
  if (!gone) work[slot] = object;
  else if (work[slot]?.metadata.uid === object.metadata.uid) delete work[slot];
}

/** What was read before a Job had failed says nothing of how its last pod ended. */
function noteFailure(work: Work, job: Job): void {
  const { uid } = job.metadata;
  if (work.failed === uid || jobFacts(job, []).state !== 'failed') return;
  work.failed = uid;
  delete work.confirmedAt;
}

function attempt(work: Work, pod: Pod, gone: boolean, unheardAt: number | undefined): void {
  const { name = '', uid = '' } = pod.metadata;
  // The last that is heard of a pod that goes may be that its container had begun.
  const began = hasBegun(pod);
  if (began === true) work.begun.add(uid);
  else if (began === false) work.begun.delete(uid);
  work.unheard.delete(uid);
  if (unheardAt !== undefined && podFacts(pod).state === 'waiting') work.unheard.set(uid, unheardAt);
  if (!gone) work.attempts.set(name, pod);
  else if (work.attempts.get(name)?.metadata.uid === pod.metadata.uid) work.attempts.delete(name);
}

function factsOf(work: Work): WorkFacts {
  const job = work.job ? jobFacts(work.job, [...work.attempts.values()]) : work.gone ? 'gone' : undefined;
  return {
    ...(job === undefined ? {} : { job }),
    ...(work.jobSeen === true ? { jobSeen: true } : {}),
    ...(work.begun.size > 0 ? { commandBegan: true } : {}),
    ...(work.unheard.size > 0 ? { unheardSince: Math.max(...work.unheard.values()) } : {}),
    ...(work.confirmedAt === undefined ? {} : { confirmedAt: work.confirmedAt }),
    ...(work.warning === undefined ? {} : { warning: work.warning }),
    ...(work.attempts.size === 0 ? {} : { attempts: [...work.attempts.values()].map(podFacts) }),
    ...(work.preflight === undefined ? {} : { preflight: podFacts(work.preflight) }),
    ...(work.reboot === undefined ? {} : { reboot: podFacts(work.reboot) }),
    ...(work.postflight === undefined ? {} : { postflight: podFacts(work.postflight) }),
  };
}

function keyOf(object: KubeObject): WorkKey | undefined {
  const uid = object.metadata.labels?.[LABEL_NODEOP_UID];
  const node = object.metadata.annotations?.[ANNOTATION_NODE];
  return uid === undefined || node === undefined ? undefined : { uid, node };
}
