import type { Steps } from '../../src/api/pieces.ts';

/** What the loops may be kept from their other duties by one thing that people wrote, in milliseconds of work. */
const TURN_MS = 50;
/** A suspicious input is tried so often; neighbours on the same core and collections of garbage are not its fault. */
const TRIES = 6;

/** Milliseconds this thread has worked, whoever else had the processor meanwhile. */
export function worked(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** How many times slower than a machine that does this in 25 ms; never less than 1. */
export function slowness(): number {
  const from = worked();
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i}`, value: [i, i] })));
  for (let i = 0; i < 2; i += 1) JSON.parse(text);
  return Math.max(1, (worked() - from) / 25);
}

/** Measures the turns of the loop from now on: the longest, in milliseconds of work. */
export class Turns {
  #longest = 0;
  #isOver = false;

  constructor() {
    let before = worked();
    const turn = () => {
      const now = worked();
      this.#longest = Math.max(this.#longest, now - before);
      before = now;
      if (!this.#isOver) setImmediate(turn);
    };
    setImmediate(turn);
  }

  stop(): number {
    this.#isOver = true;
    return this.#longest;
  }
}

/** Measures what is done in one turn of the loops, by name. */
export class Work {
  readonly turns = new Map<string, number>();

  turn<T>(name: string, act: () => T): T {
    const from = worked();
    try {
      return act();
    } finally {
      this.turns.set(name, Math.max(this.turns.get(name) ?? 0, worked() - from));
    }
  }

  /** What is done in as many turns as it likes. */
  steps<T>(name: string, steps: Steps<T>): T {
    for (;;) {
      const { done, value } = this.turn(name, () => steps.next());
      if (done === true) return value;
    }
  }
}

/** The longest turn of what is done, which throws when even at its fastest one of them takes too long. */
export async function inTime(act: (work: Work) => void | Promise<void>, turnMs = TURN_MS): Promise<number> {
  const least = new Map<string, number>();
  for (let i = 0; i < TRIES; i += 1) {
    const work = new Work();
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to be measured
    await act(work);
    for (const [name, ms] of work.turns) least.set(name, Math.min(least.get(name) ?? Infinity, ms));
    const longest = Math.max(0, ...least.values());
    if (longest < turnMs) return longest;
  }
  const bound = turnMs * slowness();
  const slow = [...least].filter(([, ms]) => ms > bound).map(([name, ms]) => `${name}: ${Math.round(ms)} ms`);
  if (slow.length > 0) throw new Error(`keeps others from their turn: ${slow.join(', ')}`);
  return Math.max(...least.values());
}
