import { isFinalNodePhase } from '../../api/nodeop.ts';
import type { NodeOpReport, ReportNode } from '../../api/report.ts';

type ReportStatus = NodeOpReport['status'];

/** Whether a node was being worked on when its NodeOp was last heard of. */
export function wasInFlight({ phase }: ReportNode): boolean {
  return phase !== 'Pending' && !isFinalNodePhase(phase);
}

/**
 * The nodes of a report whose NodeOp is gone for good, so that nobody says any more what became of them. A report that is
 * final names no node as being worked on.
 */
export function withoutInFlight(status: ReportStatus): ReportStatus {
  if (status.nodes === undefined) return status;
  const nodes = status.nodes.map(settled);
  const summary: Record<string, number> = { ...status.summary, pending: 0, inFlight: 0 };
  for (const phase of ['Completed', 'Failed', 'Cancelled']) {
    summary[phase.toLowerCase()] = nodes.filter((node) => node.phase === phase).length;
  }
  return { ...status, ...(status.summary ? { summary } : {}), nodes };
}

function settled(node: ReportNode): ReportNode {
  if (node.phase === 'Pending')
    return { ...node, phase: 'Cancelled', message: 'Cancelled: the NodeOp was deleted' };
  if (!wasInFlight(node)) return node;
  const message = `outcome unknown: the NodeOp was deleted while the node was ${node.phase}`;
  return { ...node, phase: 'Failed', message };
}
