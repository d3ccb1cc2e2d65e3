import type { Clock } from '../../core/ports.ts';

/** What is to happen later, by NodeOp and purpose: a new time replaces the old one, and what is over is forgotten. */
export class Timers {
  private readonly clock: Clock;
  private stopped = false;
  private readonly byOwner = new Map<string, Map<string, () => void>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  has(owner: string, purpose: string): boolean {
    return this.byOwner.get(owner)?.has(purpose) === true;
  }

  set(owner: string, purpose: string, ms: number, call: () => void): void {
    if (this.stopped) return;
    this.byOwner.get(owner)?.get(purpose)?.();
    const cancel = this.clock.after(ms, () => {
      this.drop(owner, purpose);
      call();
    });
    const own = this.byOwner.get(owner) ?? new Map<string, () => void>();
    this.byOwner.set(owner, own.set(purpose, cancel));
  }

  forget(owner: string): void {
    for (const cancel of this.byOwner.get(owner)?.values() ?? []) cancel();
    this.byOwner.delete(owner);
  }

  /** For good. */
  stop(): void {
    this.stopped = true;
    for (const owner of this.byOwner.keys()) this.forget(owner);
  }

  /** How many there are. */
  get size(): number {
    let size = 0;
    for (const own of this.byOwner.values()) size += own.size;
    return size;
  }

  private drop(owner: string, purpose: string): void {
    const own = this.byOwner.get(owner);
    own?.delete(purpose);
    if (own?.size === 0) this.byOwner.delete(owner);
  }
}
