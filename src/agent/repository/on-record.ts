import { InvalidError } from '../../api/errors.ts';
import { FINALIZER } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { awaitsRecord } from '../../core/rollout/identity.ts';
import { toldOf, type WaitingRun } from '../../core/runs/ledger.ts';
import { foldersOf, type Layout } from '../../core/runs/paths.ts';
import type { RunAction, RunFacts } from '../../core/runs/plan.ts';
import type { Blocked } from './blocked.ts';
import type { HoldFile } from './hold-file.ts';
import type { Ledger } from './ledger.ts';
import type { Overlooked } from './overlooked.ts';
import type { OwnReports } from './own-reports.ts';
import type { ReportBuilder } from './reports.ts';
import { type Failures, willRetry } from './retry.ts';
import type { Snapshot } from './snapshot.ts';

export interface OnRecordDeps extends Failures {
  ledger: Ledger;
  layout: Layout;
  reports: ReportBuilder;
  holdFile: HoldFile;
  overlooked: Pick<Overlooked, 'texts'>;
  /** Absent where the agent signs nothing. */
  own: OwnReports | undefined;
  blocked: Blocked;
  /** Told whenever `has` says more. */
  onRecord?: (() => void) | undefined;
}

/** What is on record of the runs of this cluster, in Git or in the cluster: nothing of that may get lost. */
export class OnRecord {
  readonly #deps: OnRecordDeps;
  /** UIDs of NodeOps whose result is on record. */
  readonly #recorded = new Set<string>();
  #hasPublished = false;
  #waiting: WaitingRun[] = [];

  constructor(deps: OnRecordDeps) {
    this.#deps = deps;
  }

  /** Whether the NodeOp may go without its result being lost. */
  has(uid: string): boolean {
    return this.#recorded.has(uid);
  }

  /** Runs that wait, as of the last look. */
  get waiting(): readonly WaitingRun[] {
    return this.#waiting;
  }

  /** Where a right is missing nothing begins; what is under way goes on, and is reported. */
  async load(nodeOps: ReadonlyMap<string, NodeOp>): Promise<void> {
    const { ledger, blocked } = this.#deps;
    try {
      await ledger.load();
      // From before there was such a record.
      const begun = [...nodeOps].filter(([, nodeOp]) => !awaitsRecord(nodeOp));
      await ledger.add(new Map(begun.map(([path, { metadata }]) => [path, metadata.uid])));
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      blocked.set(error.message);
    }
  }

  /**
   * What was published is on record, and so is what needed no word any more.
   * @param failed runs of which nothing could be told
   */
  async published(
    planned: readonly RunAction[],
    { nodeOps, failed }: { nodeOps: ReadonlyMap<string, NodeOp>; failed: ReadonlySet<string> },
    snapshot: Snapshot,
  ): Promise<void> {
    const { ledger, onRecord } = this.#deps;
    for (const path of ledger.results.keys()) if (!failed.has(path)) await ledger.drop(path);
    this.#hasPublished = true;
    const told = [...nodeOps].flatMap(([path, nodeOp]) => (failed.has(path) ? [] : [nodeOp]));
    const there = new Set(told.map(({ metadata }) => metadata.uid));
    for (const uid of this.#recorded) if (!there.has(uid)) this.#recorded.delete(uid);
    const before = this.#recorded.size;
    for (const { status, metadata } of told) {
      if (isFinalPhase(status?.phase)) this.#recorded.add(metadata.uid ?? '');
    }
    if (this.#recorded.size > before) onRecord?.();
    this.#waiting = planned.flatMap(waitingRun);
    if (ledger.isLoaded) await this.#setHead(snapshot);
  }

  async #setHead(snapshot: Snapshot): Promise<void> {
    const { ledger, layout, holdFile, overlooked, own } = this.#deps;
    const { tip: runs, resultsTip, baseline = new Set<string>() } = snapshot;
    const waiting = this.#waiting;
    const upTo = (await own?.record()) ?? { results: resultsTip };
    const { heldAt } = holdFile;
    await ledger.setHead({
      runs,
      ...upTo,
      waiting,
      waitingCount: waiting.length,
      passedOver: baseline.size,
      passedOverRuns: toldOf(baseline),
      heldAt,
      folders: foldersOf(layout),
      misnamed: overlooked.texts,
    });
  }

  /** While Git is away results go on record in the cluster, so that no NodeOp has to be kept for them. */
  async keepResults(nodeOps: ReadonlyMap<string, NodeOp>): Promise<void> {
    const { ledger, reports, onRecord } = this.#deps;
    if (!ledger.isLoaded) return;
    for (const [path, nodeOp] of nodeOps) {
      const { uid = '', finalizers } = nodeOp.metadata;
      if (!isFinalPhase(nodeOp.status?.phase) || this.#recorded.has(uid)) continue;
      // Before the first look at Git nobody knows of the others whether their end is told.
      if (!this.#hasPublished && finalizers?.includes(FINALIZER) !== true) continue;
      try {
        const run: RunFacts = { path, passedOver: false, judged: false };
        await ledger.keep(path, await reports.ofNodeOp(run, nodeOp));
        this.#recorded.add(uid);
      } catch (error) {
        willRetry(this.#deps, path, 'keep the result', error);
      }
    }
    onRecord?.();
  }
}

function waitingRun(action: RunAction): WaitingRun[] {
  if (action.type !== 'wait') return [];
  const { run, reason, message, until } = action;
  const at =
    until === undefined || until === Infinity
      ? {}
      : { until: new Date(until).toISOString().replace('.000Z', 'Z') };
  return [{ run: run.path, reason, message, ...at }];
}
