import type { Clock } from '../core/ports.ts';

/** What a server may ask to be left alone for: one that says more is asked again after this. */
export const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Exponential delay with full jitter's upper half: between 50 % and 100 % of `base × 2^attempt`, capped. */
export function backoffMs(clock: Clock, attempt: number, base = 200, cap = 30_000): number {
  return Math.min(cap, base * 2 ** Math.min(attempt, 20)) * (0.5 + clock.random() / 2);
}

/** Waits, or returns at once when the signal is aborted. */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const stop = () => resolve();
  signal?.addEventListener('abort', stop);
  await promise;
  cancel();
  signal?.removeEventListener('abort', stop);
}
