import type { Job, KubeObject, Node, Pod } from '../api/kubernetes.ts';
import {
  ANNOTATION_CORDONED_BY,
  ANNOTATION_SPEC,
  ANNOTATION_UID,
  FINALIZER,
  LABEL_NODEOP_UID,
} from '../api/labels.ts';
import type { NodeOp, NodeOpSpec } from '../api/nodeop.ts';
import { checkPod } from '../core/checks/pod.ts';
import { type Answer, type Asker, tryKey } from '../core/checks/try.ts';
import type { Clock } from '../core/ports.ts';
import type { Action } from '../core/rollout/actions.ts';
import { type EvictionAnswer, ownerMark, type Rehearsal } from '../core/rollout/facts.ts';
import { mainJob, postflightPod, preflightPod, rebootPod, withNodeUID } from '../core/rollout/manifests.ts';
import { checkName, jobName } from '../core/rollout/names.ts';
import { ApiError, isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import type { DrainSessions } from './drain-session.ts';
import { JOBS, NODEOPS, NODES, objectPath, PODS, type Resource } from './resources.ts';
import { FreshWork } from './fresh-work.ts';
import { rehearseAt } from './rehearsal.ts';
import { isOn, silentOf } from './silent.ts';
import { lastWarning } from './warnings.ts';
import type { WatchCache } from './watch.ts';

/** What an action is carried out for and with. */
export interface ExecutionTarget {
  namespace: string;
  name: string;
  uid: string;
  object: NodeOp;
  spec: NodeOpSpec;
  /** What is known of it until now. */
  rehearsal: Rehearsal | undefined;
}

export interface Caches {
  nodeOps: WatchCache<NodeOp>;
  nodes: WatchCache<Node>;
  jobs: WatchCache<Job>;
  pods: WatchCache<Pod>;
}

/** Told of what the API server itself has said. */
export interface ExecutorListener {
  jobGone: (uid: string, node: string) => void;
  rehearsed: (uid: string, answer: Rehearsal) => void;
  /** Everything about the node was read from that time on (steady clock), and what was warned of what does not start. */
  confirmed: (uid: string, node: string, at: number, warning: string | undefined) => void;
  /** The request of a try of a check is over. */
  answered: (uid: string, key: string, answer: Answer) => void;
  /** The pod of a try was asked for, and whether it was made nobody has said. */
  checkMayBeMade: (uid: string, key: string) => void;
  /** The API server was asked for the pod of a try from that time on. */
  checkLookedUp: (uid: string, key: string, at: number, isThere: boolean) => void;
}

type ActionOf<Type extends Action['type']> = Extract<Action, { type: Type }>;
type Executors = { [Type in Action['type']]: (action: ActionOf<Type>, op: ExecutionTarget) => Promise<void> };

/** A blocked eviction is asked for again after this long, as kubectl does, unless the server says otherwise. */
const EVICTION_RETRY_MS = 5_000;

/**
 * Carries out actions, each idempotent, and puts what the server answered into the caches. One entry an
 * action type: a missing one does not compile.
 */
export class Executor {
  private readonly client: KubeClient;
  private readonly caches: Caches;
  private readonly drains: DrainSessions;
  private readonly clock: Clock;
  private readonly fresh: FreshWork;
  private readonly told: ExecutorListener;
  private readonly asker: Asker;
  private readonly stopping = new AbortController();

  constructor(
    client: KubeClient,
    caches: Caches,
    drains: DrainSessions,
    told: ExecutorListener,
    clock: Clock,
    asker: Asker,
  ) {
    this.asker = asker;
    this.clock = clock;
    this.fresh = new FreshWork(client, caches);
    this.client = client;
    this.caches = caches;
    this.drains = drains;
    this.told = told;
  }

  /** Errors mean: not done, to be tried again later. */
  async execute(action: Action, op: ExecutionTarget): Promise<void> {
    await (this.executors[action.type] as (action: Action, op: ExecutionTarget) => Promise<void>)(action, op);
  }

  /** Requests of checks may take long, and nobody waits for them any more. */
  stop(): void {
    this.stopping.abort();
  }

  /** Undoes the cordon that carries this ownership mark, no other. */
  async uncordon(node: string, mark: string): Promise<void> {
    await this.patchNode(node, (known) =>
      known.metadata.annotations?.[ANNOTATION_CORDONED_BY] === mark
        ? { metadata: { annotations: { [ANNOTATION_CORDONED_BY]: null } }, spec: { unschedulable: null } }
        : undefined,
    );
  }

  /** Makes a cordon that carries one ownership mark another one's. */
  async handOver(node: string, mark: string, to: string): Promise<void> {
    await this.patchNode(node, (known) =>
      known.metadata.annotations?.[ANNOTATION_CORDONED_BY] === mark
        ? { metadata: { annotations: { [ANNOTATION_CORDONED_BY]: to } } }
        : undefined,
    );
  }

  private readonly executors: Executors = {
    adopt: async (_, op) => {
      const { object } = op;
      const finalizers = [...new Set([...(object.metadata.finalizers ?? []), FINALIZER])];
      const annotations = { [ANNOTATION_SPEC]: JSON.stringify(op.spec), [ANNOTATION_UID]: op.uid };
      await this.patchNodeOp(object, { finalizers, annotations });
    },
    release: async (_, op) => {
      const finalizers = (op.object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
      await this.patchNodeOp(op.object, { finalizers });
    },
    rehearse: async ({ node }, op) => {
      const asked = { before: op.rehearsal, now: this.clock.steady() };
      this.told.rehearsed(op.uid, await rehearseAt(this.client, op, node, asked));
    },
    'ask-check': async (action, op) => {
      const check = op.spec.steps?.[action.step]?.checks?.[action.check];
      if (check === undefined) return;
      if (check.command) await this.makeCheckPod(action, op);
      else this.told.answered(op.uid, tryKey(action), await this.asker(check, this.stopping.signal));
    },
    'look-up-check': async (action, op) => {
      const name = checkName(op, tryKey(action));
      const began = this.clock.steady();
      await this.caches.pods.reread(name, op.namespace);
      const isThere = this.caches.pods.get(name, op.namespace) !== undefined;
      this.told.checkLookedUp(op.uid, tryKey(action), began, isThere);
    },
    'delete-check-pod': async ({ name, uid }, op) => {
      await this.client.delete(PODS, name, op.namespace, { preconditions: { uid } });
      await this.caches.pods.reread(name, op.namespace);
    },
    'create-preflight': async ({ node }, op) => {
      this.caches.pods.put(await this.createFor(node, PODS, preflightPod(op, op.spec, node), op));
    },
    confirm: async ({ node }, op) => {
      const { nodes, jobs, pods } = this.caches;
      const began = this.clock.steady();
      await Promise.all([nodes.reread(node), this.fresh.read(op, node), this.drains.reread(node)]);
      const job = jobs.get(jobName(op, node), op.namespace);
      const own = [...pods.values()].filter((pod) => isOn(pod, op.uid, node));
      const silent = silentOf(job, own);
      const warning = silent && (await lastWarning(this.client, silent));
      this.told.confirmed(op.uid, node, began, warning);
    },
    // Without Background the pods of a batch/v1 Job are left behind.
    'delete-job': async ({ name, uid }, op) => {
      const options = { propagationPolicy: 'Background', preconditions: { uid } };
      await this.client.delete(JOBS, name, op.namespace, options);
      await this.caches.jobs.reread(name, op.namespace);
    },
    'delete-pod': async ({ name, uid }, op) => {
      await this.client.delete(PODS, name, op.namespace, { preconditions: { uid } });
      await this.caches.pods.reread(name, op.namespace);
    },
    cordon: async ({ node }, op) => {
      await this.patchNode(node, (known) =>
        known.spec?.unschedulable === true
          ? undefined
          : {
              metadata: { annotations: { [ANNOTATION_CORDONED_BY]: ownerMark(op) } },
              spec: { unschedulable: true },
            },
      );
    },
    uncordon: async ({ node }, op) => this.uncordon(node, ownerMark(op)),
    'hand-over': async ({ node, to }, op) => this.handOver(node, ownerMark(op), to),
    'watch-pods': async ({ node }) => {
      await this.drains.open(node);
    },
    evict: async ({ node, pod }, op) => {
      this.drains.answer(node, pod.uid, await this.evict(node, pod, op.spec.drainOptions.gracePeriodSeconds));
    },
    'create-job': async ({ node }, op) => {
      this.caches.jobs.put(await this.createFor(node, JOBS, mainJob(op, op.spec, node), op));
    },
    'look-up-job': async ({ node }, op) => {
      const job = await this.client.get<Job>(JOBS, jobName(op, node), op.namespace);
      if (job === undefined) this.told.jobGone(op.uid, node);
      else this.caches.jobs.put(job);
    },
    'create-reboot': async ({ node, bootID }, op) => {
      this.caches.pods.put(await this.createFor(node, PODS, rebootPod(op, op.spec, node, bootID), op));
    },
    'create-postflight': async ({ node }, op) => {
      this.caches.pods.put(await this.createFor(node, PODS, postflightPod(op, op.spec, node), op));
    },
  };

  /** A pod that was made by a request whose answer was lost may be gone by the next one: it would be made twice in one try. */
  private async makeCheckPod(action: ActionOf<'ask-check'>, op: ExecutionTarget): Promise<void> {
    try {
      this.caches.pods.put(await this.createOwn(PODS, checkPod(op, op.spec, action), op));
    } catch (error) {
      if (isApiError(error) && error.mayHaveTakenEffect) this.told.checkMayBeMade(op.uid, tryKey(action));
      throw error;
    }
  }

  private createFor<T extends KubeObject>(
    node: string,
    resource: Resource,
    body: T,
    op: ExecutionTarget,
  ): Promise<T> {
    const { uid } = this.caches.nodes.get(node)?.metadata ?? {};
    return this.createOwn(resource, uid === undefined ? body : withNodeUID(body, uid), op);
  }

  /** Creates the object, or adopts the one of that name when it is this NodeOp's. */
  private async createOwn<T extends KubeObject>(
    resource: Resource,
    body: T,
    op: ExecutionTarget,
  ): Promise<T> {
    try {
      return await this.client.create(resource, body, op.namespace);
    } catch (error) {
      if (!isApiError(error, 409)) throw error;
      const there = await this.client.get<T>(resource, body.metadata.name ?? '', op.namespace);
      if (there?.metadata.labels?.[LABEL_NODEOP_UID] === op.uid) return there;
      throw error;
    }
  }

  private async patchNodeOp(object: NodeOp, metadata: object): Promise<void> {
    const { name = '', namespace, resourceVersion } = object.metadata;
    // The version guards the list of finalizers, which a merge patch replaces as a whole.
    const patch = { metadata: { ...metadata, resourceVersion } };
    const answer = await this.refreshing(NODEOPS, this.caches.nodeOps, object, () =>
      this.client.patch<NodeOp>(NODEOPS, name, patch, { namespace }),
    );
    this.caches.nodeOps.put(answer);
  }

  /** Patches a node unless somebody else changed it meanwhile: whose cordon it is must never be mistaken. */
  private async patchNode(name: string, change: (known: Node) => object | undefined): Promise<void> {
    const known = this.caches.nodes.get(name);
    if (known === undefined) return;
    const patch = change(known);
    if (patch === undefined) return;
    const { metadata = {}, ...rest } = patch as { metadata?: object };
    const body = { ...rest, metadata: { ...metadata, resourceVersion: known.metadata.resourceVersion } };
    const answer = await this.refreshing(NODES, this.caches.nodes, known, () =>
      this.client.patch<Node>(NODES, name, body),
    );
    this.caches.nodes.put(answer);
  }

  /** On a conflict reads the object anew, so that the next attempt starts from what is there. */
  private async refreshing<T extends KubeObject>(
    resource: Resource,
    cache: WatchCache<T>,
    object: T,
    write: () => Promise<T>,
  ): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (isApiError(error, 409)) {
        const fresh = await this.client.get<T>(
          resource,
          object.metadata.name ?? '',
          object.metadata.namespace,
        );
        if (fresh !== undefined) cache.put(fresh);
      }
      throw error;
    }
  }

  /** One eviction, by `policy/v1` or what the server has. */
  private async evict(
    node: string,
    pod: { namespace: string; name: string; uid: string },
    gracePeriodSeconds: number,
  ): Promise<EvictionAnswer> {
    const apiVersion = await this.drains.evictionVersion();
    if (apiVersion === undefined) return { kind: 'refused', message: 'the API server offers no evictions' };
    const grace = gracePeriodSeconds >= 0 ? { gracePeriodSeconds } : {};
    const body = {
      apiVersion,
      kind: 'Eviction',
      metadata: { name: pod.name, namespace: pod.namespace },
      // Without the UID a namesake that came up elsewhere meanwhile would be evicted.
      deleteOptions: { ...grace, preconditions: { uid: pod.uid } },
    };
    try {
      await this.client.request('POST', `${objectPath(PODS, pod.name, pod.namespace)}/eviction`, { body });
      return { kind: 'accepted' };
    } catch (error) {
      const before = this.drains.answered(node, pod.uid);
      return evictionAnswer(error, before, this.clock.steady());
    }
  }
}

function evictionAnswer(error: unknown, before: EvictionAnswer | undefined, now: number): EvictionAnswer {
  if (!(error instanceof ApiError)) throw error;
  if (error.code === 404) return { kind: 'accepted' };
  // Another pod has the name by now, or the budget changed under the eviction: the next look will tell.
  if (error.code === 409) throw error;
  const cause = error.status.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  const terminating = error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating');
  if (error.code === 429 || terminating) {
    const retryAt = now + (error.retryAfterMs ?? EVICTION_RETRY_MS);
    return { kind: 'blocked', message: cause?.message ?? error.message, retryAt };
  }
  if (error.code === 401 || error.code === 403) {
    const deniedSince = (before?.kind === 'blocked' ? before.deniedSince : undefined) ?? now;
    const retryAt = now + (error.retryAfterMs ?? EVICTION_RETRY_MS);
    return { kind: 'blocked', message: error.message, retryAt, deniedSince };
  }
  // The server being away or overloaded is no verdict on the pod; several budgets (500) are.
  const several = error.code === 500 && /more than one PodDisruptionBudget/i.test(error.message);
  if ((error.code === 0 || error.code >= 500) && !several) throw error;
  return { kind: 'refused', message: error.message };
}
