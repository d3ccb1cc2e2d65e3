import type { Clock } from '../../core/ports.ts';
import type { Timers } from './timers.ts';

/** Changes are gathered this long before the next look, so that a burst costs one. */
const GATHER_MS = 20;
/** A wall clock that is set is noticed within this time: windows go by it. */
const LONGEST_WAIT_MS = 60_000;

/** Which NodeOps are to be looked at, by UID, and when. */
export class Looks {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly take: (uids: readonly string[]) => void;
  private readonly dirty = new Set<string>();
  private gather: (() => void) | undefined;
  private started = false;
  private stopped = false;

  /** @param take looks at those; it must not throw */
  constructor(clock: Clock, timers: Timers, take: (uids: readonly string[]) => void) {
    this.clock = clock;
    this.timers = timers;
    this.take = take;
  }

  /** From now on there are looks; the first one at once. */
  start(): void {
    this.started = true;
    this.look();
  }

  stop(): void {
    this.stopped = true;
    this.gather?.();
  }

  mark(uid: string | undefined): void {
    if (uid === undefined || this.stopped) return;
    this.dirty.add(uid);
    if (this.started) this.gather ??= this.clock.after(GATHER_MS, () => this.look());
  }

  /** @param at on the steady clock */
  markAt(uid: string, at: number): void {
    const wait = Math.min(at - this.clock.steady(), LONGEST_WAIT_MS);
    this.timers.set(uid, 'look', wait, () => this.mark(uid));
  }

  /** No look is due. */
  get quiet(): boolean {
    return this.dirty.size === 0 && this.gather === undefined;
  }

  private look(): void {
    this.gather = undefined;
    const due = [...this.dirty];
    this.dirty.clear();
    this.take(due);
  }
}
