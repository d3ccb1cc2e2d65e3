import type { Time } from '../simulation/world/oracles/seen.ts';

/** The time of what is being told, which may have happened some moments ago. Waits are real. */
export class Clock implements Time {
  now = Date.now();
  readonly #timers = new Set<NodeJS.Timeout>();

  passesTo(now: number): void {
    this.now = Math.max(this.now, now);
  }

  after(ms: number, call: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.passesTo(Date.now());
      call();
    }, ms);
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
