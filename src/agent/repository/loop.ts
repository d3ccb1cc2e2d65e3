import type { AgentConfig } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import { ANNOTATION_RUN } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { ReportPhase } from '../../api/report.ts';
import { durationMs } from '../../api/schema.ts';
import {
  type Clock,
  type Timetable,
  NO_TELEMETRY,
  type NodeOpStore,
  type ReportListener,
  type Telemetry,
} from '../../core/ports.ts';
import type { WaitingRun } from '../../core/runs/ledger.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import { pathOfRunId } from '../../core/runs/paths.ts';
import { localRepository } from '../../git/mirror.ts';
import { mergesAfter } from '../../git/ancestry.ts';
import { pause } from '../../time/backoff.ts';
import { systemClock } from '../../time/clock.ts';
import type { Logger } from '../logger.ts';
import { holdPath } from '../../core/runs/paths.ts';
import { Holds } from '../holds.ts';
import { onSchedule } from '../schedule.ts';
import { watchFiles } from '../watch-files.ts';
import { Reconciler } from './reconciler.ts';

export interface RepositoryDeps {
  config: AgentConfig;
  store: NodeOpStore;
  logger: Logger;
  /** What holds the whole cluster. */
  holds?: Holds;
  clock?: Clock;
  /** The wall clock, where it is not that of `clock`. */
  now?: () => Date;
  telemetry?: Telemetry;
  /** Nobody has led for so long that the cluster may come from a backup. */
  isUntended?: boolean;
  /** Told once NodeOps have been compared with their reports for that, and `mayGoOn` says more. */
  onTended?: () => void;
  /** Told whenever `mayGo` says more. */
  onRecord?: () => void;
  onReports?: ReportListener;
}

/** What is known of the followed branch; times in epoch milliseconds. */
export interface PollState {
  tip?: string | undefined;
  /** The last fetch without an error. */
  lastPoll?: number | undefined;
  /** What went wrong since. */
  problem?: string | undefined;
  /** Why nothing begins in this cluster. */
  blocked?: string;
  /** Runs that wait. */
  waiting?: readonly WaitingRun[];
}

/** What a pass left behind: whether something is still under way, and how runs ended so far. */
export interface Settled {
  pending: boolean;
  /** Why there is nothing to do though there may be runs. */
  problem?: string | undefined;
  /** Final phases this loop has reported, by path of the run file. */
  phaseByRun: Record<string, ReportPhase>;
}

/** Cluster events come in bursts; one look answers all of a burst. */
const COALESCE_MS = 100;
/** Whoever wants to stop a rollout after an outage waits no longer than this. */
const MAX_BACKOFF_MS = 60_000;

/** The loop between the repository and the NodeOps: when to look, and when to look again. */
export class RepositoryLoop {
  readonly #config: AgentConfig;
  readonly #store: NodeOpStore;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #holds: Holds;
  readonly #reconciler: Reconciler;
  readonly #abort = new AbortController();
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  #problem: string | undefined;
  #pending = true;
  #failures = 0;
  /** This and what is waited for are on the steady clock: people set the other one. */
  #notBefore = 0;
  #cancel: (() => void) | undefined;
  #due = 0;
  #queue: Promise<void> = Promise.resolve();
  #passSince: number | undefined;

