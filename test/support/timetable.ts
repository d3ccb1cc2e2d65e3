import { nextTime } from '../../src/api/cron.ts';
import type { Clock, Timetable } from '../../src/core/ports.ts';

/** Beats on any clock. Like the real one it waits for a moment of the wall clock as that stood when the wait began. */
export function timetableOn(clock: Clock): Timetable {
  return (expression, jitterMs, task) => {
    let cancel = (): void => {};
    let stopped = false;
    const waitUntil = (due: number): void => {
      if (stopped) return;
      cancel = clock.after(due - clock.wall(), () => {
        if (clock.wall() < due) waitUntil(due);
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
  };
}
