import { schedule } from 'node-cron';
import type { Clock, Timetable } from '../core/ports.ts';
import { systemClock } from './clock.ts';

/** It would write to standard output, which belongs to the log. */
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The clock is looked at this long before each beat, and at least so often. */
const EARLY_MS = 10;
const LOOK_MS = 60_000;
/** A clock that has moved so far against the time that passed was set by somebody. */
const SET_MS = 1_000;

/**
 * Beats of node-cron; this is its only user. It waits for a moment of the wall clock, and after one that was set forward it
 * goes through each moment in between, which takes minutes for a month of quarter minutes. So it begins anew, before the next
 * beat, when the clock was set. A beat that comes late still counts.
 */
export function cronTimetable(clock: Clock = systemClock): Timetable {
  return (expression, jitterMs, task) => {
    // It takes no other white space than we do, but for the blank.
    const job = schedule(expression.trim().split(/\s+/).join(' '), task, {
      timezone: 'UTC',
      noOverlap: true,
      maxRandomDelay: jitterMs,
      missedExecutionTolerance: Infinity,
      suppressMissedWarning: true,
      logger: SILENT,
    });
    let ahead = clock.wall() - clock.steady();
    let cancel = (): void => {};
    const look = (): void => {
      const now = clock.wall() - clock.steady();
      if (Math.abs(now - ahead) > SET_MS) {
        ahead = now;
        void job.stop();
        void job.start();
      }
      const wait = Math.max((job.msToNext() ?? LOOK_MS) - EARLY_MS, 2 * EARLY_MS);
      cancel = clock.after(Math.min(wait, LOOK_MS), look);
    };
    look();
    return () => {
      cancel();
      void job.destroy();
    };
  };
}
