const MINUTE_MS = 60_000;
/** By so much the clocks of agents differ, and so long what was decided may be under way. */
const SLACK_MS = 12_000;

/** A window that opens every so many minutes, and closes again. */
export function windowOf(everyMinutes: number, minutes: number): string {
  return JSON.stringify({ schedule: `*/${everyMinutes} * * * *`, duration: `${minutes}m`, timeZone: 'UTC' });
}

/** Whether no node may be started at that time by the clock, counted here without cron. */
export function isOutside(window: string, now: number): boolean {
  const { schedule, duration } = JSON.parse(window) as { schedule: string; duration: string };
  const every = Number.parseInt(schedule.slice(2), 10) * MINUTE_MS;
  const into = now % every;
  return into > Number.parseInt(duration, 10) * MINUTE_MS + SLACK_MS && into < every - SLACK_MS;
}
