import type { Job, KubeObject, Node, Pod } from '../../api/kubernetes.ts';
import type { CheckAccess } from '../../api/check-access.ts';
import { requestAsker } from '../../checks/requests.ts';
import type { Asker } from '../../core/checks/try.ts';
import { ANNOTATION_WINDOW, LABEL_NODEOP_UID } from '../../api/labels.ts';
import type { NodeOp, NodeOpStatus } from '../../api/nodeop.ts';
import { type Clock, NO_TELEMETRY, type Telemetry } from '../../core/ports.ts';
import { type Action, actionKey } from '../../core/rollout/actions.ts';
import { nodeOpHoldText } from '../../core/holds.ts';
import { placeHeld } from '../../core/runs/places.ts';
import { decide, type Decision } from '../../core/rollout/decide.ts';
import { claimant, heirOf, type Holders, keepsCordon } from '../../core/rollout/cordons.ts';
import { type NodeFacts, ownerUid, type RolloutFacts, type WorkFacts } from '../../core/rollout/facts.ts';
import { DEFINITION, LACKS_FIELDS } from '../../core/definition.ts';
import { newsOf } from '../../core/rollout/events.ts';
import { type Refusal, refused } from '../../core/rollout/status.ts';
import { systemClock } from '../../time/clock.ts';
import { ApiError, isForGood, isRefusal, type KubeClient } from '../../kube/client.ts';
import { DrainSessions } from '../../kube/drain-session.ts';
import { EventRecorder } from '../../kube/events.ts';
import { type Caches, Executor, type ExecutorListener } from '../../kube/executor.ts';
import { nodeFacts } from '../../kube/facts.ts';
import { JOBS, NODEOPS, NODES, PODS } from '../../kube/resources.ts';
import { trimJob, trimNode, trimNodeOp, trimPod } from '../../kube/trim.ts';
import { ServerVersion } from '../../kube/server-version.ts';
import { StoppedError } from '../../kube/stopped.ts';
import { WatchCache } from '../../kube/watch.ts';
import { Holds } from '../holds.ts';
import type { Logger } from '../logger.ts';
import { DefinitionWatch } from './definition-watch.ts';
import { Moments } from './moments.ts';
import { PhaseClock } from './phase-clock.ts';
import { Rollout } from './rollout.ts';
import { StrandedCordons } from './stranded-cordons.ts';
import { isUrgent, StatusWriter } from './status-writer.ts';
import { Timers } from './timers.ts';
import { CheckWork } from './check-work.ts';
import { WorkIndex } from './work-index.ts';

export interface ControllerOptions {
  client: KubeClient;
  logger: Logger;
  /** The node and pod the agent runs on and as, when it runs in a cluster. */
  agentNode?: string | undefined;
  agentPod?: string | undefined;
  /** For NodeOps that name no image. */
  defaultImage?: string | undefined;
  clock?: Clock;
  /** Whether a NodeOp that is over may go. `wake` when it says otherwise. */
  mayGo?: (nodeOp: NodeOp) => boolean;
  /** Somebody follows the repository and marks NodeOps of runs as on record; none begins before. */
  runsAreMarked?: boolean;
  /** What holds the whole cluster; nothing when absent. */
  holds?: Holds;
  /** How many runs may have nodes in flight at once; as many as there are when absent. */
  maxConcurrent?: number;
  /** Told of each change of a NodeOp, once the caches are filled. */
  onChange?: () => void;
  telemetry?: Telemetry;
  /** Where requests of checks may go; nowhere when absent. */
  checkAccess?: CheckAccess | undefined;
  /** Sends the requests of checks; real ones when absent. */
  asker?: Asker | undefined;
}

const NOWHERE: CheckAccess = { allowedHosts: [], credentials: [] };

/** Changes are gathered this long before the next look, so that a burst costs one. */
const GATHER_MS = 20;
/** A wall clock that is set is noticed within this time: windows go by it. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Observe → decide → act, for every NodeOp there is. All decisions are made in `core/rollout`; this
 * class only gathers facts, hands actions to the executor, and writes the status.
 */
