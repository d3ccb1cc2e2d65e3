import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConfig } from '../../api/config.ts';
import { InvalidError, TransientError } from '../../api/errors.ts';
import { ANNOTATION_CANCEL, ANNOTATION_RUN } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport, type ReportPhase } from '../../api/report.ts';
import { durationMs, formatProblem, type Problem } from '../../api/schema.ts';
import {
  baselineMessage,
  commitMessage,
  restoredMessage,
  scheduledMessage,
} from '../../core/runs/message.ts';
import { baselinePath, isYaml, reportPath, runId, type Layout } from '../../core/runs/paths.ts';
import type { ReportBrief } from '../../core/runs/brief.ts';
import { newestOf } from '../../core/runs/overview.ts';
import { planRuns, type RunAction, type RunFacts, type Verdict } from '../../core/runs/plan.ts';
import type { Keep } from '../../core/runs/retention.ts';
import { formatBaseline, formatReport } from '../../core/runs/report.ts';
import { localRepository, mirrorOf, type Mirror } from '../../git/mirror.ts';
import { blobId, mergesAfter } from '../../git/read.ts';
import type { Branch } from '../../git/remote.ts';
import { type Files, writeFiles } from '../../git/write.ts';
import type { Logger } from '../logger.ts';
import { NO_TELEMETRY, type NodeOpStore, type Telemetry, type ReportListener } from '../../core/ports.ts';
import { NodeLogs } from './node-logs.ts';
import { folderChanges } from './folder.ts';
import { FactsReader, nodeOpsByRun } from './facts.ts';
import { ReportBuilder } from './reports.ts';
import { Scheduler } from './scheduler.ts';
import { SnapshotReader, type ReadTips, type Snapshot } from './snapshot.ts';
import { onSchedule } from '../schedule.ts';
import { Trust } from './trust.ts';
import { watchFiles } from '../watch-files.ts';

export interface RepositoryDeps {
  config: AgentConfig;
  store: NodeOpStore;
  logger: Logger;
  now?: () => Date;
  telemetry?: Telemetry;
  onReports?: ReportListener;
}

/** What is known of the followed branch; times in epoch milliseconds. */
export interface PollState {
  tip?: string | undefined;
  /** The last fetch without an error. */
  lastPoll?: number | undefined;
  /** What went wrong since. */
  problem?: string | undefined;
}

/** What a pass left behind: whether something is still under way, and how runs ended so far. */
export interface Settled {
  pending: boolean;
  /** Final phases this loop has reported, by path of the run file. */
  phaseByRun: Record<string, ReportPhase>;
}

/** Cluster events come in bursts; one look answers all of a burst. */
const COALESCE_MS = 100;
/** After this a created NodeOp that the cache does not have was deleted. */
const CACHE_LAG_MS = 30_000;
/** Whoever wants to stop a rollout after an outage waits no longer than this. */
const MAX_BACKOFF_MS = 60_000;
/** Of the reports that are there at the start. */
const TOLD_FIRST = 50;
const CANCELLED = {
  agent: 'run is cancelled',
  external: 'nothing is stopped: another controller carries the run out, and only deleting the NodeOp would',
};

/**
 * The loop between the repository and the NodeOps. Each pass looks at the tip and the cluster and does
 * what is missing; it remembers nothing that matters, so it may be killed and started anywhere.
 */
