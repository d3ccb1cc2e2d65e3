import { ANNOTATION_HOLD } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import type { NodeOpStore } from '../../core/ports.ts';
import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { reportPath, type Layout } from '../../core/runs/paths.ts';
import { caughtUp, HOLD_RESTORED } from '../../core/runs/restored.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

export interface RestoredDeps {
  store: NodeOpStore;
  reader: SnapshotReader;
  layout: Layout;
  log: Logger;
  now: () => Date;
  /** Nobody has led for so long that the cluster may be one of the past. */
  isUntended: boolean;
  /** Whether NodeOps are carried out here, by what their statuses say. */
  carriesOut: boolean;
  /** Told when no status is behind its report any more. */
  onTended: () => void;
}

/**
 * Where the cluster may come from a backup, NodeOps of runs do not go on before their statuses have caught up with their
 * reports, once.
 */
export class Restored {
  readonly #deps: RestoredDeps;
  #isUntended: boolean;

  constructor(deps: RestoredDeps) {
    this.#deps = deps;
    this.#isUntended = deps.isUntended;
  }

  /** Whether what statuses say is not to be acted on yet. */
  get isDue(): boolean {
    return this.#isUntended && this.#deps.carriesOut;
  }

  /**
   * Rejects when a status cannot be written: nothing is reported before, since it would be of the past.
   * @param nodeOps the runs' own, by path of the run file; those that have caught up are replaced
   */
  async catchUp(snapshot: Snapshot, nodeOps: Map<string, NodeOp>): Promise<void> {
    if (!this.#isUntended) return;
    const { reader, layout, carriesOut, onTended } = this.#deps;
    const open = [...nodeOps].filter(([, { status }]) => !isFinalPhase(status?.phase));
    // Whoever works on them goes by a record of its own; an agent that carries them out after it has to compare them.
    if (!carriesOut && open.length > 0) return;
    for (const [path] of open) {
      // oxlint-disable-next-line no-await-in-loop -- a report may be large, and there are few
      const [report] = await reader.reports.whole(snapshot, [reportPath(layout, path)]);
      // oxlint-disable-next-line no-await-in-loop -- one write after the other
      const nodeOp = report && (await this.#compare(nodeOps.get(path), report));
      if (nodeOp) nodeOps.set(path, nodeOp);
    }
    this.#isUntended = false;
    onTended();
  }

  async #compare(known: NodeOp | undefined, report: NodeOpReport): Promise<NodeOp | undefined> {
    const { store, log, now } = this.#deps;
    const { namespace = '', name = '' } = known?.metadata ?? {};
    if (!known || !caughtUp(known, report, now())) return undefined;
    // What is known of it may lag.
    const fresh = await store.get(namespace, name);
    const status = fresh && caughtUp(fresh, report, now());
    if (!status) return fresh;
    log.warn(
      { nodeOp: `${namespace}/${name}` },
      'the cluster was restored from a backup: the report is further than the NodeOp',
    );
    // Whoever is killed between the two leaves it behind its report, and held.
    return store.putStatus(isFinalReport(report) ? fresh : await this.#hold(fresh), status);
  }

  #hold(nodeOp: NodeOp): Promise<NodeOp> {
    const { namespace = '', name = '', annotations, resourceVersion } = nodeOp.metadata;
    const before = annotations?.[ANNOTATION_HOLD];
    const isHeld = before?.startsWith(HOLD_RESTORED) === true;
    const hold = before === undefined || isHeld ? (before ?? HOLD_RESTORED) : `${HOLD_RESTORED}; ${before}`;
    const metadata = { resourceVersion, annotations: { [ANNOTATION_HOLD]: hold } };
    return this.#deps.store.patch(namespace, name, { metadata });
  }
}