export class Controller {
  readonly caches: Caches;
  private readonly options: ControllerOptions;
  readonly definition: DefinitionWatch;
  private readonly version: ServerVersion;
  private readonly executor: Executor;
  private readonly drains: DrainSessions;
  private readonly events: EventRecorder;
  private readonly stranded: StrandedCordons;
  private readonly rollouts = new Map<string, Rollout>();
  private readonly holds: Holds;
  private readonly work = new WorkIndex({
    exists: (uid) => this.rollouts.has(uid),
    onFreed: () => this.markAll(),
  });
  private readonly checks = new CheckWork();
  private readonly nodes = new Map<string, NodeFacts>();
  private readonly dirty = new Set<string>();
  private readonly timers: Timers;
  private readonly writer: StatusWriter;
  private readonly moments: Moments;
  private readonly drainOwners = new Map<string, string>();
  private readonly under = new Set<Promise<void>>();
  private readonly phases: PhaseClock;
  private readonly clock: Clock;
  private gather: (() => void) | undefined;
  private started = false;
  private stopped = false;

  constructor(options: ControllerOptions) {
    this.options = options;
    this.holds = options.holds ?? new Holds(options.logger);
    const { client, logger, clock = systemClock } = options;
    this.clock = clock;
    this.timers = new Timers(clock);
    this.moments = new Moments(clock);
    this.phases = new PhaseClock(options.telemetry ?? NO_TELEMETRY, clock);
    const onError = (error: unknown) => {
      logger.warn({ err: errorText(error) }, 'watch interrupted');
    };
    const eventLost = (error: unknown) => logger.debug({ err: errorText(error) }, 'event not written');
    this.events = new EventRecorder(client, eventLost, clock);
    const own = { client, clock, labelSelector: LABEL_NODEOP_UID, onError };
    this.caches = {
      nodeOps: new WatchCache<NodeOp>({
        client,
        clock,
        resource: NODEOPS,
        trim: trimNodeOp,
        onChange: (op, gone) => this.nodeOpChanged(op, gone),
        onError,
      }),
      nodes: new WatchCache<Node>({
        client,
        clock,
        resource: NODES,
        trim: trimNode,
        onChange: (node, gone) => this.nodeChanged(this.moments.ready(node, gone), gone),
        onError,
      }),
      jobs: new WatchCache<Job>({
        ...own,
        resource: JOBS,
        trim: trimJob,
        onChange: (job, gone) => this.workChanged('job', job, gone),
      }),
      pods: new WatchCache<Pod>({
        ...own,
        resource: PODS,
        trim: trimPod,
        onChange: (pod, gone) => this.workChanged('pod', pod, gone),
      }),
    };
    this.definition = new DefinitionWatch({
      client,
      clock,
      logger,
      onChange: (texts) => this.definitionChanged(texts),
    });
    this.version = new ServerVersion(client, clock, () => this.markAll());
    const drainChanged = (node: string) => this.touch(this.drainOwners.get(node), node);
    this.drains = new DrainSessions(client, drainChanged, onError, clock);
    const told: ExecutorListener = {
      jobGone: (uid, node) => {
        this.work.jobGone(uid, node);
        this.touch(uid, node);
      },
      rehearsed: (uid, answer) => {
        const rollout = this.rollouts.get(uid);
        if (rollout) rollout.rehearsal = answer;
      },
      confirmed: (uid, node, at, warning) => {
        this.work.confirmed(uid, node, at, warning);
        this.touch(uid, node);
      },
      answered: (uid, key, answer) => this.checks.answered(uid, key, answer),
      checkLookedUp: (uid, key, at, isThere) => this.checks.lookedUp(uid, key, at, isThere),
    };
    const asker = options.asker ?? requestAsker(options.checkAccess ?? NOWHERE, clock);
    this.executor = new Executor(client, this.caches, this.drains, told, clock, asker);
    this.writer = new StatusWriter({
      client,
      cache: this.caches.nodeOps,
      clock,
      timers: this.timers,
      logger,
      onDone: ({ uid }) => this.mark(uid),
      onRefused: (rollout, why) => this.refusedStatus(rollout, why),
    });
    this.stranded = new StrandedCordons({
      clock,
      node: (name) => this.nodes.get(name),
      isLookedAfter: (node, uid) => this.looksAfter(node, uid),
      heir: (node, mark) => heirOf(node, mark, this.holders()),
      uncordon: (node, mark) => this.executor.uncordon(node, mark),
      handOver: (node, mark, to) => this.executor.handOver(node, mark, to),
      onDone: (node, mark, heir) =>
        heir === undefined
          ? logger.warn({ node, mark }, 'uncordoned: no NodeOp has a reason for its cordon any more')
          : logger.warn({ node, mark, heir }, 'cordon is handed over to the NodeOp that works on the node'),
      onError: (node, error) => logger.warn({ node, err: errorText(error) }, 'stranded cordon not undone'),
    });
  }

