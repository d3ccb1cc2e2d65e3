import { isFinalNodePhase, isFinalPhase, type NodeOpStatus } from '../../api/nodeop.ts';
import { told } from './conditions.ts';
import { stampUp } from './node-status.ts';

/** Why a NodeOp is not carried out at all. */
export interface Refusal {
  reason: 'InvalidSpec' | 'Copied' | 'NotAdopted' | 'TooManyNodes';
  message: string;
}

/**
 * The status of a NodeOp that is refused: nothing is done. What a copy brought along of an end is left as a record; of
 * a rollout that went on, nothing: the nodes it names are none that it works on.
 */
export function refused(
  before: NodeOpStatus,
  { reason, message: text }: Refusal,
  generation: number,
  now: number,
): NodeOpStatus {
  if (saysRefused(before, reason) && before.observedGeneration === generation) return before;
  const stamp = stampUp(now);
  const message = told(text);
  const common = { reason, message, lastTransitionTime: stamp };
  const isOver = isFinalPhase(before.phase) && unfinished(before) === 0;
  // An end that is on record stands: a later version may have carried out what this one cannot read.
  if (isOver && reason !== 'Copied' && !saysRefused(before, reason)) return before;
  const isRecord = isOver && reason === 'Copied';
  const { nodeStatuses: _, summary: __, startedAt: ___, ...whole } = before;
  return {
    ...(reason === 'Copied' && !isRecord ? whole : before),
    phase: isRecord ? before.phase : 'Failed',
    observedGeneration: generation,
    conditions: [
      { type: 'Ready', status: 'False', ...common },
      { type: 'Reconciling', status: 'False', ...common },
      { type: 'Stalled', status: 'True', ...common },
    ],
    completedAt: isRecord ? (before.completedAt ?? stamp) : stamp,
    lastUpdated: stamp,
  };
}

/** Whether a status says all there is to say of a NodeOp that is refused; a backup tool may write its own over it. */
export function saysRefused(status: NodeOpStatus, reason: Refusal['reason']): boolean {
  const stalled = status.conditions?.find(({ type }) => type === 'Stalled');
  if (stalled?.reason !== reason || !isFinalPhase(status.phase)) return false;
  return reason !== 'Copied' || unfinished(status) === 0;
}

function unfinished({ nodeStatuses = {} }: NodeOpStatus): number {
  return Object.values(nodeStatuses).filter(({ phase }) => !isFinalNodePhase(phase)).length;
}

/** The status of a NodeOp that is not begun yet; `stalled` when somebody has to do something about that. */
export function held(
  before: NodeOpStatus,
  { reason, message: text, stalled }: { reason: string; message: string; stalled: boolean },
  generation: number,
  now: number,
): NodeOpStatus {
  const message = told(text);
  const known = before.conditions?.find(({ type }) => type === 'Ready')?.message;
  if (before.phase === 'Pending' && known === message && before.observedGeneration === generation)
    return before;
  const stamp = stampUp(now);
  const common = { reason, message, lastTransitionTime: stamp };
  return {
    ...before,
    phase: 'Pending',
    observedGeneration: generation,
    conditions: [
      { type: 'Ready', status: 'False', ...common },
      { type: 'Reconciling', status: stalled ? 'False' : 'True', ...common },
      { type: 'Stalled', status: stalled ? 'True' : 'False', ...common },
    ],
    lastUpdated: stamp,
  };
}
