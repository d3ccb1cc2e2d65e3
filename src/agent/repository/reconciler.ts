import type { AgentConfig } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import { FINALIZER } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { durationMs, formatProblem } from '../../api/schema.ts';
import type { Clock, NodeOpStore, ReportListener, Telemetry } from '../../core/ports.ts';
import { toldOf, type WaitingRun } from '../../core/runs/ledger.ts';
import { awaitsRecord } from '../../core/rollout/identity.ts';
import { scheduledMessage } from '../../core/runs/message.ts';
import { reportPath } from '../../core/runs/paths.ts';
import { planRuns, type RunAction, type RunFacts } from '../../core/runs/plan.ts';
import { treeChanges } from '../../git/trees.ts';
import type { Logger } from '../logger.ts';
import { RunExecutor, type Start } from './actions.ts';
import { Baseline } from './baseline.ts';
import { HoldFile } from './hold-file.ts';
import type { Holds } from '../holds.ts';
import { Copies } from './copies.ts';
import { FactsReader } from './facts.ts';
import { Ledger } from './ledger.ts';
import { seenBefore } from './history.ts';
import { NodeLogs } from './node-logs.ts';
import { OwnReports } from './own-reports.ts';
import { Publisher } from './publisher.ts';
import { ReportBuilder } from './reports.ts';
import { Scheduler } from './scheduler.ts';
import type { Snapshot } from './snapshot.ts';
import { TrackedRepository } from './tracked.ts';
import { Trust } from './trust.ts';

export interface ReconcilerDeps {
  config: AgentConfig;
  store: NodeOpStore;
  holds: Holds;
  log: Logger;
  clock: Clock;
  now: () => Date;
  telemetry: Telemetry;
  signal: AbortSignal;
  /** Told whenever `isRecorded` says more. */
  onRecord?: (() => void) | undefined;
  onReports?: ReportListener | undefined;
}

/** What a pass leaves behind. */
export interface Outcome {
  /** Whether something is still under way. */
  pending: boolean;
  /** When there is something to do again though nothing changes; Infinity when never. */
  lookInMs: number;
  /** Why nothing was done. */
  problem?: string;
}

/** An action that failed is tried again after this. */
const RETRY_MS = 2000;
/** A clock that is set is noticed within this time. */
const MAX_WAIT_MS = 3_600_000;

/**
 * One look at the branches and the cluster, and what is missing done. It remembers nothing that matters, so it may be
 * killed and started anywhere.
 */
export class Reconciler {
  readonly repository: TrackedRepository;
  readonly publisher: Publisher;
  readonly ledger: Ledger;
  readonly #deps: ReconcilerDeps;
  readonly #baseline: Baseline;
  /** Absent where the agent signs nothing. */
  readonly #own: OwnReports | undefined;
  readonly #scheduler: Scheduler;
  /** Absent where another controller carries out all there is. */
  readonly #copies: Copies | undefined;
  readonly #holdFile: HoldFile;
  readonly #facts: FactsReader;
  readonly #executor: RunExecutor;
  readonly #nodeLogs: NodeLogs;
  readonly #reports: ReportBuilder;
  /** UIDs of NodeOps whose result is on record, in Git or in the cluster. */
  readonly #recorded = new Set<string>();
  #blocked: string | undefined;
  #hasPublished = false;
  #waiting: WaitingRun[] = [];
  #toldBroken = '';
  #toldProblem = '';

