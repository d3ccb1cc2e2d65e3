import type { Clock } from '../core/ports.ts';

/** How long requests under way may take when the agent is stopped. */
const GRACE_MS = 10_000;

/**
 * Waits for the end of what is under way, and cuts it off when that takes long.
 * @returns whether it ended by itself: what was cut off may still take effect at the server
 */
export async function endOrCut(clock: Clock, end: () => Promise<void>, cut: () => void): Promise<boolean> {
  let isCut = false;
  const cancel = clock.after(GRACE_MS, () => {
    isCut = true;
    cut();
  });
  try {
    await end();
  } finally {
    cancel();
  }
  return !isCut;
}
