import type { Amount } from '../../api/amount.ts';
import type { NodeOpSpec } from '../../api/nodeop.ts';

/** What an amount comes to for so many nodes; a share is rounded down. */
export function resolved(amount: Amount, nodes: number): number {
  return typeof amount === 'number' ? amount : Math.floor((nodes * Number.parseInt(amount, 10)) / 100);
}

/** So many nodes may be worked on at the same time: one at least, and without end for 0. */
export function atOnce(concurrency: Amount, nodes: number): number {
  return concurrency === 0 ? Infinity : Math.max(1, resolved(concurrency, nodes));
}

/** What the amounts of a rollout come to, for those that are written as shares; undefined when none is. */
export function amountsOf(
  { concurrency, maxFailures }: { concurrency?: Amount | undefined; maxFailures?: Amount | undefined },
  nodes: number,
): { concurrency?: number; maxFailures?: number } | undefined {
  const amounts = {
    ...(typeof concurrency === 'string' && { concurrency: atOnce(concurrency, nodes) }),
    ...(typeof maxFailures === 'string' && { maxFailures: resolved(maxFailures, nodes) }),
  };
  return Object.keys(amounts).length === 0 ? undefined : amounts;
}

/** So many nodes may fail before no further one of all is started. */
export function tolerated(
  { maxFailures, stopOnFailure }: Pick<NodeOpSpec, 'maxFailures' | 'stopOnFailure'>,
  nodes: number,
): number {
  return resolved(maxFailures ?? (stopOnFailure ? 0 : Infinity), nodes);
}
