import type { CheckAccess } from '../../api/check-access.ts';
import type { Job, Node, Pod } from '../../api/kubernetes.ts';
import type { NodeOp, NodeOpStatus } from '../../api/nodeop.ts';
import { requestAsker } from '../../checks/requests.ts';
import type { Asker } from '../../core/checks/try.ts';
import { type Clock, NO_TELEMETRY, type Telemetry } from '../../core/ports.ts';
import { letsGo } from '../../core/rollout/cordons.ts';
import { decide } from '../../core/rollout/decide.ts';
import { type NodeFacts, ownerUid } from '../../core/rollout/facts.ts';
import { type Refusal, refused } from '../../core/rollout/refusal.ts';
import type { KubeClient } from '../../kube/client.ts';
import { DrainSessions } from '../../kube/drain-session.ts';
import { EventRecorder } from '../../kube/events.ts';
import { type Caches, Executor, type ExecutorListener } from '../../kube/executor.ts';
import { nodeFacts } from '../../kube/facts.ts';
import { ServerVersion } from '../../kube/server-version.ts';
import { StoppedError } from '../../kube/stopped.ts';
import { WentBackError } from '../../kube/watch.ts';
import { systemClock } from '../../time/clock.ts';
import { Holds } from '../holds.ts';
import type { Logger } from '../logger.ts';
import { CheckClock } from './check-clock.ts';
import { CheckWork } from './check-work.ts';
import { Chronicle } from './chronicle.ts';
import { Claims } from './claims.ts';
import { DefinitionWatch } from './definition-watch.ts';
import { DrainOwners } from './drain-owners.ts';
import { errorText } from './error-text.ts';
import { Looks } from './looks.ts';
import { Moments } from './moments.ts';
import { Observation } from './observation.ts';
import { Performer } from './performer.ts';
import { PhaseClock } from './phase-clock.ts';
import { Rollout } from './rollout.ts';
import { isUrgent, StatusWriter } from './status-writer.ts';
import { StrandedCordons } from './stranded-cordons.ts';
import { Timers } from './timers.ts';
import { startAll, stopAll, watched } from './watched.ts';
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
  /** Whether a NodeOp may be worked on. `wake` when it says otherwise. */
  mayGoOn?: (nodeOp: NodeOp) => boolean;
  /** Somebody follows the repository and marks NodeOps of runs as on record; none begins before. */
  runsAreMarked?: boolean;
  /** What holds the whole cluster; nothing when absent. */
  holds?: Holds;
  /** How many runs may have nodes in flight at once; as many as there are when absent. */
  maxConcurrent?: number;
  /** Told of each change of a NodeOp, once the caches are filled. */
  onChange?: () => void;
  /** Told when the cluster turns out to be one of the past, before anything is done by that. */
  onWentBack?: (() => void) | undefined;
  telemetry?: Telemetry;
  /** Where requests of checks may go; nowhere when absent. */
  checkAccess?: CheckAccess | undefined;
  /** Sends the requests of checks; real ones when absent. */
  asker?: Asker | undefined;
}

const NOWHERE: CheckAccess = { allowedHosts: [], credentials: [] };

/**
 * Observe → decide → act, for every NodeOp there is. All decisions are made in `core/rollout`; this class joins the rooms
 * beside it: what is heard changes what is known and marks whom it concerns, and a look decides, has it carried out, and writes
 * the status.
 */
export class Controller {
  readonly caches: Caches;
  readonly definition: DefinitionWatch;
  private readonly options: ControllerOptions;
  private readonly clock: Clock;
  private readonly rollouts = new Map<string, Rollout>();
  private readonly nodes = new Map<string, NodeFacts>();
  private readonly work = new WorkIndex({
    exists: (uid) => this.rollouts.has(uid),
    onFreed: () => this.markAll(),
  });
  private readonly checks = new CheckWork();
  private readonly claims = new Claims({ rollouts: this.rollouts, work: this.work, nodes: this.nodes });
  private readonly timers: Timers;
  private readonly moments: Moments;
  private readonly phases: PhaseClock;
  private readonly checkClock: CheckClock;
  private readonly looks: Looks;
  private readonly version: ServerVersion;
  private readonly drains: DrainSessions;
  private readonly drainOwners: DrainOwners;
  private readonly executor: Executor;
  private readonly events: EventRecorder;
  private readonly chronicle: Chronicle;
  private readonly observation: Observation;
  private readonly performer: Performer;
  private readonly writer: StatusWriter;
  private readonly stranded: StrandedCordons;
  /** UIDs of NodeOps that were there when this agent began, and were not looked at yet. */
  private readonly unseen = new Set<string>();
  private started = false;
  private stopped = false;

