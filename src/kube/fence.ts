import type { Clock } from '../core/ports.ts';

/** Of what is left of the lease, so that a request may have waited for a connection before. */
const SHARE = 2 / 3;
/** For so long a server is taken for one that needs more time than that. */
const SLOW_MS = 300_000;
/** What such a server gets; by themselves servers take no longer either (`--request-timeout`). */
const PATIENT_MS = 60_000;

/** How long the server has to make something. */
export interface Bound {
  ms: number;
  /** That is over before another agent may act. */
  isFenced: boolean;
}

/**
 * Keeps what is made under a lease from taking effect after it. A change is refused by the version of what it changes; to make
 * something is refused by nothing, so the API server is told to give it up in time (the parameter `timeout`, from which it works
 * out the deadline of queues, webhooks and storage).
 */
export class Fence {
  readonly #clock: Clock;
  readonly #left: (() => number) | undefined;
  /** By what is made: until when the server is taken for a slow one. */
  readonly #slowUntil = new Map<string, number>();
  /** The longest bound so far. */
  #most = 0;

  constructor(clock: Clock, left: (() => number) | undefined) {
    this.#clock = clock;
    this.#left = left;
  }

  /**
   * For the server to make something in; undefined without an election.
   * @param path the collection that it is made in: each has webhooks of its own
   */
  bound(path: string): Bound | undefined {
    if (this.#left === undefined) return undefined;
    const isSlow = this.#clock.steady() < (this.#slowUntil.get(path) ?? 0);
    if (isSlow) return { ms: PATIENT_MS, isFenced: false };
    const ms = Math.max(1, Math.floor(this.#left() * SHARE));
    this.#most = Math.max(this.#most, ms);
    return { ms, isFenced: true };
  }

  /** Whether a request with that bound, sent now, is over before another agent may act, where it is to be. */
  holds(bound: Bound | undefined): boolean {
    return bound?.isFenced !== true || this.#left === undefined || this.#left() >= bound.ms;
  }

  /** When a request with that bound takes effect at the latest; epoch milliseconds of the steady clock. */
  over(bound: Bound | undefined, sentAt: number): number {
    return sentAt + (bound?.ms ?? PATIENT_MS);
  }

  /** One that takes longer, by a webhook that is away perhaps, would never make anything: it has a minute for a while. */
  gaveUp(bound: Bound | undefined, path: string): void {
    // At the end of a lease any server has too little of it.
    if (bound?.isFenced === true && bound.ms > this.#most / 2)
      this.#slowUntil.set(path, this.#clock.steady() + SLOW_MS);
  }

  /** One that has made something within the bounds of a lease needs no more than that. */
  made(path: string, tookMs: number): void {
    if (tookMs < this.#most / 2) this.#slowUntil.delete(path);
  }
}
