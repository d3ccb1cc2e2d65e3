import { nextTime } from '../api/cron.ts';
import { type Window, WindowSchema } from '../api/nodeoprun.ts';
import { check, durationMs, formatProblem } from '../api/schema.ts';

/** A window that is closed: why nothing starts, and when it opens (epoch milliseconds), if it ever does. */
export interface Closed {
  reason: string;
  opensAt: number | undefined;
}

/**
 * Undefined while the window is open at `now` (epoch milliseconds): from each time of its schedule on, for as long as its
 * duration. The duration is time that passes, so an overnight window closes an hour later or earlier by the clock
 * when daylight saving changes within it. Only looking forward from one duration ago finds windows that
 * began on an earlier day.
 */
export function closed({ schedule, duration, timeZone }: Window, now: number): Closed | undefined {
  const opened = nextTime(schedule, timeZone, now - durationMs(duration));
  if (opened !== undefined && opened <= now) return undefined;
  if (opened === undefined) return { reason: 'the window never opens again', opensAt: undefined };
  return { reason: `waiting for the window, opens at ${local(opened, timeZone)}`, opensAt: opened };
}

/** More openings are not looked for: a window that opens that often is never closed for long. */
const MOST_OPENINGS = 200;

/** When it was closed between two times, in their order. */
export function closedBetween({ schedule, duration, timeZone }: Window, from: number, to: number): Stretch[] {
  const lasts = durationMs(duration);
  const stretches: Stretch[] = [];
  for (let at = from, openings = 0; at < to && openings < MOST_OPENINGS; openings++) {
    const opened = nextTime(schedule, timeZone, at - lasts) ?? Infinity;
    if (opened > at) stretches.push({ from: at, to: Math.min(opened, to) });
    at = opened + lasts;
  }
  return stretches;
}

interface Stretch {
  from: number;
  to: number;
}

/** That of the annotation of a NodeOp, or what is wrong with it. */
export function readWindow(annotation: string) {
  return check(WindowSchema, parsed(annotation));
}

/** `closed` of the annotation of a NodeOp. One that cannot be read keeps closed: it was meant to hold something back. */
export function closedBecause(annotation: string | undefined, now: number): Closed | undefined {
  if (annotation === undefined) return undefined;
  const read = readWindow(annotation);
  if (read.ok) return closed(read.value, now);
  const problems = read.problems.map(formatProblem).join('; ');
  return { reason: `the window in the annotation is not valid: ${problems}`, opensAt: undefined };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** `2026-10-25T02:30+02:00 (Europe/Berlin)`: by the clock people wrote the window for. */
function local(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find((it) => it.type === 'timeZoneName')
    ?.value.replace('GMT', '');
  return `${parts.format(at).replace(' ', 'T')}${timeZone === 'UTC' ? 'Z' : offset} (${timeZone})`;
}
