import type { Logger } from '../logger.ts';

/** An action that failed is tried again after this. */
const RETRY_MS = 2000;

/** Who tells of an action that failed, unless all is being stopped. */
export interface Failures {
  log: Logger;
  signal: AbortSignal;
}

/** @returns after how long it is tried again */
export function willRetry({ log, signal }: Failures, run: string, action: string, error: unknown): number {
  signal.throwIfAborted();
  const reason = error instanceof Error ? error.message : String(error);
  log.warn({ run, action, reason }, 'action failed; will retry');
  return RETRY_MS;
}