  constructor(options: ControllerOptions) {
    const { client, logger, clock = systemClock } = options;
    this.options = options;
    this.clock = clock;
    this.timers = new Timers(clock);
    this.moments = new Moments(clock);
    const { telemetry = NO_TELEMETRY } = options;
    this.phases = new PhaseClock(telemetry, clock);
    this.checkClock = new CheckClock(telemetry, clock);
    this.looks = new Looks(clock, this.timers, (uids) => this.look(uids));
    const onError = (error: unknown) => {
      logger.warn({ err: errorText(error) }, 'watch interrupted');
      if (error instanceof WentBackError) options.onWentBack?.();
    };
    this.caches = this.watched(onError);
    const onDefinition = (texts: Lacks) => this.definitionChanged(texts);
    this.definition = new DefinitionWatch({ client, clock, logger, onChange: onDefinition });
    this.version = new ServerVersion(client, clock, () => this.markAll());
    const drainChanged = (node: string) => this.touch(this.drainOwners.of(node), node);
    this.drains = new DrainSessions(client, drainChanged, onError, clock);
    this.drainOwners = new DrainOwners(this.drains);
    const asker = options.asker ?? requestAsker(options.checkAccess ?? NOWHERE, clock);
    this.executor = new Executor(client, this.caches, this.drains, this.told(), clock, asker);
    const eventLost = (error: unknown) => logger.debug({ err: errorText(error) }, 'event not written');
    this.events = new EventRecorder(client, eventLost, clock);
    this.chronicle = new Chronicle({
      logger,
      events: this.events,
      phases: this.phases,
      checks: this.checkClock,
    });
    this.observation = this.observing();
    this.performer = this.performing();
    this.writer = this.writing();
    this.stranded = this.settling();
  }

  /** Resolves when the caches are filled and the first look was taken; rejects with StoppedError when it is stopped before. */
  async start(): Promise<void> {
    await Promise.all([startAll(this.caches), this.definition.start()]);
    if (this.stopped) throw new StoppedError();
    this.started = true;
    for (const { uid, settled } of this.rollouts.values()) if (!settled) this.unseen.add(uid);
    void this.version.ask();
    this.moments.looksOn = true;
    this.markAll();
    for (const node of this.nodes.values()) this.stranded.check(node);
    this.looks.start();
  }

  get synced(): boolean {
    return this.started;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.executor.stop();
    this.looks.stop();
    this.timers.stop();
    this.stranded.stop();
    this.version.stop();
    await this.drains.stop();
    await this.definition.stop();
    await this.performer.ended();
    await this.writer.stop();
    await this.events.stop();
    await stopAll(this.caches);
  }

  /** Looks at everything again. */
  wake(): void {
    for (const { memory } of this.rollouts.values()) memory.forget();
    this.markAll();
  }

