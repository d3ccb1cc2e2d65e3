import type { AgentConfig } from '../../api/config.ts';
import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { formatProblem } from '../../api/schema.ts';
import type { Clock, NodeOpStore, ReportListener, Telemetry } from '../../core/ports.ts';
import { scheduledMessage } from '../../core/runs/message.ts';
import { planRuns, type RunAction } from '../../core/runs/plan.ts';
import type { Logger } from '../logger.ts';
import { RunExecutor } from './actions.ts';
import { Baseline } from './baseline.ts';
import { Copies } from './copies.ts';
import { FactsReader } from './facts.ts';
import { NodeLogs } from './node-logs.ts';
import { Publisher } from './publisher.ts';
import { ReportBuilder } from './reports.ts';
import { Scheduler } from './scheduler.ts';
import type { Snapshot } from './snapshot.ts';
import { TrackedRepository } from './tracked.ts';
import { Trust } from './trust.ts';

export interface ReconcilerDeps {
  config: AgentConfig;
  store: NodeOpStore;
  log: Logger;
  clock: Clock;
  now: () => Date;
  telemetry: Telemetry;
  signal: AbortSignal;
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
  readonly #deps: ReconcilerDeps;
  readonly #baseline: Baseline;
  readonly #scheduler: Scheduler;
  /** Absent where another controller carries out all there is. */
  readonly #copies: Copies | undefined;
  readonly #facts: FactsReader;
  readonly #executor: RunExecutor;
  readonly #nodeLogs: NodeLogs;
  #toldBroken = '';
  #toldProblem = '';

  constructor(deps: ReconcilerDeps) {
    const { config, store, log, clock, now, telemetry, onReports } = deps;
    this.#deps = deps;
    const repository = new TrackedRepository(deps);
    const { mirror, layout, snapshots: reader } = repository;
    const { verify } = config.git;
    const trust = verify && new Trust(mirror, verify, { now, clock });
    const { namespace } = config.kubernetes;
    const { executor } = config.rollout;
    const reports = new ReportBuilder(config, store, mirror);
    this.repository = repository;
    this.publisher = new Publisher({ config: config.report, repository, log, clock, now, onReports });
    this.#baseline = new Baseline(config, repository, log);
    this.#scheduler = new Scheduler({ mirror, reader, layout, trust, logger: log });
    this.#copies = executor === 'agent' ? new Copies({ store, reader, layout, log }) : undefined;
    this.#facts = new FactsReader({ mirror, reader, layout, namespace, executor, trust, logger: log });
    this.#executor = new RunExecutor({ config, layout, store, reports, telemetry, log, clock, now });
    this.#nodeLogs = new NodeLogs(config.report, store, repository);
  }

  /** @param fetch whether to ask the remotes what is new */
  async reconcile(fetch: boolean): Promise<Outcome> {
    try {
      return await this.#look(fetch);
    } catch (error) {
      this.repository.mirror.blame(error);
      throw error;
    }
  }

  async #look(fetch: boolean): Promise<Outcome> {
    const { config, now } = this.#deps;
    const { repository, publisher } = this;
    const isDue = fetch || repository.tip === undefined || repository.rewoundMs === 0;
    const away = isDue ? await repository.fetch() : undefined;
    const { problem, rewoundMs } = repository;
    if (problem !== undefined) {
      this.#tellProblem(problem);
      return { pending: rewoundMs !== undefined, lookInMs: rewoundMs ?? Infinity, problem };
    }
    this.#toldProblem = '';
    const nodeOps = this.#executor.nodeOps();
    let snapshot = await repository.read();
    let trouble = away;
    if (!away) {
      snapshot = await this.#baseline.keep(snapshot, nodeOps);
      try {
        snapshot = await this.#addScheduled(snapshot);
      } catch (error) {
        // The branch of the runs may refuse what the one of the results takes.
        this.#deps.signal.throwIfAborted();
        trouble = error;
      }
      await publisher.tellFirst(snapshot);
    }
    await this.#copies?.refuse(snapshot, nodeOps);
    const facts = await this.#facts.read(snapshot, nodeOps);
    const planned = planRuns(facts, now(), config.runs.maxConcurrent);
    // Nothing begins that cannot be reported, yet people can always stop what is under way.
    const actions = away ? planned.filter(({ type }) => type === 'cancel' || type === 'suspend') : planned;
    const { news, pending, lookInMs } = await this.#act(actions, snapshot);
    const dueMs = await publisher.publish(news, snapshot);
    if (trouble !== undefined) throw trouble;
    return {
      pending: pending || dueMs !== undefined || [...news.reports.values()].some((it) => !isFinalReport(it)),
      lookInMs: Math.min(lookInMs, dueMs ?? Infinity),
    };
  }

  /** Once, however the time goes on that it names. */
  #tellProblem(problem: string): void {
    const told = problem.split(';', 1)[0] ?? '';
    if (this.#toldProblem !== told)
      this.#deps.log.warn({ reason: problem }, 'the branch is not followed now');
    this.#toldProblem = told;
  }

  /** One that fails holds up no other. */
  async #act(actions: readonly RunAction[], snapshot: Snapshot) {
    const reports = new Map<string, NodeOpReport>();
    const logs = new Map<string, ReadonlyMap<string, string>>();
    let pending = false;
    let lookInMs = Infinity;
    for (const action of actions) {
      const { path } = action.run;
      try {
        const report = await this.#executor.apply(action, snapshot);
        if (report) reports.set(path, report);
        if (action.type === 'follow') logs.set(path, await this.#nodeLogs.of(path, action.nodeOp, snapshot));
        // The slot it was given is free again.
        if (action.type === 'create' && report?.status.phase === 'Invalid') lookInMs = 0;
      } catch (error) {
        pending = true;
        const reason = error instanceof Error ? error.message : String(error);
        this.#deps.log.warn({ run: path, action: action.type, reason }, 'action failed; will retry');
        lookInMs = Math.min(lookInMs, RETRY_MS);
      }
      if (action.type !== 'wait') continue;
      if (action.until === undefined) pending = true;
      else lookInMs = Math.min(lookInMs, this.#untilMs(action.until));
    }
    return { news: { reports, logs }, pending, lookInMs };
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
