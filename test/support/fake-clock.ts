import type { Clock } from '../../src/core/ports.ts';

/** A clock that stands still until it is told to go on. Its wall clock may be set; its steady one only ever advances. */
export class FakeClock implements Clock {
  private passed = Date.parse('2030-01-01T00:00:00Z');
  private offset = 0;
  private readonly waiting = new Map<object, { at: number; call: () => void }>();

  readonly wall = (): number => this.passed + this.offset;
  readonly steady = (): number => this.passed;
  readonly random = (): number => 0.5;
  readonly after = (ms: number, call: () => void): (() => void) => {
    const key = {};
    this.waiting.set(key, { at: this.passed + Math.max(0, ms), call });
    return () => this.waiting.delete(key);
  };

  /** How many timers are set. */
  get timers(): number {
    return this.waiting.size;
  }

  /** Somebody sets the machine's clock. */
  set(byMs: number): void {
    this.offset += byMs;
  }

  /** Time passes: what is due is called in its order, and what follows at once has its turn in between. */
  async advance(ms: number): Promise<void> {
    const until = this.passed + ms;
    await settled();
    for (;;) {
      const [next] = [...this.waiting].toSorted(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > until) break;
      this.waiting.delete(next[0]);
      this.passed = Math.max(this.passed, next[1].at);
      next[1].call();
      // oxlint-disable-next-line no-await-in-loop -- one after the other, as time passes
      await settled();
    }
    this.passed = until;
  }
}

/** Lets promises that are settled already have their say. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
