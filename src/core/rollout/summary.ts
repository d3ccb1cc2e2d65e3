import type { NodeStatus, Summary } from '../../api/nodeop.ts';
import { countsText, doneText } from '../text/counts.ts';
import { oneLine } from '../text/table.ts';

export function summarise(statuses: readonly NodeStatus[]): Summary {
  const counts = noneCounted();
  for (const status of statuses) count(counts, status, 1);
  return summaryOf(counts);
}

type Counted = Record<Exclude<keyof Summary, 'done'>, number>;

export function noneCounted(): Counted {
  return { total: 0, pending: 0, inFlight: 0, completed: 0, failed: 0, cancelled: 0, skipped: 0 };
}

/** Adds a node to the counts, or takes it away. */
export function count(counts: Counted, { phase, jobName }: NodeStatus, by: 1 | -1): void {
  counts.total += by;
  if (phase === 'Pending') counts.pending += by;
  else if (phase === 'Completed') {
    counts.completed += by;
    if (jobName === undefined) counts.skipped += by;
  } else if (phase === 'Failed') counts.failed += by;
  else if (phase === 'Cancelled') counts.cancelled += by;
  else counts.inFlight += by;
}

export function summaryOf(counts: Counted): Summary {
  return { ...counts, done: doneText(counts) };
}

export type Failure = readonly [node: string, status: NodeStatus];

/** The first node that failed, in the order of their names. */
export function firstFailure(nodeStatuses: Record<string, NodeStatus>): Failure | undefined {
  return Object.entries(nodeStatuses).find(([, { phase }]) => phase === 'Failed');
}

/** `3 of 5 nodes completed, 2 failed: node-3: …`, with the first failure's reason. */
export function outcomeText(summary: Summary, first: Failure | undefined): string {
  const counts = countsText(summary);
  return first ? `${counts}: ${first[0]}: ${oneLine(first[1].message, 256)}` : counts;
}