  /** Resolves when the caches are filled and the first look was taken; rejects with StoppedError when it is stopped before. */
  async start(): Promise<void> {
    const { nodeOps, nodes, jobs, pods } = this.caches;
    const caches = [nodeOps.start(), nodes.start(), jobs.start(), pods.start()];
    await Promise.all([...caches, this.definition.start()]);
    if (this.stopped) throw new StoppedError();
    this.started = true;
    void this.version.ask();
    this.moments.looksOn = true;
    for (const uid of this.rollouts.keys()) this.mark(uid);
    for (const node of this.nodes.values()) this.stranded.check(node);
    this.look();
  }

  get synced(): boolean {
    return this.started;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.executor.stop();
    this.gather?.();
    this.timers.stop();
    this.stranded.stop();
    this.version.stop();
    await this.drains.stop();
    await this.definition.stop();
    await Promise.allSettled(this.under);
    await this.writer.stop();
    await this.events.stop();
    await Promise.all(Object.values(this.caches).map((cache: WatchCache<KubeObject>) => cache.stop()));
  }

  /** Looks at everything again. */
  wake(): void {
    for (const { memory } of this.rollouts.values()) memory.forget();
    this.markAll();
  }

  /** Nothing is under way, nor about to be. */
  get quiet(): boolean {
    return this.dirty.size === 0 && this.gather === undefined && this.under.size === 0 && this.writer.quiet;
  }

  private definitionChanged({
    obstacle,
    lack,
  }: {
    obstacle: string | undefined;
    lack: string | undefined;
  }): void {
    const message = [obstacle, lack].filter((text) => text !== undefined).join('; ');
    const involved = {
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      name: DEFINITION,
    };
    if (message !== '') this.events.about(involved, { type: 'Warning', reason: LACKS_FIELDS, message });
    this.markAll();
    // Runs that wait for it go on, or begin to wait.
    if (this.started) this.options.onChange?.();
  }

  private nodeOpChanged(object: NodeOp, gone: boolean): void {
    const uid = object.metadata.uid ?? '';
    const known = this.rollouts.get(uid);
    if (gone) {
      this.rollouts.delete(uid);
      this.work.forget(uid);
      this.checks.forget(uid);
      this.phases.forget(uid);
      this.timers.forget(uid);
      for (const [node, owner] of this.drainOwners) if (owner === uid) this.closeDrain(node);
      if (this.started) for (const node of this.nodes.values()) this.stranded.check(node);
      this.markAll();
    } else if (known) known.take(object);
    else this.rollouts.set(uid, new Rollout(object, this.clock, this.options));
    // One that is over looks no more after cordons that were handed over to it in its last moment.
    if (this.started && known?.settled === true) this.checkCordonsOf(uid);
    this.mark(uid);
    if (this.started) this.options.onChange?.();
  }

  private workChanged(kind: 'job' | 'pod', object: Job | Pod, gone: boolean): void {
    const known = this.moments.created(object, gone);
    if (kind === 'pod') this.mark(this.checks.change(known as Pod, gone));
    const key = this.work.change(kind, known, gone);
    // Garbage collection takes it after its NodeOp.
    if (key !== undefined) this.touch(key.uid, key.node);
  }

