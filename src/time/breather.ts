import { setImmediate as turn } from 'node:timers/promises';
import type { Steps } from '../api/pieces.ts';

/** Others may wait this long, in milliseconds; leases and probes are answered by the same thread. */
const SHIFT_MS = 10;

/**
 * Lets others have their turn when it was one's own for long enough: to be awaited between pieces of work. It goes by what the
 * work really took, so no other clock can stand in.
 */
export function breather(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SHIFT_MS) return;
    await turn();
    since = performance.now();
  };
}

/** Work in steps, after each of which others have their turn. Much work of few steps each needs one `breathe` for all of it. */
export async function inTurns<T>(steps: Steps<T>, breathe = breather()): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    await breathe();
    if (done === true) return value;
  }
}
