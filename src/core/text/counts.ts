/** How many nodes of a rollout came to what; a field that is missing counts as none. */
export interface Counts {
  total?: number;
  pending?: number;
  inFlight?: number;
  completed?: number;
  /** Of those that completed: there was nothing to do. */
  skipped?: number | undefined;
  failed?: number;
  cancelled?: number;
}

/** `1 node`, `5 nodes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `3 of 5 nodes completed (1 skipped), 1 failed, 1 left`: the one way a rollout's nodes are counted in words. */
export function countsText(counts: Counts): string {
  const { total = 0, completed = 0, skipped = 0, failed = 0, cancelled = 0 } = counts;
  const left = (counts.pending ?? 0) + (counts.inFlight ?? 0);
  const parts = [
    `${completed} of ${counted(total, 'node')} completed${skipped > 0 ? ` (${skipped} skipped)` : ''}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(left > 0 ? [`${left} left`] : []),
  ];
  return parts.join(', ');
}

/** `3/5`: the same for columns. Nodes that failed or were cancelled are not done. */
export function doneText({ total = 0, completed = 0 }: Counts): string {
  return `${completed}/${total}`;
}
