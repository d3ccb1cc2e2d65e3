import { ANNOTATION_RUN } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { awaitsRecord, copyProblem } from '../rollout/identity.ts';
import { pathOfRunId, type Layout } from './paths.ts';

/**
 * Which NodeOp is a run's own. Only the agent makes them, so of several that carry a run's annotations all but one are
 * copies, and so is one whose run is over.
 */

/** This cluster's NodeOps that were made for runs, by path of the run file. */
export function nodeOpsByRun(layout: Layout, nodeOps: readonly NodeOp[]): Map<string, NodeOp> {
  const own = new Map<string, NodeOp>();
  for (const nodeOp of nodeOps) {
    const path = pathOfRunId(layout, nodeOp.metadata.annotations?.[ANNOTATION_RUN]);
    if (path === undefined || copyProblem(nodeOp) !== undefined) continue;
    const other = own.get(path);
    if (other === undefined || comesFirst(nodeOp, other)) own.set(path, nodeOp);
  }
  return own;
}

/** One that was marked as on record, or else the older one: copies come later. */
function comesFirst(a: NodeOp, b: NodeOp): boolean {
  const [isOpenA, isOpenB] = [awaitsRecord(a), awaitsRecord(b)];
  if (isOpenA !== isOpenB) return isOpenB;
  return (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '');
}

/** What is known of the run whose annotations a NodeOp carries. */
export interface RunOnRecord {
  /** The run's own NodeOp, if there is one. */
  own: NodeOp | undefined;
  /** The run has ended, or is passed over. */
  isOver: boolean;
  /** UID of the NodeOp its report tells of. */
  reportedUid: string | undefined;
}

/** Why a NodeOp that waits to be on record is not that of the run it names; undefined when it is. */
export function strayBecause(
  { metadata }: NodeOp,
  path: string | undefined,
  { own, isOver, reportedUid }: RunOnRecord,
): string | undefined {
  if (path === undefined) {
    return `carries the annotations of a run of another cluster, ${metadata.annotations?.[ANNOTATION_RUN]}`;
  }
  if (own !== undefined && own.metadata.uid !== metadata.uid) {
    const { namespace = '', name = '' } = own.metadata;
    return `is a copy of ${namespace}/${name}, the NodeOp of the run ${path}`;
  }
  if (isOver) return `carries the annotations of the run ${path}, which is over`;
  return reportedUid === undefined || reportedUid === metadata.uid
    ? undefined
    : `is a copy of the NodeOp of the run ${path}, which had the UID ${reportedUid}`;
}
