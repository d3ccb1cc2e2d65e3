import { setTimeout as sleep } from 'node:timers/promises';

/** Exponential delay with full jitter's upper half: between 50 % and 100 % of `base × 2^attempt`, capped. */
export function backoffMs(attempt: number, base = 200, cap = 30_000, random = Math.random): number {
  return Math.min(cap, base * 2 ** Math.min(attempt, 20)) * (0.5 + random() / 2);
}

/** Waits, or returns at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
