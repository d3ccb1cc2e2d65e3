import { z } from 'zod';
import {
  isFinalNodePhase,
  NODE_PHASES,
  NodeStatusSchema,
  type NodeOp,
  type NodeOpStatus,
  type NodeStatus,
} from '../../api/nodeop.ts';
import { type NodeOpReport, type ReportNode } from '../../api/report.ts';
import { StepStatusSchema } from '../../api/steps.ts';
import { jobName } from '../rollout/names.ts';
import { stepOfNamed } from '../rollout/steps/split.ts';

/**
 * A cluster that comes back from a backup of etcd has its NodeOps with their UIDs and statuses of the past: carried on from
 * there, they would do to nodes what was done already. Reports in Git are not part of that backup, so what they say
 * counts where it is further. Of the nodes that were at work nobody can say any more how far they came.
 */

export const HOLD_RESTORED =
  'the cluster was restored from a backup; nodes may be further than is on record: look at them, then take this hold away';

/** Without what only reports tell. */
const ReportedStep = z.object(StepStatusSchema.shape);

const UNKNOWN = 'outcome unknown: the cluster was restored from a backup of before its end';

/** The status with what the report knows better; undefined when it knows nothing of that. */
export function caughtUp(nodeOp: NodeOp, report: NodeOpReport, now: Date): NodeOpStatus | undefined {
  const { status = {} } = nodeOp;
  const { nodes = [], startedAt } = report.status;
  const known = new Map(Object.entries(status.nodeStatuses ?? {}));
  const isFurther = nodes.some((node) => rank(node.phase) > rank(known.get(node.name)?.phase));
  if (report.nodeOp?.uid !== nodeOp.metadata.uid || !isFurther) return undefined;
  const at = now.toISOString();
  const entries = nodes.map((node): [string, NodeStatus] => [
    node.name,
    entryOf(nodeOp, node, known.get(node.name), at),
  ]);
  const steps = z.array(ReportedStep).safeParse(report.status.steps);
  const stepOf = status.stepOf ?? stepOfNamed(nodeOp.spec, new Map(nodes.map((it) => [it.name, it.step])));
  const began = z.iso.datetime().safeParse(startedAt);
  return {
    ...status,
    ...(began.success && { startedAt: began.data }),
    ...(steps.success && { steps: steps.data }),
    ...(stepOf !== undefined && { stepOf }),
    nodeStatuses: Object.fromEntries(entries),
    lastUpdated: at,
  };
}

function entryOf(
  { metadata }: NodeOp,
  node: ReportNode,
  before: NodeStatus | undefined,
  at: string,
): NodeStatus {
  const { name = '', uid = '' } = metadata;
  const { phase = 'Pending' } = before ?? {};
  if (before !== undefined && isFinalNodePhase(phase)) return before;
  // A node on which there was nothing to do has had no Job.
  if (isFinalNodePhase(node.phase))
    return read(node, node.attempts === undefined ? undefined : jobName({ name, uid }, node.name));
  if (node.phase === 'Pending' && phase === 'Pending') return before ?? read(node, undefined);
  const job = before?.jobName ?? jobName({ name, uid }, node.name);
  return { ...read(node, job), phase: 'Failed', message: UNKNOWN, outcomeUnknown: true, finishedAt: at };
}

/** How far a node is; a verdict is final. */
function rank(phase: NodeStatus['phase'] = 'Pending'): number {
  return isFinalNodePhase(phase) ? NODE_PHASES.length : NODE_PHASES.indexOf(phase);
}

/** People may have edited a report: what no status takes is left out. */
function read({ name: _name, step: _step, ...told }: ReportNode, job: string | undefined): NodeStatus {
  const entry = NodeStatusSchema.safeParse({ ...told, ...(job !== undefined && { jobName: job }) });
  return entry.success ? entry.data : { phase: told.phase };
}
