import type { AgentConfig } from '../../api/config.ts';
import { RefusedError } from '../../api/errors.ts';
import { isFinalReport, type NodeOpReport, type ReportPhase } from '../../api/report.ts';
import { durationMs } from '../../api/schema.ts';
import type { Clock, ReportListener } from '../../core/ports.ts';
import { untaken } from '../../core/feedback/status.ts';
import { commitMessage } from '../../core/runs/message.ts';
import { reportPath } from '../../core/runs/paths.ts';
import { writeReport } from '../../core/runs/report.ts';
import { breather, inTurns } from '../../time/breather.ts';
import type { Keep } from '../../core/runs/retention.ts';
import { blobId } from '../../git/blobs.ts';
import type { Logger } from '../logger.ts';
import { folderChanges } from './folder.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

/** Whoever asks how runs ended asks after a few. */
const MAX_PHASES = 10_000;
/** Of the reports that are there at the start. */
const TOLD_FIRST = 50;

/** By path of the run file; logs by path of their own. */
export interface News {
  reports: ReadonlyMap<string, NodeOpReport>;
  logs: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Something waits for it to be on the remote. */
  isUrgent: boolean;
}

export interface PublisherDeps {
  config: AgentConfig['report'];
  repository: TrackedRepository;
  log: Logger;
  clock: Clock;
  now: () => Date;
  onReports?: ReportListener | undefined;
}

/** Commits what changed of the reports, at the start and end of runs at once and in between every interval. */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #intervalMs: number;
  readonly #keep: Keep;
  readonly #phases = new Map<string, ReportPhase>();
  /** On the steady clock: people set the other one. */
  #lastWrite = -Infinity;
  #toldFirst = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    const { interval, keep } = deps.config;
    this.#intervalMs = durationMs(interval);
    this.#keep = { count: keep.count, ageMs: keep.age === undefined ? undefined : durationMs(keep.age) };
  }

  /** Final phases it has published, by path of the run file. */
  get phases(): ReadonlyMap<string, ReportPhase> {
    return this.#phases;
  }

  /** @returns milliseconds until what is held back is due; undefined when nothing is */
  async publish({ reports, logs, isUrgent }: News, snapshot: Snapshot): Promise<number | undefined> {
    const { layout, snapshots: reader } = this.#deps.repository;
    const files = new Map<string, string | undefined>();
    const changed = new Map<string, NodeOpReport>();
    const breathe = breather();
    let urgent = isUrgent;
    for (const [path, report] of reports) {
      const file = reportPath(layout, path);
      const before = snapshot.reports.get(file);
      // oxlint-disable-next-line no-await-in-loop -- one report after the other
      const text = await inTurns(writeReport(report), breathe);
      if (before?.blob === blobId(text, before?.blob.length ?? 0)) continue;
      files.set(file, text);
      changed.set(file, report);
      for (const [log, content] of logs.get(path) ?? []) files.set(log, content);
      urgent ||= !before || isFinalReport(report);
    }
    if (changed.size === 0) return undefined;
    const waitMs = this.#lastWrite + this.#intervalMs - this.#deps.clock.steady();
    if (!urgent && waitMs > 0) return waitMs;
    const now = this.#deps.now().getTime();
    const { picture } = this.#deps.config;
    const rest = await folderChanges(snapshot, changed, { reader, layout, keep: this.#keep, picture, now });
    await this.#commit(new Map([...files, ...rest]), [...changed.values()]);
    return undefined;
  }

  async #commit(
    files: ReadonlyMap<string, string | undefined>,
    reports: readonly NodeOpReport[],
  ): Promise<void> {
    const { config, repository, log, onReports } = this.#deps;
    const message = commitMessage(reports, config.skipCi);
    const commit = await repository
      .push(repository.mirror.results, files, message)
      .catch((error: unknown) => {
        if (error instanceof RefusedError) onReports?.(reports.map((it) => untaken(it, error.message)));
        throw error;
      });
    this.#lastWrite = this.#deps.clock.steady();
    for (const report of reports) {
      const { phase } = report.status;
      if (isFinalReport(report)) this.#phases.set(report.run.path, phase);
      log.info({ run: report.run.path, phase, commit }, 'report committed');
    }
    for (const path of this.#phases.keys()) {
      if (this.#phases.size <= MAX_PHASES) break;
      this.#phases.delete(path);
    }
    onReports?.(reports);
  }

  /** What an earlier process reported last may not have been told everybody. */
  async tellFirst(snapshot: Snapshot): Promise<void> {
    const { repository, onReports } = this.#deps;
    if (this.#toldFirst || !onReports) return;
    const newest = snapshot.newest.all().slice(0, TOLD_FIRST);
    const paths = new Set([...snapshot.unfinished, ...newest.map(([path]) => path)]);
    const reports = await repository.snapshots.reports.whole(snapshot, [...paths]);
    this.#toldFirst = true;
    onReports(reports);
  }
}
