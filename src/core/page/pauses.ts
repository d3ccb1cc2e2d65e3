import type { Pause } from '../../api/page.ts';

/** Times of a node in a rollout, epoch milliseconds. */
export interface Span {
  from: number;
  /** Absent while it goes on. */
  to?: number | undefined;
}

/** What is known to have been waited for in a stretch of time. */
export interface Wait extends Span {
  text: string;
}

/** A shorter one is only the time between two nodes. */
const SHORTEST_MS = 60_000;

/**
 * The stretches in which no node was worked on, each with what was waited for, as far as that is known.
 * @param end when the rollout was over; undefined while it goes on
 */
export function pausesOf(
  spans: readonly Span[],
  waits: readonly Wait[],
  { began, end, now }: { began: number; end: number | undefined; now: string | undefined },
): Pause[] {
  const pauses: Pause[] = [];
  let busyUntil = began;
  const take = (to: number | undefined) => {
    if (to !== undefined && to - busyUntil < SHORTEST_MS) return;
    const text =
      said(waits, busyUntil, to) ?? (to === undefined ? now : undefined) ?? 'no node was in flight';
    pauses.push({ from: busyUntil, text, ...(to !== undefined && { to }) });
  };
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > busyUntil) take(from);
    // From here on it is worked on it until now.
    if (to === undefined) return pauses;
    busyUntil = Math.max(busyUntil, to);
  }
  if (end === undefined || end > busyUntil) take(end);
  return pauses;
}

/** That which took most of it. */
function said(waits: readonly Wait[], from: number, to = Infinity): string | undefined {
  const shares = waits.map((it) => ({
    text: it.text,
    share: Math.min(to, it.to ?? Infinity) - Math.max(from, it.from),
  }));
  const [most] = shares.filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
  return most?.text;
}
