import { nextTime } from '../api/cron.ts';
import type { Clock } from '../core/ports.ts';
import { systemClock } from '../time/clock.ts';

/** A clock that is set is noticed within this time. */
const LONGEST_MS = 60_000;

/**
 * Runs `task` on a six-field cron schedule, plus up to `jitterMs` of random delay, never overlapping
 * itself: times that pass while it runs are left out. Returns the way to stop.
 */
export function onSchedule(
  expression: string,
  jitterMs: number,
  task: () => Promise<void>,
  clock: Clock = systemClock,
): () => void {
  let cancel = (): void => {};
  let stopped = false;
  const waitUntil = (due: number): void => {
    if (stopped) return;
    const wait = due - clock.wall();
    cancel = clock.after(Math.min(wait, LONGEST_MS), () => {
      if (wait > LONGEST_MS) waitUntil(due);
      else void task().finally(plan);
    });
  };
  const plan = (): void => {
    const due = nextTime(expression, undefined, clock.wall());
    if (due !== undefined) waitUntil(due + clock.random() * jitterMs);
  };
  plan();
  return () => {
    stopped = true;
    cancel();
  };
}
