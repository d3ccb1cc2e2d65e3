import { ANNOTATION_REFUSED, ANNOTATION_RUN } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import type { NodeOpStore } from '../../core/ports.ts';
import { awaitsRecord, copyProblem } from '../../core/rollout/identity.ts';
import { strayBecause } from '../../core/runs/own.ts';
import { pathOfRunId, type Layout } from '../../core/runs/paths.ts';
import type { Logger } from '../logger.ts';
import type { Ledger } from './ledger.ts';
import { storedReport, type Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

export interface CopiesDeps {
  store: NodeOpStore;
  reader: SnapshotReader;
  ledger: Ledger;
  layout: Layout;
  log: Logger;
}

/** Refuses NodeOps that carry the annotations of a run and are not its own; the controller begins none before. */
export class Copies {
  readonly #deps: CopiesDeps;

  constructor(deps: CopiesDeps) {
    this.#deps = deps;
  }

  /** @param nodeOps the runs' own, by path of the run file; those refused are taken out */
  async refuse(snapshot: Snapshot, nodeOps: Map<string, NodeOp>): Promise<void> {
    const { store, reader, layout } = this.#deps;
    const waiting = store.list().filter(isUndecided);
    const pathOf = (it: NodeOp) => pathOfRunId(layout, it.metadata.annotations?.[ANNOTATION_RUN]);
    await reader.lookUp.runs(
      snapshot,
      waiting.flatMap((it) => pathOf(it) ?? []),
    );
    for (const nodeOp of waiting) {
      const path = pathOf(nodeOp);
      const why = strayBecause(nodeOp, path, this.#onRecord(snapshot, nodeOps, path));
      if (why === undefined) continue;
      if (path !== undefined && nodeOps.get(path)?.metadata.uid === nodeOp.metadata.uid) nodeOps.delete(path);
      await this.#mark(nodeOp, why);
    }
  }

  /** One that cannot be marked begins no more than the others, and is looked at again with the next pass. */
  async #mark({ metadata }: NodeOp, why: string): Promise<void> {
    const { store, log } = this.#deps;
    const { namespace = '', name = '', resourceVersion } = metadata;
    const fields = { nodeOp: `${namespace}/${name}`, reason: why };
    try {
      const annotations = { [ANNOTATION_REFUSED]: why };
      await store.patch(namespace, name, { metadata: { resourceVersion, annotations } });
      log.warn(fields, 'NodeOp is a copy and is refused');
    } catch (error) {
      log.warn({ ...fields, err: String(error) }, 'NodeOp is a copy and could not be marked as refused');
    }
  }

  #onRecord(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>, path: string | undefined) {
    if (path === undefined) return { own: undefined, isOver: false, reportedUid: undefined };
    const { ledger, layout } = this.#deps;
    const stored = storedReport(snapshot, layout, path);
    const begunUid = ledger.isLoaded ? ledger.uidOf(path) : undefined;
    const isPassedOver = snapshot.baseline?.has(path) === true || snapshot.begun.has(path);
    const isOver = isPassedOver || stored?.standing === 'over' || stored?.standing === 'other';
    return { own: nodeOps.get(path), isOver, reportedUid: stored?.report?.nodeOp?.uid ?? begunUid };
  }
}

function isUndecided(nodeOp: NodeOp): boolean {
  const { deletionTimestamp } = nodeOp.metadata;
  const isEnding = deletionTimestamp !== undefined || isFinalPhase(nodeOp.status?.phase);
  return awaitsRecord(nodeOp) && copyProblem(nodeOp) === undefined && !isEnding;
}
