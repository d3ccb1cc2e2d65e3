import { nextTime } from '../api/cron.ts';
import type { Clock, Timetable } from '../core/ports.ts';

const DAY_MS = 86_400_000;

export interface Schedule {
  /** Cron with seconds. */
  expression: string;
  /** Up to so much random delay is added. */
  jitterMs: number;
  timetable: Timetable;
  clock: Clock;
}

/**
 * Runs `task` on a schedule, never overlapping itself: times that pass while it runs are left out. A timetable waits for moments
 * of the wall clock, which somebody may have set back: when nothing ran for twice the usual gap, by the time that really
 * passed, it runs nevertheless. Returns the way to stop.
 */
export function onSchedule(
  { expression, jitterMs, timetable, clock }: Schedule,
  task: () => Promise<void>,
): () => void {
  let cancel = (): void => {};
  let running = false;
  let stopped = false;
  const watch = (): void => {
    cancel();
    if (!stopped) cancel = clock.after(2 * usualGap(expression, clock.wall()) + jitterMs, () => void run());
  };
  const run = async (): Promise<void> => {
    if (running || stopped) return;
    running = true;
    cancel();
    try {
      await task();
    } finally {
      running = false;
      watch();
    }
  };
  watch();
  const stop = timetable(expression, jitterMs, run);
  return () => {
    stopped = true;
    stop();
    cancel();
  };
}

/** From now to the next time or from that one to the one after it, whichever is longer. */
function usualGap(expression: string, now: number): number {
  const next = nextTime(expression, undefined, now) ?? now + DAY_MS;
  return Math.max(next - now, (nextTime(expression, undefined, next) ?? next) - next);
}
