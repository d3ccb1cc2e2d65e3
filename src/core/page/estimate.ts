import { isFinalNodePhase, type NodeOpStatus } from '../../api/nodeop.ts';
import { ms } from './facts.ts';

/**
 * When a rollout will be over if it goes on at its pace so far, as of the last node that was finished: epoch milliseconds. It
 * says something new only when a node is finished.
 */
export function estimateOf({ startedAt, completedAt, nodeStatuses = {} }: NodeOpStatus): number | undefined {
  const began = ms(startedAt);
  if (began === undefined || completedAt !== undefined) return undefined;
  let finished = 0;
  let left = 0;
  let last = began;
  for (const { phase, finishedAt } of Object.values(nodeStatuses)) {
    if (!isFinalNodePhase(phase)) left += 1;
    else if (phase !== 'Cancelled') {
      finished += 1;
      last = Math.max(last, ms(finishedAt) ?? began);
    }
  }
  if (finished === 0 || left === 0 || last === began) return undefined;
  return Math.round(last + ((last - began) / finished) * left);
}
