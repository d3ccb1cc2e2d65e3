import type { Clock } from '../core/ports.ts';

/** Of what is left of the lease, so that a request may have waited for a connection before. */
const SHARE = 2 / 3;
/** For so long a server is taken for one that needs more time than that. */
const SLOW_MS = 300_000;

/**
 * Keeps what is made under a lease from taking effect after it. A change is refused by the version of what it changes; to make
 * something is refused by nothing, so the API server is told to give it up in time (the parameter `timeout`, from which it works
 * out the deadline of queues, webhooks and storage).
 */
export class Fence {
  readonly #clock: Clock;
  readonly #left: (() => number) | undefined;
  #slowUntil = -Infinity;
  /** The longest bound so far. */
  #most = 0;

  constructor(clock: Clock, left: (() => number) | undefined) {
    this.#clock = clock;
    this.#left = left;
  }

  /** Milliseconds for the server to make something in; undefined for no bound. */
  bound(): number | undefined {
    if (this.#left === undefined || this.#clock.steady() < this.#slowUntil) return undefined;
    const bound = Math.max(1, Math.floor(this.#left() * SHARE));
    this.#most = Math.max(this.#most, bound);
    return bound;
  }

  /** Whether a request with that bound, sent now, is over before another agent may act. */
  holds(bound: number | undefined): boolean {
    return bound === undefined || this.#left === undefined || this.#left() >= bound;
  }

  /** One that takes longer, by a webhook that is away perhaps, would never make anything: it is asked without a bound for a while. */
  gaveUp(bound: number | undefined): void {
    // At the end of a lease any server has too little of it.
    if (bound !== undefined && bound > this.#most / 2) this.#slowUntil = this.#clock.steady() + SLOW_MS;
  }
}
