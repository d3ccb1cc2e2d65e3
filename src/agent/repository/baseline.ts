import type { AgentConfig } from '../../api/config.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { baselineMessage, restoredMessage } from '../../core/runs/message.ts';
import { baselinePath, isYaml } from '../../core/runs/paths.ts';
import { formatBaseline } from '../../core/runs/report.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

/** Keeps the record of run files that are passed over, where `runs.initial` asks for one. */
export class Baseline {
  readonly #config: AgentConfig;
  readonly #repository: TrackedRepository;
  readonly #log: Logger;
  readonly #file: string;
  /** The history of the results has none either. */
  #neverWas = false;

  constructor(config: AgentConfig, repository: TrackedRepository, log: Logger) {
    this.#config = config;
    this.#repository = repository;
    this.#log = log;
    this.#file = baselinePath(repository.layout);
  }

  /** Writes it at first contact, and puts it back when people removed it. */
  async keep(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot> {
    if (snapshot.baseline || this.#config.runs.initial !== 'baseline') return snapshot;
    if (isFirstContact(snapshot)) return this.#begin(snapshot, nodeOps);
    return this.#neverWas ? snapshot : this.#restore(snapshot);
  }

  async #begin(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot> {
    const { cluster, report } = this.#config;
    // Files that came after this agent had seen the branch missing were added under its eyes.
    const { sawNoBranch } = this.#repository;
    const runs = sawNoBranch ? [] : (await this.#allRuns(snapshot)).filter((it) => !nodeOps.has(it));
    const next = await this.#write(runs, baselineMessage(runs.length, cluster, report.skipCi));
    const note = 'first contact: run files that are there already are passed over, see the baseline file';
    if (runs.length > 0) this.#log.warn({ runs, baseline: this.#file }, note);
    return next;
  }

  async #allRuns(snapshot: Snapshot): Promise<string[]> {
    await this.#repository.snapshots.complete(snapshot);
    return [...snapshot.runs.present()].map(([path]) => path);
  }

  /** Without it, runs that are over would begin again. */
  async #restore(snapshot: Snapshot): Promise<Snapshot> {
    const removed = await this.#repository.snapshots.removedBaseline(snapshot);
    this.#neverWas = removed === undefined;
    if (!removed) return snapshot;
    const { cluster, report } = this.#config;
    const next = await this.#write([...removed], restoredMessage(this.#file, cluster, report.skipCi));
    this.#log.warn({ baseline: this.#file }, 'the baseline file was removed; it is put back');
    return next;
  }

  async #write(runs: readonly string[], message: string): Promise<Snapshot> {
    const files = new Map([[this.#file, formatBaseline(runs)]]);
    await this.#repository.push(this.#repository.mirror.results, files, message);
    return this.#repository.read();
  }
}

function isFirstContact({ over, reports }: Snapshot): boolean {
  if (over > 0) return false;
  // A README or the like in the folder is nobody's report.
  for (const [path] of reports.present()) if (isYaml(path)) return false;
  return true;
}