  /** How many actions of each type have failed again and again. */
  troubles(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { failures } of this.rollouts.values())
      for (const key of failures.troubles().keys()) {
        const [type = ''] = key.split('/');
        counts.set(type, (counts.get(type) ?? 0) + 1);
      }
    return counts;
  }

  /** Nothing is under way, nor about to be. */
  get quiet(): boolean {
    return this.looks.quiet && this.performer.quiet && this.writer.quiet;
  }

  private watched(onError: (error: unknown) => void): Caches {
    return watched(this.options.client, this.clock, {
      nodeOp: (object, gone) => this.nodeOpChanged(object, gone),
      node: (object, gone) => this.nodeChanged(this.moments.ready(object, gone), gone),
      job: (object, gone) => this.workChanged('job', object, gone),
      pod: (object, gone, isUnheard) => this.workChanged('pod', object, gone, isUnheard),
      onError,
    });
  }

  private told(): ExecutorListener {
    return {
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
      checkMayBeMade: (uid, key) => this.checks.mayBeMade(uid, key),
      checkLookedUp: (uid, key, at, isThere) => this.checks.lookedUp(uid, key, at, isThere),
    };
  }

  private observing(): Observation {
    const { options, clock, definition, version, nodes, work, checks, drainOwners, claims, unseen } = this;
    const { runsAreMarked = false, maxConcurrent = Infinity, agentNode, agentPod } = options;
    const holds = options.holds ?? new Holds(options.logger);
    const known = { clock, holds, definition, version, nodes, work, checks, drainOwners, claims, unseen };
    return new Observation({ ...known, runsAreMarked, maxConcurrent, agentNode, agentPod });
  }

  private performing(): Performer {
    const { executor, clock, timers, drainOwners, options } = this;
    return new Performer({
      executor,
      clock,
      timers,
      drainOwners,
      logger: options.logger,
      mayGo: (nodeOp) => options.mayGo?.(nodeOp) !== false,
      onDone: (rollout, action) => this.chronicle.done(rollout, action),
      onTrouble: (rollout, action, why) => this.chronicle.trouble(rollout, action, why),
      mark: (uid) => this.looks.mark(uid),
    });
  }

  private writing(): StatusWriter {
    const { client, logger } = this.options;
    return new StatusWriter({
      client,
      logger,
      cache: this.caches.nodeOps,
      clock: this.clock,
      timers: this.timers,
      onDone: (rollout, before) => {
        this.looks.mark(rollout.uid);
        this.recorded(rollout, before);
      },
      onRefused: (rollout, why) => this.chronicle.unwritable(rollout, why),
    });
  }

  private settling(): StrandedCordons {
    const { claims, executor, chronicle, clock, options } = this;
    return new StrandedCordons({
      clock,
      node: (name) => this.nodes.get(name),
      isLookedAfter: (node, uid) => claims.looksAfter(node, uid),
      heir: (node, mark) => claims.heirOf(node, mark),
      uncordon: (node, mark) => executor.uncordon(node, mark),
      handOver: (node, mark, to) => executor.handOver(node, mark, to),
      onDone: (node, mark, heir) => chronicle.settledCordon(node, mark, heir),
      onError: (node, error) =>
        options.logger.warn({ node, err: errorText(error) }, 'stranded cordon not undone'),
    });
  }

  private definitionChanged({ obstacle, lack }: Lacks): void {
    const message = [obstacle, lack].filter((text) => text !== undefined).join('; ');
    if (message !== '') this.chronicle.lacks(message);
    this.markAll();
    // Runs that wait for it go on, or begin to wait.
    if (this.started) this.options.onChange?.();
  }

  private nodeOpChanged(object: NodeOp, gone: boolean): void {
    const uid = object.metadata.uid ?? '';
    const known = this.rollouts.get(uid);
    if (gone) this.forget(uid);
    else if (known) this.take(known, object);
    else this.rollouts.set(uid, this.begun(object));
    // One that is over looks no more after cordons that were handed over to it in its last moment.
    if (this.started && known?.settled === true) this.checkCordonsOf(uid);
    this.looks.mark(uid);
    if (this.started) this.options.onChange?.();
  }

  private begun(object: NodeOp): Rollout {
    const { clock, checks, options } = this;
    return new Rollout(object, clock, options, (uid) => checks.dropAnswers(uid));
  }

  private take(known: Rollout, object: NodeOp): void {
    const before = known.persisted;
    known.take(object);
    this.recorded(known, before);
  }

  /** What it held by its record others may have now. */
  private recorded({ persisted }: Rollout, before: NodeOpStatus): void {
    if (letsGo(before, persisted)) this.markAll();
  }

  private forget(uid: string): void {
    this.rollouts.delete(uid);
    this.unseen.delete(uid);
    const { work, checks, phases, checkClock, timers, drainOwners } = this;
    for (const room of [work, checks, phases, checkClock, timers, drainOwners]) room.forget(uid);
    if (this.started) for (const node of this.nodes.values()) this.stranded.check(node);
    this.markAll();
  }

  private checkCordonsOf(uid: string): void {
    for (const node of this.nodes.values()) {
      if (node.cordonedBy !== undefined && ownerUid(node.cordonedBy) === uid) this.stranded.check(node);
    }
  }

  private workChanged(kind: 'job' | 'pod', object: Job | Pod, gone: boolean, isUnheard = false): void {
    const known = this.moments.created(object, gone);
    if (kind === 'pod') this.looks.mark(this.checks.change(known as Pod, gone));
    const key = this.work.change(kind, known, gone, isUnheard ? this.clock.steady() : undefined);
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
    for (const uid of this.rollouts.keys()) this.looks.mark(uid);
  }

  /** Something of one node has changed. */
  private touch(uid: string | undefined, node: string): void {
    if (uid === undefined) return;
    this.rollouts.get(uid)?.memory.touch(node);
    this.looks.mark(uid);
  }

  /** One look at all that changed, oldest NodeOp first: on a node both want, the older one goes first. */
  private look(uids: readonly string[]): void {
    const due = uids.map((uid) => this.rollouts.get(uid)).filter((rollout) => rollout !== undefined);
    due.sort((a, b) => age(a.object).localeCompare(age(b.object)));
    for (const rollout of due) {
      try {
        // What was carried out late, after the end, is ended as well.
        const goesOn = this.work.goesOn(rollout.uid) || this.checks.goesOn(rollout.uid);
        if ((!rollout.settled || goesOn) && this.mayGoOn(rollout)) this.reconcile(rollout);
      } catch (error) {
        // One NodeOp that cannot be worked on must not stop the others.
        this.options.logger.error({ nodeOp: rollout.label, err: error }, 'reconciling failed');
      }
      // Others have waited to see what it has in flight.
      if (this.unseen.delete(rollout.uid) && this.unseen.size === 0) this.markAll();
    }
  }

  /** To end what was started is always right. */
  private mayGoOn({ deleted, object }: Rollout): boolean {
    return deleted || this.options.mayGoOn?.(object) !== false;
  }

  private reconcile(rollout: Rollout): void {
    const found = rollout.spec();
    if ('refusal' in found) return this.refuse(rollout, found.refusal);
    const now = this.clock.steady();
    const before = rollout.status;
    const facts = this.observation.facts(rollout, found.spec, found.changed);
    const decision = decide(facts, now, rollout.memory);
    const { status: after, changed = new Map(), awaitsRecord = false } = decision;
    rollout.status = after;
    if (before !== after) {
      rollout.isUrgent ||= awaitsRecord || isUrgent(before, after, changed);
      this.chronicle.changed(rollout, before, decision);
    }
    this.drainOwners.closeEnded(rollout);
    for (const action of decision.actions) this.performer.perform(rollout, action);
    this.writer.plan(rollout);
    if (decision.lookAgainAt !== undefined) this.looks.markAt(rollout.uid, decision.lookAgainAt);
  }

  private refuse(rollout: Rollout, refusal: Refusal): void {
    const { generation = 0 } = rollout.object.metadata;
    const before = rollout.status;
    rollout.status = refused(before, refusal, generation, this.clock.steady());
    if (rollout.status !== before) this.chronicle.refused(rollout, refusal);
    this.writer.plan(rollout);
    // Cordons that one with a broken spec may have left are stranded once it is gone, and undone as such. A copy has
    // none, and its finalizer came with it.
    const mayGo = rollout.deleted || (refusal.reason === 'Copied' && rollout.status === rollout.persisted);
    if (rollout.finalized && mayGo)
      this.performer.perform(rollout, { type: 'release', reason: 'it is not carried out' });
  }
}

/** What the cluster's definition of NodeOps lacks, for people. */
interface Lacks {
  obstacle: string | undefined;
  lack: string | undefined;
}

function age(object: NodeOp): string {
  return `${object.metadata.creationTimestamp} ${object.metadata.namespace}/${object.metadata.name}`;
}