  constructor({
    config,
    store,
    logger,
    clock = systemClock,
    now = () => new Date(clock.wall()),
    telemetry = NO_TELEMETRY,
    isUntended = false,
    onTended,
    onRecord,
    onReports,
    holds = new Holds(logger, holdPath(config.git.paths)),
  }: RepositoryDeps) {
    this.#config = config;
    this.#store = store;
    this.#clock = clock;
    this.#log = logger.child({ loop: 'repository' });
    this.#holds = holds;
    const { signal } = this.#abort;
    this.#reconciler = new Reconciler({
      config,
      store,
      holds,
      log: this.#log,
      clock,
      now,
      telemetry,
      signal,
      isUntended,
      onTended,
      onRecord,
      onReports,
    });
  }

  /** Starts polling and watching. The store's cache must be synced. A remote that is away is no error. */
  async start(timetable: Timetable): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return;
    const { url, poll } = this.#config.git;
    this.#cleanups.push(this.#store.onChange(() => this.#lookIn(COALESCE_MS)));
    this.#cleanups.push(this.#holds.onChange(() => this.#lookIn(COALESCE_MS)));
    const polled = async () => {
      if (this.#clock.steady() >= this.#notBefore) await this.pollNow();
    };
    const { schedule: expression, jitter } = poll;
    const jitterMs = durationMs(jitter);
    this.#cleanups.push(onSchedule({ expression, jitterMs, timetable, clock: this.#clock }, polled));
    const folder = await localRepository(url);
    if (folder !== undefined && !signal.aborted) {
      const refs = [`${folder}/refs/heads`, `${folder}/packed-refs`];
      this.#cleanups.push(watchFiles(refs, () => void this.pollNow()));
    }
    await this.pollNow();
  }

  /** Stops for good, last started first, and waits for the pass under way (its git command is killed). */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel?.();
    for (const cleanup of this.#cleanups.toReversed()) await cleanup();
    await this.#queue;
  }

  /** Fetches and looks, after the pass under way. Never rejects; failures are logged and tried again. */
  pollNow(): Promise<void> {
    return this.#enqueue(true);
  }

  /** A NodeOp of a run is kept until its result is on record, unless it can be put on record nowhere. A copy has none. */
  mayGo(nodeOp: NodeOp): boolean {
    if (this.#runOf(nodeOp) === undefined || copyProblem(nodeOp) !== undefined) return true;
    if (this.#reconciler.isRecorded(nodeOp.metadata.uid ?? '')) return true;
    // Where only the record in the cluster is missing, Git takes it.
    return this.#reconciler.lacksRecord && this.#problem !== undefined;
  }

  /** One of a run does not go on while the cluster may be further in Git than it remembers. */
  mayGoOn(nodeOp: NodeOp): boolean {
    return !this.#reconciler.mayBeRestored || this.#runOf(nodeOp) === undefined;
  }

  /** Path of the run file, when it is one of this repository. */
  #runOf({ metadata }: NodeOp): string | undefined {
    return pathOfRunId(this.#reconciler.repository.layout, metadata.annotations?.[ANNOTATION_RUN]);
  }

  /** How the following of the branch goes. */
  state(): PollState {
    const { tip, lastFetch } = this.#reconciler.repository;
    const { blocked, waiting } = this.#reconciler;
    return {
      tip,
      lastPoll: lastFetch,
      problem: this.#problem,
      waiting,
      ...(blocked !== undefined && { blocked }),
    };
  }

  /** Whether every run is over and reported, as of the last pass. */
  settled(): Settled {
    const phaseByRun = Object.fromEntries(this.#reconciler.publisher.phases);
    return { pending: this.#pending, problem: this.#problem, phaseByRun };
  }

  /** Works until nothing is pending. Runs that wait for their notBefore or window are not waited for. */
  async runOnce(): Promise<Settled> {
    const { signal } = this.#abort;
    this.#cleanups.push(this.#store.onChange(() => this.#lookIn(COALESCE_MS)));
    this.#cleanups.push(this.#holds.onChange(() => this.#lookIn(COALESCE_MS)));
    await this.pollNow();
    while (this.#pending && !signal.aborted && this.#reconciler.blocked === undefined) {
      const waitMs = Math.max(250, this.#notBefore - this.#clock.steady());
      await pause(this.#clock, waitMs, signal);
      await this.#enqueue(this.#failures > 0);
    }
    return this.settled();
  }

  /** Looks again that much later, or earlier when somebody else asked for it; not before a backoff is over. */
  #lookIn(ms: number): void {
    const due = Math.max(this.#clock.steady() + ms, this.#notBefore);
    if (this.#abort.signal.aborted || (this.#cancel !== undefined && this.#due <= due)) return;
    this.#cancel?.();
    this.#due = due;
    this.#cancel = this.#clock.after(due - this.#clock.steady(), () => {
      this.#cancel = undefined;
      void this.#enqueue(this.#failures > 0);
    });
  }

  #enqueue(fetch: boolean): Promise<void> {
    this.#queue = this.#queue.then(() => this.#pass(fetch));
    return this.#queue;
  }

  async #pass(fetch: boolean): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#passSince = this.#clock.steady();
    try {
      const { pending, lookInMs, problem } = await this.#reconciler.reconcile(fetch);
      this.#pending = pending;
      if (this.#failures > 0) this.#log.info({ failures: this.#failures }, 'repository is back');
      this.#failures = 0;
      this.#problem = problem;
      this.#notBefore = 0;
      if (lookInMs < Infinity) this.#lookIn(lookInMs);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#pending = true;
      const backoff = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** this.#failures++) * (0.5 + this.#clock.random());
      this.#notBefore = this.#clock.steady() + backoff;
      this.#lookIn(backoff);
      const reason = error instanceof Error ? error.message : String(error);
      this.#problem = reason;
      this.#log.warn(
        { reason, ready: false, failures: this.#failures, retryInMs: Math.round(backoff) },
        error instanceof InvalidError ? 'repository cannot be used' : 'repository pass failed; will retry',
      );
    } finally {
      this.#holds.giveUp();
      this.#passSince = undefined;
    }
  }

  /** Since when a pass is under way, on the steady clock. */
  get passSince(): number | undefined {
    return this.#passSince;
  }

  /** Merges after a commit of the branch, oldest first, as far as they can be told. */
  async mergesAfter(commit: string): Promise<string[]> {
    const { tip, mirror } = this.#reconciler.repository;
    return tip === undefined ? [] : mergesAfter(mirror.git, commit, tip);
  }
}