  private nodeChanged(object: Node, gone: boolean): void {
    const facts = nodeFacts(object);
    const known = this.nodes.get(facts.name);
    if (gone) this.nodes.delete(facts.name);
    else if (known && JSON.stringify(known) === JSON.stringify(facts)) return;
    else this.nodes.set(facts.name, facts);
    if (this.started && !gone) this.stranded.check(facts);
    for (const uid of this.rollouts.keys()) this.touch(uid, facts.name);
  }

  private markAll(): void {
    for (const uid of this.rollouts.keys()) this.mark(uid);
  }

  /** Something of one node has changed. */
  private touch(uid: string | undefined, node: string): void {
    if (uid === undefined) return;
    this.rollouts.get(uid)?.memory.touch(node);
    this.mark(uid);
  }

  private mark(uid: string | undefined): void {
    if (uid === undefined || this.stopped) return;
    this.dirty.add(uid);
    if (this.started) this.gather ??= this.clock.after(GATHER_MS, () => this.look());
  }

  private markAt(uid: string, at: number): void {
    const wait = Math.min(at - this.clock.steady(), LONGEST_WAIT_MS);
    this.timers.set(uid, 'look', wait, () => this.mark(uid));
  }

  /** One look at all that changed, oldest NodeOp first: on a node both want, the older one goes first. */
  private look(): void {
    this.gather = undefined;
    const due = [...this.dirty]
      .map((uid) => this.rollouts.get(uid))
      .filter((rollout) => rollout !== undefined);
    this.dirty.clear();
    due.sort((a, b) => age(a.object).localeCompare(age(b.object)));
    for (const rollout of due) {
      try {
        // What was carried out late, after the end, is ended as well.
        const goesOn = this.work.goesOn(rollout.uid) || this.checks.goesOn(rollout.uid);
        if (!rollout.settled || goesOn) this.reconcile(rollout);
      } catch (error) {
        // One NodeOp that cannot be worked on must not stop the others.
        this.options.logger.error({ nodeOp: rollout.label, err: error }, 'reconciling failed');
      }
    }
  }

  private reconcile(rollout: Rollout): void {
    const now = this.clock.steady();
    const found = rollout.spec();
    if ('refusal' in found) return this.refuse(rollout, found.refusal);
    const before = rollout.status;
    const facts = this.gatherFacts(rollout, found.spec, found.changed);
    const decision = decide(facts, now, rollout.memory);
    rollout.status = decision.status;
    if (before !== decision.status) {
      this.report(rollout, before, decision);
      const drains = facts.spec.drainOptions.enabled;
      const target = rollout.target();
      const news = newsOf(before, decision.status, decision.changed ?? new Map(), drains);
      for (const one of news) this.events.record(target, one);
    }
    this.closeDrains(rollout);
    for (const action of decision.actions) this.perform(rollout, action);
    this.writer.plan(rollout);
    if (decision.lookAgainAt !== undefined) this.markAt(rollout.uid, decision.lookAgainAt);
  }

  private refuse(rollout: Rollout, refusal: Refusal): void {
    const { generation = 0 } = rollout.object.metadata;
    const before = rollout.status;
    rollout.status = refused(before, refusal, generation, this.clock.steady());
    if (rollout.status !== before) {
      const news = { type: 'Warning', ...refusal } as const;
      this.events.record(rollout.target(), news);
      this.options.logger.warn({ nodeOp: rollout.label, ...refusal }, 'NodeOp is refused');
    }
    this.writer.plan(rollout);
    // Cordons that one with a broken spec may have left are stranded once it is gone, and undone as such. A copy has
    // none, and its finalizer came with it.
    const mayGo = rollout.deleted || (refusal.reason === 'Copied' && rollout.status === rollout.persisted);
    if (rollout.finalized && mayGo)
      this.perform(rollout, { type: 'release', reason: 'it is not carried out' });
  }