  constructor(deps: ReconcilerDeps) {
    const { config, store, log, clock, now, telemetry, onReports } = deps;
    this.#deps = deps;
    const repository = new TrackedRepository(deps);
    const { mirror, layout, snapshots: reader } = repository;
    const { verify, signing } = config.git;
    const trust = verify && new Trust(mirror, verify, { now, clock });
    const { namespace } = config.kubernetes;
    const { executor } = config.rollout;
    const reports = new ReportBuilder(config, store, mirror);
    const ledger = new Ledger(store.ledger);
    this.repository = repository;
    this.ledger = ledger;
    this.#reports = reports;
    const own = signing && new OwnReports({ config, signing }, { repository, ledger, log });
    if (own) reader.heed((commits) => own.counts(commits));
    this.#own = own;
    this.publisher = new Publisher({ config: config.report, repository, log, clock, now, onReports });
    this.#baseline = new Baseline(config, repository, log);
    const executesAll = config.runs.initial === 'execute';
    this.#scheduler = new Scheduler({ mirror, reader, layout, trust, executesAll, logger: log });
    this.#holdFile = new HoldFile(mirror, layout, trust);
    this.#copies = executor === 'agent' ? new Copies({ store, reader, ledger, layout, log }) : undefined;
    this.#facts = new FactsReader({
      mirror,
      reader,
      layout,
      namespace,
      executor,
      defaultImage: config.defaults.image,
      ledger,
      trust,
      logger: log,
    });
    this.#executor = new RunExecutor({ config, layout, store, ledger, reports, telemetry, log, clock, now });
    this.#nodeLogs = new NodeLogs(config.report, store, repository);
  }

  /** Why nothing begins in this cluster, though the repository can be used. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** Whether the record in the cluster cannot be used. */
  get lacksRecord(): boolean {
    return this.#blocked !== undefined && !this.ledger.isLoaded;
  }

  /** Runs that wait, as of the last look. */
  get waiting(): readonly WaitingRun[] {
    return this.#waiting;
  }

  /** Whether the NodeOp may go without its result being lost. */
  isRecorded(uid: string): boolean {
    return this.#recorded.has(uid);
  }

  /** @param fetch whether to ask the remotes what is new */
  async reconcile(fetch: boolean): Promise<Outcome> {
    const nodeOps = this.#executor.nodeOps();
    await this.#loadLedger(nodeOps);
    try {
      const outcome = await this.#look(fetch, nodeOps);
      if (outcome.problem !== undefined) await this.#keepResults(nodeOps);
      return outcome;
    } catch (error) {
      this.repository.mirror.blame(error);
      this.#deps.signal.throwIfAborted();
      await this.#keepResults(nodeOps);
      throw error;
    }
  }

  async #look(fetch: boolean, nodeOps: Map<string, NodeOp>): Promise<Outcome> {
    const { config, now, store } = this.#deps;
    const { repository, publisher } = this;
    const isDue = fetch || repository.tip === undefined || repository.rewoundMs === 0;
    const unfetched = isDue ? await repository.fetch() : undefined;
    const { problem, rewoundMs } = repository;
    if (problem !== undefined) {
      this.#tellProblem(problem);
      return { pending: rewoundMs !== undefined, lookInMs: rewoundMs ?? Infinity, problem };
    }
    this.#toldProblem = '';
    let doubt = unfetched === undefined ? await this.#putBack() : undefined;
    let away = unfetched ?? doubt;
    const judged = await repository.read();
    let snapshot = judged;
    const { overtaken } = repository;
    // Before anything else: whoever brakes is heard first.
    if (this.ledger.isLoaded) this.#holdFile.recall(this.ledger.head.heldAt);
    this.#deps.holds.set('repository', await this.#holdFile.reason(snapshot));
    let trouble = away;
    if (!away) {
      const kept = await this.#keepRecord(snapshot, nodeOps);
      if (typeof kept === 'string') return { pending: false, lookInMs: Infinity, problem: kept };
      snapshot = kept;
      try {
        snapshot = await this.#addScheduled(snapshot);
      } catch (error) {
        // The branch of the runs may refuse what the one of the results takes.
        this.#deps.signal.throwIfAborted();
        trouble = error;
      }
      // What others pushed meanwhile is not decided by either.
      doubt = await this.#putBack();
      away = doubt;
      snapshot = await repository.read();
      if (!away) await publisher.tellFirst(snapshot);
    }
    if (doubt === undefined) await this.#copies?.refuse(snapshot, nodeOps);
    const read = await this.#facts.read(snapshot, nodeOps);
    if (!away && this.ledger.isLoaded) snapshot = await this.#passOver(snapshot, nodeOps);
    const facts = read.map((run) => this.#withRefusal(run));
    const { maxConcurrent, maxAge } = config.runs;
    const { text: held } = this.#deps.holds;
    const options = {
      maxConcurrent,
      blocked: this.#blocked,
      obstacle: store.obstacle?.(),
      held,
      maxAgeMs: durationMs(maxAge),
    };
    const planned = planRuns(facts, now(), options);
    const underWay = new Set(planned.map(({ run }) => run.path));
    this.#executor.retain(underWay);
    this.#nodeLogs.retain(underWay);
    const actions = planned.filter(({ type }) =>
      this.#mayAct(type, { isAway: away !== undefined, snapshot }),
    );
    const acted = await this.#act(await this.#withoutBegun(actions, snapshot), snapshot);
    const { news, starts } = acted;
    const dueMs = await publisher.publish({ ...news, isUrgent: starts.length > 0 }, snapshot);
    if (away) throw away;
    const told = new Map([...nodeOps].filter(([path]) => !acted.failed.has(path)));
    for (const path of this.ledger.results.keys()) if (!acted.failed.has(path)) await this.ledger.drop(path);
    await this.#published(planned, told, snapshot);
    // What others pushed meanwhile may say otherwise, and is read first: the file is gone, say, or all is held.
    const isOvertaken =
      starts.length > 0 && repository.overtaken > overtaken && (await this.#hasNews(judged));
    if (isOvertaken) return { pending: true, lookInMs: 0 };
    const begun = await this.#begin(starts, snapshot);
    if (trouble !== undefined) throw trouble;
    return {
      pending: acted.pending || begun.pending || dueMs !== undefined,
      lookInMs: Math.min(acted.lookInMs, begun.lookInMs, dueMs ?? Infinity),
    };
  }

  /** Whether anything was pushed since that has a say in what begins. */
  async #hasNews(judged: Snapshot): Promise<boolean> {
    const { mirror, layout } = this.repository;
    const now = await this.repository.read();
    const changes = await treeChanges(mirror.git, judged.tip, now.tip, [layout.runs, layout.nodeops]);
    const held = await this.#holdFile.reason(now);
    const isOwn = now.owner === this.ledger.identity;
    return changes.length > 0 || held !== this.#deps.holds.current.repository || !isOwn;
  }

  /** @returns why it cannot be told now which reports are to be believed: people can still stop what is under way */
  async #putBack(): Promise<unknown> {
    if (!this.#own || !this.ledger.isLoaded) return undefined;
    try {
      await this.#own.putBack();
      return undefined;
    } catch (error) {
      this.#deps.signal.throwIfAborted();
      return error;
    }
  }

  /** Once, however the time goes on that it names. */
  #tellProblem(problem: string): void {
    const told = problem.split(';', 1)[0] ?? '';
    if (this.#toldProblem !== told)
      this.#deps.log.warn({ reason: problem }, 'the branch is not followed now');
    this.#toldProblem = told;
  }

  /** Nothing begins that cannot be reported or put on record, yet people can always stop what is under way. */
  #mayAct(type: RunAction['type'], { isAway, snapshot }: { isAway: boolean; snapshot: Snapshot }): boolean {
    if (type === 'cancel' || type === 'suspend') return true;
    if (isAway) return false;
    if (this.ledger.isLoaded || type === 'follow') return true;
    // What is not known to be passed over is not told of either.
    return type === 'wait' && snapshot.baseline !== undefined;
  }

  /** What is on record in Git of this cluster as a whole. Returns why nothing can be done here, when that is so. */
  async #keepRecord(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot | string> {
    const { ledger, repository } = this;
    if (!ledger.isLoaded) return snapshot;
    const { identity, head } = ledger;
    let kept: Snapshot;
    try {
      kept = await this.#baseline.keep(snapshot, nodeOps, { identity, isKnown: head.runs !== undefined });
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      this.#setBlocked(error.message);
      return error.message;
    }
    this.#setBlocked(ledger.problem);
    const seen = await seenBefore(repository, kept, head, this.#deps.log);
    const over = seen.filter((path) => !nodeOps.has(path) && !ledger.results.has(path));
    return this.#baseline.passOver(kept, over);
  }

  /**
   * A report that ever told of a start is no new chance, whatever people made of it since. What began before there was a
   * record in the cluster stands in no other place; from now on it does.
   */
  async #withoutBegun(actions: readonly RunAction[], snapshot: Snapshot): Promise<RunAction[]> {
    const again = actions.flatMap(({ type, run }) => (type === 'create' && run.report ? [run.path] : []));
    const begun = again.length === 0 ? [] : await this.repository.snapshots.begunBefore(snapshot, again);
    if (begun.length === 0) return [...actions];
    this.#deps.log.warn({ runs: begun }, 'reports were changed; their runs are not carried out again');
    await this.ledger.add(new Map(begun.map((path) => [path, undefined])));
    return actions.filter(({ run }) => !begun.includes(run.path));
  }

  /** At once, not with the next report: a restart may find less of it in the history. */
  #passOver(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot> {
    const { layout } = this.repository;
    const { begun, moved, reports } = snapshot;
    const unreported = [...begun].filter((it) => !nodeOps.has(it) && !reports.has(reportPath(layout, it)));
    return this.#baseline.passOver(snapshot, [...unreported, ...moved.keys()]);
  }

  #withRefusal(run: RunFacts): RunFacts {
    const refused = this.#executor.refused(run.path);
    return refused ? { ...run, refused } : run;
  }

  /** One that fails holds up no other. */
  async #act(actions: readonly RunAction[], snapshot: Snapshot) {
    const reports = new Map<string, NodeOpReport>();
    const logs = new Map<string, ReadonlyMap<string, string>>();
    const starts: Start[] = [];
    const failed = new Set<string>();
    let pending = false;
    let lookInMs = Infinity;
    for (const action of actions) {
      const { path } = action.run;
      try {
        if (action.type === 'create') {
          const report = this.#executor.announce(action, snapshot);
          if (report) reports.set(path, report);
          starts.push(action);
          continue;
        }
        const report = await this.#executor.apply(action, snapshot);
        if (report) reports.set(path, report);
        if (action.type !== 'follow') continue;
        logs.set(path, await this.#nodeLogs.of(path, action.nodeOp, snapshot));
        pending ||= report !== undefined && !isFinalReport(report);
      } catch (error) {
        pending = true;
        failed.add(path);
        lookInMs = Math.min(lookInMs, this.#failed(path, action.type, error));
      }
    }
    for (const action of actions) {
      if (action.type !== 'wait') continue;
      if (action.until === undefined) pending = true;
      lookInMs = Math.min(lookInMs, action.inMs ?? this.#untilMs(action.until ?? Infinity));
    }
    return { news: { reports, logs }, starts, failed, pending, lookInMs };
  }

  /** What is announced on the remote begins. */
  async #begin(starts: readonly Start[], snapshot: Snapshot) {
    const reports = new Map<string, NodeOpReport>();
    let lookInMs = Infinity;
    for (const start of starts) {
      const { path } = start.run;
      try {
        const report = await this.#executor.begin(start, snapshot);
        // The slot it was given is free again.
        if (report) lookInMs = 0;
        if (report) reports.set(path, report);
      } catch (error) {
        lookInMs = Math.min(lookInMs, this.#failed(path, 'create', error));
      }
    }
    if (reports.size > 0) {
      const now = await this.repository.read();
      await this.publisher.publish({ reports, logs: new Map(), isUrgent: true }, now);
    }
    return { pending: starts.length > 0, lookInMs };
  }

  #failed(run: string, action: string, error: unknown): number {
    this.#deps.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.log.warn({ run, action, reason }, 'action failed; will retry');
    return RETRY_MS;
  }

  /** Where a right is missing nothing begins; what is under way goes on, and is reported. */
  async #loadLedger(nodeOps: ReadonlyMap<string, NodeOp>): Promise<void> {
    const { ledger } = this;
    try {
      await ledger.load();
      // From before there was such a record.
      const begun = [...nodeOps].filter(([, nodeOp]) => !awaitsRecord(nodeOp));
      await ledger.add(new Map(begun.map(([path, { metadata }]) => [path, metadata.uid])));
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      this.#setBlocked(error.message);
    }
  }

  #setBlocked(reason: string | undefined): void {
    if (this.#blocked === reason) return;
    this.#blocked = reason;
    if (reason !== undefined) this.#deps.log.error({ reason, ready: false }, 'no run is started');
    else this.#deps.log.info({}, 'runs are started again');
  }

  /** What was published is on record, and so is what needed no word any more. */
  async #published(
    planned: readonly RunAction[],
    nodeOps: ReadonlyMap<string, NodeOp>,
    snapshot: Snapshot,
  ): Promise<void> {
    this.#hasPublished = true;
    const there = new Set([...nodeOps.values()].map(({ metadata }) => metadata.uid));
    for (const uid of this.#recorded) if (!there.has(uid)) this.#recorded.delete(uid);
    const before = this.#recorded.size;
    for (const { status, metadata } of nodeOps.values()) {
      if (isFinalPhase(status?.phase)) this.#recorded.add(metadata.uid ?? '');
    }
    if (this.#recorded.size > before) this.#deps.onRecord?.();
    const waiting = planned.flatMap((action) => {
      if (action.type !== 'wait') return [];
      const { run, reason, message, until } = action;
      const at =
        until === undefined || until === Infinity
          ? {}
          : { until: new Date(until).toISOString().replace('.000Z', 'Z') };
      return [{ run: run.path, reason, message, ...at }];
    });
    this.#waiting = waiting;
    if (!this.ledger.isLoaded) return;
    const { tip: runs, resultsTip } = snapshot;
    const { baseline = new Set<string>() } = snapshot;
    const passedOver = { passedOver: baseline.size, passedOverRuns: toldOf(baseline) };
    const { heldAt } = this.#holdFile;
    const upTo = (await this.#own?.record()) ?? { results: resultsTip };
    await this.ledger.setHead({
      runs,
      ...upTo,
      waiting,
      waitingCount: waiting.length,
      ...passedOver,
      heldAt,
    });
  }

  /** While Git is away results go on record in the cluster, so that no NodeOp has to be kept for them. */
  async #keepResults(nodeOps: ReadonlyMap<string, NodeOp>): Promise<void> {
    const { ledger } = this;
    if (!ledger.isLoaded) return;
    for (const [path, nodeOp] of nodeOps) {
      const { uid = '', finalizers } = nodeOp.metadata;
      if (!isFinalPhase(nodeOp.status?.phase) || this.#recorded.has(uid)) continue;
      // Before the first look at Git nobody knows of the others whether their end is told.
      if (!this.#hasPublished && finalizers?.includes(FINALIZER) !== true) continue;
      try {
        const run: RunFacts = { path, passedOver: false, judged: false };
        await ledger.keep(path, await this.#reports.ofNodeOp(run, nodeOp));
        this.#recorded.add(uid);
      } catch (error) {
        this.#failed(path, 'keep the result', error);
      }
    }
    this.#deps.onRecord?.();
  }

  #untilMs(time: number): number {
    return Math.min(Math.max(0, time - this.#deps.now().getTime()), MAX_WAIT_MS);
  }

  async #addScheduled(snapshot: Snapshot): Promise<Snapshot> {
    this.#tellBroken(snapshot);
    const { repository } = this;
    const files = await this.#scheduler.due(snapshot, this.#deps.now().getTime());
    if (files.size === 0) return snapshot;
    const runs = [...files.keys()];
    const message = scheduledMessage(runs, this.#deps.config.report.skipCi);
    await repository.push(repository.mirror.runs, files, message);
    this.#deps.log.info({ runs }, 'scheduled runs added');
    return repository.read();
  }

  /** Nobody is answered for a definition or a schedule that cannot be read, so the log says it, once. */
  #tellBroken({ definitions, definitionsKey }: Snapshot): void {
    if (this.#toldBroken === definitionsKey) return;
    this.#toldBroken = definitionsKey;
    for (const { path, result } of definitions) {
      if (result.ok) continue;
      this.#deps.log.warn(
        { path, problems: result.problems.map(formatProblem) },
        'definition cannot be read',
      );
    }
  }
}
