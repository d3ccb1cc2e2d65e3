import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import type { RunAction } from '../../core/runs/plan.ts';
import type { RunExecutor, Start } from './actions.ts';
import type { NodeLogs } from './node-logs.ts';
import type { Publisher } from './publisher.ts';
import { type Failures, willRetry } from './retry.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';
import { breather } from '../../time/breather.ts';

export interface CarryOutDeps extends Failures {
  executor: RunExecutor;
  nodeLogs: NodeLogs;
  publisher: Publisher;
  repository: TrackedRepository;
  now: () => Date;
}

/** What came of actions. */
export interface Acted {
  news: { reports: Map<string, NodeOpReport>; logs: Map<string, ReadonlyMap<string, string>> };
  /** Those that are announced, and begin once that is on the remote. */
  starts: Start[];
  /** Runs whose action failed. */
  failed: Set<string>;
  pending: boolean;
  lookInMs: number;
}

/** A clock that is set is noticed within this time. */
const MAX_WAIT_MS = 3_600_000;

/** Carries out what was decided about runs, one after the other; one that fails holds up no other. */
export class CarryOut {
  readonly #deps: CarryOutDeps;

  constructor(deps: CarryOutDeps) {
    this.#deps = deps;
  }

  /** Everything but the starts, which are announced only. */
  async act(actions: readonly RunAction[], snapshot: Snapshot): Promise<Acted> {
    const news = {
      reports: new Map<string, NodeOpReport>(),
      logs: new Map<string, ReadonlyMap<string, string>>(),
    };
    const acted: Acted = { news, starts: [], failed: new Set(), pending: false, lookInMs: Infinity };
    const breathe = breather();
    for (const action of actions) {
      const { path } = action.run;
      await breathe();
      try {
        await this.#one(action, snapshot, acted);
      } catch (error) {
        acted.pending = true;
        acted.failed.add(path);
        acted.lookInMs = Math.min(acted.lookInMs, willRetry(this.#deps, path, action.type, error));
      }
    }
    for (const action of actions) {
      if (action.type !== 'wait') continue;
      if (action.until === undefined) acted.pending = true;
      acted.lookInMs = Math.min(acted.lookInMs, action.inMs ?? this.#untilMs(action.until ?? Infinity));
    }
    return acted;
  }

  async #one(action: RunAction, snapshot: Snapshot, acted: Acted): Promise<void> {
    const { executor, nodeLogs } = this.#deps;
    const { reports, logs } = acted.news;
    const { path } = action.run;
    if (action.type === 'create') {
      const announced = executor.announce(action, snapshot);
      if (announced) reports.set(path, announced);
      acted.starts.push(action);
      return;
    }
    const report = await executor.apply(action, snapshot);
    if (report) reports.set(path, report);
    if (action.type !== 'follow') return;
    logs.set(path, await nodeLogs.of(path, action.nodeOp, snapshot));
    acted.pending ||= report !== undefined && !isFinalReport(report);
  }

  /** What is announced on the remote begins. */
  async begin(starts: readonly Start[], snapshot: Snapshot): Promise<{ pending: boolean; lookInMs: number }> {
    const { executor, publisher, repository } = this.#deps;
    const reports = new Map<string, NodeOpReport>();
    let lookInMs = Infinity;
    for (const start of starts) {
      const { path } = start.run;
      try {
        const report = await executor.begin(start, snapshot);
        // The slot it was given is free again.
        if (report) lookInMs = 0;
        if (report) reports.set(path, report);
      } catch (error) {
        lookInMs = Math.min(lookInMs, willRetry(this.#deps, path, 'create', error));
      }
    }
    if (reports.size > 0) {
      const now = await repository.read();
      await publisher.publish({ reports, logs: new Map(), isUrgent: true }, now);
    }
    return { pending: starts.length > 0, lookInMs };
  }

  #untilMs(time: number): number {
    return Math.min(Math.max(0, time - this.#deps.now().getTime()), MAX_WAIT_MS);
  }
}