  private gatherFacts(rollout: Rollout, spec: RolloutFacts['spec'], specChanged: boolean): RolloutFacts {
    const { namespace = 'default', name = '', generation = 0 } = rollout.object.metadata;
    return {
      wall: this.clock.wall(),
      namespace,
      name,
      uid: rollout.uid,
      generation,
      spec,
      specChanged,
      adopted: rollout.adopted,
      finalized: rollout.finalized,
      awaitsRecordSince: this.options.runsAreMarked === true ? rollout.awaitsRecordSince : undefined,
      obstacle: this.definition.obstacle,
      serverMinor: this.version.minor,
      cancelled: rollout.cancelled,
      cancelledAt: rollout.cancelledAt(this.clock.steady()),
      deleted: rollout.deleted,
      hold: this.holdOf(rollout),
      placeHeld: this.placeHeld(rollout),
      window: rollout.object.metadata.annotations?.[ANNOTATION_WINDOW],
      status: rollout.status,
      persisted: rollout.persisted,
      found: rollout.found,
      checks: this.checks.facts(rollout.uid),
      nodes: this.nodes,
      work: this.workOf(rollout.uid),
      ...this.othersOf(rollout),
      rehearsal: rollout.rehearsal,
      troubles: rollout.troubles(),
      refusedSince: (key) => rollout.refusedSince(key),
      refusal: (key) => rollout.refusal(key),
      busy: rollout.underWay,
      agentNode: this.options.agentNode,
      agentPod: this.options.agentPod,
    };
  }

  private workOf(uid: string): RolloutFacts['work'] {
    const { work, drains, drainOwners } = this;
    const get = (node: string): WorkFacts | undefined => {
      const known = work.factsOn(uid, node);
      const drain = drainOwners.get(node) === uid ? drains.facts(node) : undefined;
      return drain === undefined ? known : { ...known, drain };
    };
    const nodes = () => new Set([...work.nodesOf(uid), ...drainOwners.keys()]);
    return {
      get,
      *[Symbol.iterator]() {
        for (const node of nodes()) yield [node, get(node) ?? {}] as const;
      },
    };
  }

  private holdOf({ object, persisted }: Rollout): RolloutFacts['hold'] {
    const own = nodeOpHoldText(object);
    const { text, current, sure } = this.holds;
    if (text !== undefined) {
      const by = current.lease === undefined ? 'Repository' : 'Lease';
      return { by, text: own === undefined ? text : `${text}; ${own}` };
    }
    if (own !== undefined) return { by: 'Annotation', text: own };
    // What the repository said last is on record, for as long as nobody can read it anew.
    const said = sure ? undefined : persisted.conditions?.find(({ reason }) => reason === 'HeldByRepository');
    return said && { by: 'Repository', text: said.message ?? '' };
  }

  private placeHeld({ object, status, uid }: Rollout): string | undefined {
    if (!this.holds.tried) return 'waiting until the repository has said whether all clusters are held';
    const { maxConcurrent = Infinity } = this.options;
    return placeHeld({ ...object, status }, this.othersNow(uid), maxConcurrent);
  }

  private *othersNow(uid: string): Generator<NodeOp> {
    for (const { uid: other, object, status } of this.rollouts.values())
      if (other !== uid) yield { ...object, status };
  }

  private checkCordonsOf(uid: string): void {
    for (const node of this.nodes.values()) {
      if (node.cordonedBy !== undefined && ownerUid(node.cordonedBy) === uid) this.stranded.check(node);
    }
  }

  private looksAfter(node: NodeFacts, uid: string): boolean {
    const owner = this.rollouts.get(uid);
    if (owner === undefined) return false;
    return !owner.settled || (node.unschedulable && keepsCordon(owner.holder(), node.name));
  }

  private othersOf({ uid, mark }: Rollout): Pick<RolloutFacts, 'claims' | 'heirs'> {
    let known: Holders | undefined;
    const holders = () => (known ??= this.holders());
    const claimOf = (name: string) => {
      const node = this.nodes.get(name) ?? { name, cordonedBy: undefined };
      return claimant(node, uid, holders());
    };
    return { claims: { get: claimOf }, heirs: { get: (node) => heirOf(node, mark, holders()) } };
  }

