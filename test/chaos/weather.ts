import type { Random } from '../simulation/world/random.ts';

/** What a network and whoever sits in it do to a request or a connection. */
export const TROUBLES = [
  'slow',
  /** It breaks before anything has arrived. */
  'cut',
  /** It breaks once it was carried out: the answer is lost. */
  'answer lost',
  /** Nothing comes any more, and nobody is told. */
  'half-open',
  /** It breaks in the middle of the answer. */
  'truncated',
  /** 429 with Retry-After. */
  'throttled',
  /** 500, 502, 503, 504. */
  'error',
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** What goes wrong on one link at present, with which share of what comes over it, and how often it did. */
export class Weather {
  readonly random: Random;
  readonly counts = new Map<Trouble, number>();
  #now: { what: Trouble; share: number } | undefined;
  /** Told when it changes: what is open may break then. */
  onChange: () => void = () => {};

  constructor(random: Random) {
    this.random = random;
  }

  set(now: { what: Trouble; share: number } | undefined): void {
    this.#now = now;
    this.onChange();
  }

  /** What becomes of the next one. */
  draw(): Trouble | undefined {
    if (this.#now === undefined || !this.random.chance(this.#now.share)) return undefined;
    const { what } = this.#now;
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    return what;
  }
}
