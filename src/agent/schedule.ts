import { schedule } from 'node-cron';

/**
 * Runs `task` on a six-field cron schedule, plus up to `jitterMs` of random delay, never overlapping
 * itself. The only importer of node-cron. Returns the way to stop.
 */
export function onSchedule(expression: string, jitterMs: number, task: () => Promise<void>): () => void {
  const job = schedule(expression, task, {
    noOverlap: true,
    maxRandomDelay: jitterMs,
    suppressMissedWarning: true,
  });
  return () => void job.destroy();
}