  /** All NodeOps as each of them sees the others. */
  private holders(): Holders {
    const { rollouts, work } = this;
    const unfinished = [...rollouts.values()].filter((it) => !it.settled);
    return {
      all: () => [...rollouts.values()].map((it) => it.holder()),
      byUid: (uid) => rollouts.get(uid)?.holder(),
      unfinished: unfinished.map((it) => it.holder()),
      running: (node) => work.running(node),
    };
  }

  private perform(rollout: Rollout, action: Action): void {
    if (action.type === 'release' && this.options.mayGo?.(rollout.object) === false) return;
    const key = actionKey(action);
    if (!rollout.mayBegin(key, this.clock)) return;
    rollout.begin(action);
    if (action.type === 'watch-pods') this.drainOwners.set(action.node, rollout.uid);
    const { logger } = this.options;
    const fields = { nodeOp: rollout.label, ...action };
    logger.debug(fields, 'action begins');
    const done = this.executor
      .execute(action, rollout.target())
      .then(
        () => {
          rollout.succeeded(action);
          logger.info(fields, 'action done');
          this.tell(rollout, action);
          this.mark(rollout.uid);
        },
        (error: unknown) => {
          const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
          const failure = {
            text: errorText(error),
            askedMs: asked,
            isRefusal: isRefusal(error),
            isForGood: isForGood(error),
          };
          const wait = rollout.failed(action, this.clock, failure);
          logger.warn({ ...fields, err: errorText(error), retryInMs: Math.round(wait) }, 'action failed');
          this.timers.set(rollout.uid, key, wait, () => this.mark(rollout.uid));
        },
      )
      .finally(() => this.under.delete(done));
    this.under.add(done);
  }

  /** Cordons change what people see of a node, so they are told. */
  private tell(rollout: Rollout, action: Action): void {
    const reasons = { cordon: 'Cordoned', uncordon: 'Uncordoned', 'hand-over': 'CordonHandedOver' } as const;
    const reason = Object.entries(reasons).find(([type]) => type === action.type)?.[1];
    if (reason === undefined || !('node' in action)) return;
    const to = action.type === 'hand-over' ? `; the cordon is now of ${action.to.split('@')[0]}` : '';
    const news = { type: 'Normal', reason, message: `${action.reason}${to}`, node: action.node } as const;
    this.events.record(rollout.target(), news);
  }

  private closeDrains(rollout: Rollout): void {
    for (const [node, owner] of this.drainOwners) {
      const draining = rollout.status.nodeStatuses?.[node]?.phase === 'Draining';
      if (owner === rollout.uid && !draining) this.closeDrain(node);
    }
  }

  private closeDrain(node: string): void {
    this.drainOwners.delete(node);
    this.drains.close(node);
  }

  /** The API server admits no write to this object: the status cannot say what is wrong, an event can. */
  private refusedStatus(rollout: Rollout, why: string): void {
    const message = `the status cannot be written: ${why}`;
    this.events.record(rollout.target(), { type: 'Warning', reason: 'StatusRefused', message });
  }

  private report(
    rollout: Rollout,
    before: NodeOpStatus,
    { status: after, changed = new Map() }: Decision,
  ): void {
    const log = this.options.logger.child({ nodeOp: rollout.label });
    if (before.phase !== after.phase) log.info({ phase: after.phase, done: after.summary?.done }, 'rollout');
    const drains = rollout.target().spec.drainOptions.enabled;
    rollout.isUrgent ||= isUrgent(before, after, changed);
    for (const [node, { phase: was }] of changed) {
      const status = after.nodeStatuses?.[node];
      if (status === undefined || was === status.phase || status.phase === 'Pending') continue;
      log.info({ node, phase: status.phase, message: status.message }, 'node');
      // A node that is only cordoned passes through the same phase.
      if (status.phase !== 'Draining' || drains) this.phases.moved(rollout.uid, node, was, status.phase);
    }
    // What it held others may have now.
    if ((before.summary?.inFlight ?? 0) > (after.summary?.inFlight ?? 0)) this.markAll();
  }
}

function age(object: NodeOp): string {
  return `${object.metadata.creationTimestamp} ${object.metadata.namespace}/${object.metadata.name}`;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
