import { systemClock } from '../time/clock.ts';

/** Notices what has been away without a break for so many milliseconds. */
export class Patience {
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #away = new Map<string, { since: number; problem: string }>();

  constructor(limitMs: number, now: () => number = systemClock.steady) {
    this.#limitMs = limitMs;
    this.#now = now;
  }

  /** Without a problem it is there. */
  tell(what: string, problem: string | undefined): void {
    if (problem === undefined) this.#away.delete(what);
    else this.#away.set(what, { since: this.#away.get(what)?.since ?? this.#now(), problem });
  }

  /** What has been away for too long, and what was last said of it. */
  exhausted(): { what: string; problem: string } | undefined {
    for (const [what, { since, problem }] of this.#away) {
      if (this.#now() - since >= this.#limitMs) return { what, problem };
    }
    return undefined;
  }
}