export class RepositoryLoop {
  readonly #config: AgentConfig;
  readonly #store: NodeOpStore;
  readonly #log: Logger;
  readonly #now: () => Date;
  readonly #layout: Layout;
  readonly #mirror: Mirror;
  readonly #snapshots: SnapshotReader;
  readonly #facts: FactsReader;
  readonly #reports: ReportBuilder;
  readonly #nodeLogs: NodeLogs;
  readonly #keep: Keep;
  readonly #scheduler: Scheduler;
  readonly #onReports: ReportListener | undefined;
  readonly #abort = new AbortController();
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  /** Created by us and perhaps not in the cache yet. */
  readonly #created = new Map<string, { nodeOp: NodeOp; at: number }>();
  readonly #phases = new Map<string, ReportPhase>();
  readonly #telemetry: Telemetry;
  /** Runs that wait for their turn, since when. */
  readonly #queued = new Map<string, number>();
  #lastPoll: number | undefined;
  #problem: string | undefined;
  /** As of the last fetch or push; absent while there is no branch to follow. */
  #tips: ReadTips | undefined;
  #sawNoBranch = false;
  /** Not in the history of the results either, or none is kept. */
  #hasNoBaseline: boolean;
  #toldFirst = false;
  #toldBroken = '';
  #pending = true;
  /** This and what is waited for are on the monotonic clock: people set the other one. */
  #lastWrite = -Infinity;
  #failures = 0;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor({
    config,
    store,
    logger,
    now = () => new Date(),
    telemetry = NO_TELEMETRY,
    onReports,
  }: RepositoryDeps) {
    this.#onReports = onReports;
    this.#config = config;
    this.#telemetry = telemetry;
    this.#store = store;
    this.#log = logger.child({ loop: 'repository' });
    this.#now = now;
    this.#hasNoBaseline = config.runs.initial !== 'baseline';
    this.#layout = { ...config.git.paths, cluster: config.cluster };
    this.#mirror = mirrorOf(config.git, this.#abort.signal);
    this.#snapshots = new SnapshotReader(this.#mirror.git, this.#layout);
    const { verify } = config.git;
    const trust = verify && new Trust(this.#mirror, verify);
    this.#facts = new FactsReader({
      mirror: this.#mirror,
      reader: this.#snapshots,
      layout: this.#layout,
      namespace: config.kubernetes.namespace,
      executor: config.rollout.executor,
      trust,
      logger: this.#log,
    });
    this.#reports = new ReportBuilder(config, store, this.#mirror);
    this.#nodeLogs = new NodeLogs(config.report, store, this.#layout);
    this.#scheduler = new Scheduler({ mirror: this.#mirror, layout: this.#layout, trust, logger: this.#log });
    const { count, age } = config.report.keep;
    this.#keep = { count, ageMs: age === undefined ? undefined : durationMs(age) };
  }

  /** Starts polling and watching. The store's cache must be synced. A remote that is away is no error. */
  async start(): Promise<void> {
    const { url, poll } = this.#config.git;
    this.#cleanups.push(this.#store.onChange(() => this.#lookIn(COALESCE_MS)));
    const stopPolling = onSchedule(poll.schedule, durationMs(poll.jitter), async () => {
      if (performance.now() >= this.#notBefore) await this.pollNow();
    });
    this.#cleanups.push(stopPolling);
    const folder = await localRepository(url);
    if (folder !== undefined) {
      const refs = [`${folder}/refs/heads`, `${folder}/packed-refs`];
      this.#cleanups.push(watchFiles(refs, () => void this.pollNow()));
    }
    await this.pollNow();
  }

  /** Stops for good, last started first, and waits for the pass under way (its git command is killed). */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    for (const cleanup of this.#cleanups.toReversed()) await cleanup();
    await this.#queue;
  }

  /** Fetches and looks, after the pass under way. Never rejects; failures are logged and tried again. */
  pollNow(): Promise<void> {
    return this.#enqueue(true);
  }

  /** How the following of the branch goes. */
  state(): PollState {
    return { tip: this.#tips?.runs, lastPoll: this.#lastPoll, problem: this.#problem };
  }

  /** Whether every run is over and reported, as of the last pass. */
  settled(): Settled {
    return { pending: this.#pending, phaseByRun: Object.fromEntries(this.#phases) };
  }

  /** Works until nothing is pending. Runs that wait for their notBefore or window are not waited for. */
  async runOnce(): Promise<Settled> {
    const { signal } = this.#abort;
    this.#cleanups.push(this.#store.onChange(() => this.#lookIn(COALESCE_MS)));
    await this.pollNow();
    while (this.#pending && !signal.aborted) {
      const waitMs = Math.max(250, this.#notBefore - performance.now());
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      await this.#enqueue(this.#failures > 0 || this.#tips === undefined);
    }
    return this.settled();
  }

  /** Looks again that much later, or earlier when somebody else asked for it; not before a backoff is over. */
  #lookIn(ms: number): void {
    const due = Math.max(performance.now() + ms, this.#notBefore);
    if (this.#abort.signal.aborted || (this.#timer !== undefined && this.#due <= due)) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#enqueue(this.#failures > 0);
      },
      Math.max(0, due - performance.now()),
    );
  }

  #enqueue(fetch: boolean): Promise<void> {
    this.#queue = this.#queue.then(() => this.#guardedPass(fetch));
    return this.#queue;
  }

  async #guardedPass(fetch: boolean): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      await this.#pass(fetch);
      if (this.#failures > 0) this.#log.info({ failures: this.#failures }, 'repository is back');
      this.#failures = 0;
      this.#problem = undefined;
      this.#notBefore = 0;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#pending = true;
      const backoff = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** this.#failures++) * (0.5 + Math.random());
      this.#notBefore = performance.now() + backoff;
      this.#lookIn(backoff);
      const reason = error instanceof Error ? error.message : String(error);
      this.#problem = reason;
      this.#log.warn(
        { reason, ready: false, failures: this.#failures, retryInMs: Math.round(backoff) },
        error instanceof InvalidError ? 'repository cannot be used' : 'repository pass failed; will retry',
      );
    }
  }

  async #pass(fetch: boolean): Promise<void> {
    const away = fetch || this.#tips === undefined ? await this.#fetch() : undefined;
    if (this.#tips === undefined) {
      // One that was deleted and comes back holds what it held.
      this.#sawNoBranch ||= !this.#mirror.runs.isGone;
      this.#pending = false;
      this.#log.info({ branch: this.#config.git.branch }, 'the remote has no such branch yet');
      return;
    }
    const nodeOps = this.#nodeOps();
    let snapshot = await this.#read(this.#tips);
    let trouble = away;
    if (!away) {
      if (this.#isFirstContact(snapshot)) snapshot = await this.#writeBaseline(snapshot, nodeOps);
      else if (!snapshot.baseline && !this.#hasNoBaseline) snapshot = await this.#restoreBaseline(snapshot);
      try {
        snapshot = await this.#addScheduled(snapshot);
      } catch (error) {
        // The branch of the runs may refuse what the one of the results takes.
        this.#abort.signal.throwIfAborted();
        trouble = error;
      }
      await this.#tellFirst(snapshot);
    }
    const facts = await this.#facts.read(snapshot, nodeOps);
    const planned = planRuns(facts, this.#now(), this.#config.runs.maxConcurrent);
    // Nothing begins that cannot be reported, yet people can always stop what is under way.
    const actions = away ? planned.filter(({ type }) => type === 'cancel' || type === 'suspend') : planned;
    const reports = new Map<string, NodeOpReport>();
    const logs = new Map<string, ReadonlyMap<string, string>>();
    let waiting = false;
    for (const action of actions) {
      try {
        const report = await this.#apply(action, snapshot);
        if (report) reports.set(action.run.path, report);
        if (action.type === 'follow') {
          logs.set(action.run.path, await this.#nodeLogs.of(action.run.path, action.nodeOp, snapshot));
        }
        // The slot it was given is free again.
        if (action.type === 'create' && report?.status.phase === 'Invalid') this.#lookIn(0);
      } catch (error) {
        waiting = true;
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warn({ run: action.run.path, action: action.type, reason }, 'action failed; will retry');
        this.#lookIn(2000);
      }
      waiting ||= action.type === 'wait' && action.until === undefined;
    }
    const unwritten = await this.#write(reports, logs, snapshot);
    if (trouble !== undefined) throw trouble;
    this.#pending = waiting || unwritten || [...reports.values()].some((it) => !isFinalReport(it));
  }

  /** @returns why the results could not be fetched, when those fetched last will do */
  async #fetch(): Promise<unknown> {
    try {
      const away = await this.#mirror.fetch();
      if (away && !this.#tips) throw away;
      this.#tips = await this.#tipsNow(away ? this.#tips?.results : await this.#mirror.results.tip());
      this.#telemetry.polled(!away);
      if (away) return away;
    } catch (error) {
      this.#telemetry.polled(false);
      throw error;
    }
    this.#lastPoll = Date.now();
    return undefined;
  }

  async #tipsNow(results: string | undefined): Promise<ReadTips | undefined> {
    const runs = await this.#mirror.runs.tip();
    return runs === undefined ? undefined : { runs, results };
  }

  async #read(tips: ReadTips): Promise<Snapshot> {
    try {
      return await this.#snapshots.read(tips);
    } catch (error) {
      // What people broke is as broken in another clone.
      if (error instanceof InvalidError) throw error;
      this.#mirror.markBroken();
      this.#tips = undefined;
      throw error;
    }
  }

  /** The cache, and what was created since it last heard of the cluster. */
  #nodeOps(): Map<string, NodeOp> {
    const listed = nodeOpsByRun(this.#layout, this.#store.list());
    for (const [path, { nodeOp, at }] of this.#created) {
      if (listed.has(path) || performance.now() > at + CACHE_LAG_MS) this.#created.delete(path);
      else listed.set(path, nodeOp);
    }
    return listed;
  }

  #isFirstContact(snapshot: Snapshot): boolean {
    // A README or the like in the folder is nobody's report.
    if (snapshot.baseline || this.#config.runs.initial !== 'baseline') return false;
    for (const path of snapshot.reports.keys()) if (isYaml(path)) return false;
    return true;
  }

  async #writeBaseline(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot> {
    // Files that came after this agent had seen the branch missing were added under its eyes.
    const runs = this.#sawNoBranch ? [] : [...snapshot.runs.keys()].filter((it) => !nodeOps.has(it));
    const { cluster, report } = this.#config;
    const files = new Map([[baselinePath(this.#layout), formatBaseline(runs)]]);
    const message = baselineMessage(runs.length, cluster, report.skipCi);
    const { tips } = await this.#push(this.#mirror.results, files, message);
    const note = 'first contact: run files that are there already are passed over, see the baseline file';
    if (runs.length > 0) this.#log.warn({ runs, baseline: baselinePath(this.#layout) }, note);
    return this.#read(tips);
  }

  /** Without it, runs that are over would begin again. */
  async #restoreBaseline(snapshot: Snapshot): Promise<Snapshot> {
    const removed = await this.#snapshots.removedBaseline(snapshot);
    this.#hasNoBaseline = removed === undefined;
    if (!removed) return snapshot;
    const { cluster, report } = this.#config;
    const file = baselinePath(this.#layout);
    const files = new Map([[file, formatBaseline([...removed])]]);
    const { tips } = await this.#push(
      this.#mirror.results,
      files,
      restoredMessage(file, cluster, report.skipCi),
    );
    this.#log.warn({ baseline: file }, 'the baseline file was removed; it is put back');
    return this.#read(tips);
  }

  /** Nobody is answered for a definition or a schedule that cannot be read, so the log says it, once. */
  #tellBroken({ definitions, definitionsKey }: Snapshot): void {
    if (this.#toldBroken === definitionsKey) return;
    this.#toldBroken = definitionsKey;
    for (const { path, result } of definitions) {
      if (result.ok) continue;
      this.#log.warn({ path, problems: result.problems.map(formatProblem) }, 'definition cannot be read');
    }
  }

  async #addScheduled(snapshot: Snapshot): Promise<Snapshot> {
    this.#tellBroken(snapshot);
    const files = await this.#scheduler.due(snapshot, this.#now().getTime());
    if (files.size === 0) return snapshot;
    const runs = [...files.keys()];
    const message = scheduledMessage(runs, this.#config.report.skipCi);
    const { tips } = await this.#push(this.#mirror.runs, files, message);
    this.#log.info({ runs }, 'scheduled runs added');
    return this.#read(tips);
  }

  async #apply(action: RunAction, snapshot: Snapshot): Promise<NodeOpReport | undefined> {
    const { run } = action;
    const log = this.#log.child({ run: run.path });
    switch (action.type) {
      case 'wait':
        log.debug({ reason: action.reason }, 'run waits');
        if (action.until !== undefined) this.#lookIn(this.#untilMs(action.until));
        if (!this.#queued.has(run.path)) this.#queued.set(run.path, performance.now());
        return undefined;
      case 'create':
        return this.#create(run, action.manifest, snapshot);
      case 'cancel':
        await this.#patch(action.nodeOp, {
          metadata: { annotations: { [ANNOTATION_CANCEL]: action.reason } },
        });
        log.info({ reason: action.reason }, CANCELLED[this.#config.rollout.executor]);
        return undefined;
      case 'suspend':
        await this.#patch(action.nodeOp, { spec: { suspend: action.suspend } });
        log.info({ suspend: action.suspend }, 'suspend of the run changed');
        return undefined;
      case 'follow':
        return this.#reports.ofNodeOp(run, action.nodeOp);
      case 'conclude':
        break;
    }
    return this.#conclude(run, action.verdict, snapshot);
  }

  /** The cache may lag: a NodeOp is called deleted only after asking the API server. */
  async #conclude(run: RunFacts, verdict: Verdict, snapshot: Snapshot): Promise<NodeOpReport> {
    const { namespace, name } = run.report?.nodeOp ?? {};
    if (verdict.phase === 'Cancelled' && namespace !== undefined && name !== undefined) {
      const still = await this.#store.get(namespace, name);
      if (still?.metadata.annotations?.[ANNOTATION_RUN] === runId(this.#layout, run.path)) {
        return this.#reports.ofNodeOp(run, still);
      }
    }
    return this.#reports.ofVerdict(run, verdict, snapshot, this.#now());
  }

  async #create(
    run: RunFacts,
    manifest: Parameters<NodeOpStore['create']>[0],
    snapshot: Snapshot,
  ): Promise<NodeOpReport> {
    const { name = '', namespace = '' } = manifest.metadata;
    const invalid = (reason: string, problems: readonly Problem[]) =>
      this.#reports.ofVerdict(run, { phase: 'Invalid', reason, problems }, snapshot, this.#now());
    let nodeOp: NodeOp | 'exists' | undefined;
    try {
      nodeOp = await this.#store.create(manifest);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      const problems = error.problems.length > 0 ? error.problems : [{ path: [], message: error.message }];
      return invalid('Rejected', problems);
    }
    if (nodeOp === 'exists') nodeOp = await this.#store.get(namespace, name);
    if (!nodeOp) throw new Error(`NodeOp ${namespace}/${name} exists and then did not`);
    if (nodeOp.metadata.annotations?.[ANNOTATION_RUN] !== runId(this.#layout, run.path)) {
      const message = `NodeOp ${namespace}/${name} exists and belongs to somebody else`;
      return invalid('NameClash', [{ path: ['metadata', 'name'], message }]);
    }
    this.#created.set(run.path, { nodeOp, at: performance.now() });
    this.#log.info({ run: run.path, nodeOp: `${namespace}/${name}` }, 'run started');
    const queuedAt = this.#queued.get(run.path);
    this.#telemetry.queued(queuedAt === undefined ? 0 : (performance.now() - queuedAt) / 1000);
    this.#queued.delete(run.path);
    return this.#reports.ofNodeOp(run, nodeOp);
  }

  /** A clock that is set is noticed within the hour. */
  #untilMs(time: number): number {
    return Math.min(Math.max(0, time - this.#now().getTime()), 3_600_000);
  }

  async #patch(nodeOp: NodeOp, patch: object): Promise<void> {
    const { namespace = '', name = '' } = nodeOp.metadata;
    await this.#store.patch(namespace, name, patch);
  }

  /** Pushes what changed, now or when the interval is over. Returns whether something is left for later. */
  async #write(
    reports: ReadonlyMap<string, NodeOpReport>,
    logs: ReadonlyMap<string, ReadonlyMap<string, string>>,
    snapshot: Snapshot,
  ): Promise<boolean> {
    const files = new Map<string, string | undefined>();
    const changed = new Map<string, NodeOpReport>();
    let urgent = false;
    for (const [path, report] of reports) {
      const file = reportPath(this.#layout, path);
      const before = snapshot.reports.get(file);
      const text = formatReport(report);
      if (before?.blob === blobId(text, before?.blob.length ?? 0)) continue;
      files.set(file, text);
      changed.set(file, report);
      for (const [log, content] of logs.get(path) ?? []) files.set(log, content);
      urgent ||= !before || isFinalReport(report);
    }
    if (changed.size === 0) return false;
    const waitMs = this.#lastWrite + durationMs(this.#config.report.interval) - performance.now();
    if (!urgent && waitMs > 0) {
      this.#lookIn(waitMs);
      return true;
    }
    const told = [...changed.values()];
    const rest = folderChanges(snapshot, changed, {
      layout: this.#layout,
      keep: this.#keep,
      now: this.#now().getTime(),
    });
    for (const [path, text] of rest) files.set(path, text);
    const message = commitMessage(told, this.#config.report.skipCi);
    const { commit } = await this.#push(this.#mirror.results, files, message);
    this.#lastWrite = performance.now();
    for (const report of told) {
      const { phase } = report.status;
      if (isFinalReport(report)) this.#phases.set(report.run.path, phase);
      this.#log.info({ run: report.run.path, phase, commit }, 'report committed');
    }
    this.#onReports?.(told);
    return false;
  }

  /** What an earlier process reported last may not have been told everybody. */
  async #tellFirst(snapshot: Snapshot): Promise<void> {
    if (this.#toldFirst || !this.#onReports) return;
    const briefs = [...snapshot.reports].flatMap(([path, { brief }]): [string, ReportBrief][] =>
      brief ? [[path, brief]] : [],
    );
    const paths = new Set([...snapshot.unfinished, ...newestOf(briefs, TOLD_FIRST).map(([path]) => path)]);
    const reports = await this.#snapshots.reports(snapshot, [...paths]);
    this.#toldFirst = true;
    this.#onReports(reports);
  }

  /** Merges after a commit of the branch, oldest first, as far as they can be told. */
  mergesAfter(commit: string): Promise<string[]> {
    const tip = this.#tips?.runs;
    return tip === undefined ? Promise.resolve([]) : mergesAfter(this.#mirror.git, commit, tip);
  }

  async #push(branch: Branch, files: Files, message: string): Promise<{ commit: string; tips: ReadTips }> {
    const { author, signing } = this.#config.git;
    const { signal } = this.#abort;
    const options = { author, signing, now: this.#now, signal, onRetry: this.#telemetry.pushRetried };
    const commit = await writeFiles(branch, files, message, options);
    const tips = await this.#tipsNow(await this.#mirror.results.tip());
    if (!tips) throw new TransientError('the branch is gone from the remote');
    this.#tips = tips;
    return { commit, tips };
  }
}
