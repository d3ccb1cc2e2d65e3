import { nextTime } from '../api/cron.ts';

/** Longer waits than a timer can hold are cut into several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs `task` on a six-field cron schedule, plus up to `jitterMs` of random delay, never overlapping
 * itself: times that pass while it runs are left out. Returns the way to stop.
 */
export function onSchedule(expression: string, jitterMs: number, task: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const waitUntil = (due: number): void => {
    if (stopped) return;
    const wait = due - Date.now();
    timer = setTimeout(
      () => {
        if (wait > MAX_TIMER_MS) waitUntil(due);
        else void task().finally(plan);
      },
      Math.min(Math.max(0, wait), MAX_TIMER_MS),
    );
  };
  const plan = (): void => {
    const due = nextTime(expression, undefined, Date.now());
    if (due !== undefined) waitUntil(due + Math.random() * jitterMs);
  };
  plan();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
