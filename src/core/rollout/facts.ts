import type { Pod } from '../../api/kubernetes.ts';
import type { NodeOpSpec, NodeOpStatus } from '../../api/nodeop.ts';
import type { CheckFacts } from '../checks/try.ts';

/**
 * What is observed of the cluster, reduced to what decisions need. Everything here is plain data; times
 * are milliseconds on the steady clock (`Clock` of `core/ports.ts`), those in statuses too: `record.ts` translates them.
 */
export interface NodeFacts {
  name: string;
  /** Another node may come up under the same name. */
  uid: string;
  labels: Readonly<Record<string, string>>;
  ready: boolean;
  /** Since when the Ready condition has its present value. */
  readySince: number | undefined;
  unschedulable: boolean;
  /** Value of the ownership annotation, `<namespace>/<name>@<uid>`. */
  cordonedBy: string | undefined;
  bootID: string | undefined;
}

/** A helper pod (preflight, reboot, postflight) or one attempt of a Job. */
export interface PodFacts {
  name: string;
  uid: string;
  /** Of the node it was made for; not known of attempts of a Job, nor of what older agents made. */
  nodeUID?: string;
  createdAt: number;
  state: 'waiting' | 'running' | 'succeeded' | 'failed';
  /** The command's container has begun at least once. */
  started: boolean;
  /** The API server has accepted its deletion: no kubelet starts anything of it any more. */
  deleting: boolean;
  exitCode: number | undefined;
  /** Why it waits or failed, as the kubelet words it: `ImagePullBackOff`, `OOMKilled`, `DeadlineExceeded`. */
  reason: string | undefined;
  /** Termination message, or the last log lines of a failed container. */
  message: string | undefined;
  /** Containers beside the one that has ended, which keep the pod from ending. */
  keptBy?: readonly string[];
}

export interface JobFacts {
  name: string;
  uid: string;
  /** Of the node it was made for; not known of what older agents made. */
  nodeUID?: string;
  createdAt: number;
  deleting: boolean;
  /** 'failing': it has failed, and its pods are being ended (condition `FailureTarget`, from Kubernetes 1.31 on). */
  state: 'active' | 'failing' | 'succeeded' | 'failed';
  /** Pods started so far. */
  attempts: number;
  reason: string | undefined;
  message: string | undefined;
  /** The newest attempt's pod, while it is there. */
  pod: PodFacts | undefined;
}

/** The last answer of the API server to the eviction of one pod. */
export type EvictionAnswer =
  | { kind: 'accepted' }
  | {
      kind: 'blocked';
      message: string;
      retryAt: number;
      /** Since when the API server has said that the agent may not; one that just started says so for a moment. */
      deniedSince?: number;
    }
  | { kind: 'refused'; message: string };

export interface DrainFacts {
  /** The pods bound to the node now. */
  pods: readonly Pod[];
  /** UIDs of those that came after the drain had first listed them. */
  latecomers: ReadonlySet<string>;
  /** By `<namespace>/<name>`: whether the DaemonSet exists. Those asked for are all there. */
  daemonSets: ReadonlyMap<string, boolean>;
  /** By pod UID. */
  answers: ReadonlyMap<string, EvictionAnswer>;
}

/** Everything that exists of one NodeOp's work on one node. */
export interface WorkFacts {
  /** 'gone' only after a direct question to the API server, never because a cache has no entry. */
  job?: JobFacts | 'gone';
  /** A Job was seen, so that its absence is to be asked about even before it is on record. */
  jobSeen?: boolean;
  /** The pods of the Job that there are, whether or not it is still there itself. */
  attempts?: readonly PodFacts[];
  /** A pod of the Job was seen with its container begun; true also when it is gone since. */
  commandBegan?: boolean;
  /** Since when a pod of the Job is gone of which nobody has told whether its container began after all. */
  unheardSince?: number;
  /** When the last reading of all this began that went past the caches. */
  confirmedAt?: number;
  /** What the cluster had warned of by then, of a Job or pod that does not start and does not say why itself. */
  warning?: string;
  preflight?: PodFacts;
  reboot?: PodFacts;
  postflight?: PodFacts;
  drain?: DrainFacts;
}

/** What the API server says of the objects that a rollout is going to make, before any of them is made. */
export type Rehearsal =
  | { kind: 'accepted' }
  /** For good: the objects themselves are wrong. */
  | { kind: 'refused'; message: string }
  /** A policy, a quota or a right that may change. `since`: first said; `at`: last asked. */
  | { kind: 'forbidden'; message: string; since: number; at: number; retryAt: number };

/** What the API server answers whenever it is asked for something: a policy, a quota, a right, or an object it finds wrong. */
export interface Refusal {
  /** Since when it has. */
  since: number;
  /** When it last did. */
  at: number;
  why: string;
}

export interface RolloutFacts {
  /** What the wall clock says, for what people wrote with it in mind; all other times are on the steady clock. */
  wall: number;
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  /** The spec that is carried out: as it was when the run began, with the live `suspend`. */
  spec: NodeOpSpec;
  /** The live spec differs from the one carried out. */
  specChanged: boolean;
  /** The marks without which nothing may begin (finalizer, recorded spec) are on the object. */
  adopted: boolean;
  /** The finalizer is on the object, with or without the rest of the marks. */
  finalized: boolean;
  /** Since when it waits for its run to be on record, epoch milliseconds; undefined when it does not. */
  awaitsRecordSince: number | undefined;
  /** Why no NodeOp may be begun in this cluster, if that is so. */
  obstacle: string | undefined;
  /** Of the server's version, 20 of `1.20`; undefined when nobody knows. */
  serverMinor?: number | undefined;
  /** Why people want it to stop, if they do. A deletion counts as such. */
  cancelled: string | undefined;
  /** When that was first seen. */
  cancelledAt: number | undefined;
  /** What people hold it by, or the whole cluster. */
  hold: { by: 'Lease' | 'Repository' | 'Annotation' | 'Unknown'; text: string } | undefined;
  /** Why it may not start a first node beside those of other runs. */
  placeHeld: string | undefined;
  /** The object is being deleted and waits for what it left behind to be undone. */
  deleted: boolean;
  /** The annotation with the window outside of which no new node may start. */
  window: string | undefined;
  status: NodeOpStatus;
  /** Status as the API server has it, which may be behind `status`. */
  persisted: NodeOpStatus;
  /** Status as this process found it: what is under way there was begun by another one. */
  found: NodeOpStatus;
  nodes: ReadonlyMap<string, NodeFacts>;
  /** By node: what there is of this NodeOp's work. */
  work: { get: (node: string) => WorkFacts | undefined } & Iterable<readonly [node: string, work: WorkFacts]>;
  /** What is known of the checks of its steps. */
  checks: CheckFacts;
  /** By node: the other NodeOp that keeps this one from starting there. */
  claims: { get: (node: string) => string | undefined };
  /** By node: the mark of the NodeOp that takes this one's cordon over when it lets go of it. */
  heirs: { get: (node: string) => string | undefined };
  /** Undefined while nobody has asked. */
  rehearsal: Rehearsal | undefined;
  /** By `actionKey`: why an action could not be carried out, again and again. */
  troubles: ReadonlyMap<string, string>;
  /** By `actionKey`: since when the API server has refused an action each time, rather than not answered. */
  refusedSince: (key: string) => number | undefined;
  /** By `actionKey`: the refusal of an action, such that asking again may be answered alike for good. */
  refusal: (key: string) => Refusal | undefined;
  /** By `actionKey`: until when what the API server was asked to make may come yet, though it has not answered. */
  mayComeUntil: (key: string) => number | undefined;
  /** By `actionKey`: the actions that are under way. */
  busy: ReadonlySet<string>;
  /** Where the agent itself runs. */
  agentNode: string | undefined;
  /** `<namespace>/<name>` of the agent's own pod. */
  agentPod: string | undefined;
}

/** The value of the ownership annotation for a NodeOp. */
export function ownerMark(op: { namespace: string; name: string; uid: string }): string {
  return `${op.namespace}/${op.name}@${op.uid}`;
}

/** The UID in an ownership annotation; undefined when it is not one of ours. */
export function ownerUid(mark: string): string | undefined {
  return /^[^/@]+\/[^/@]+@(.+)$/.exec(mark)?.[1];
}
