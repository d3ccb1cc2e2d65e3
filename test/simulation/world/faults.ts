import type { ApiFault } from './plan.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';
import type { Fate, WatchFate } from './transport.ts';

interface Period<What> {
  what: What;
  until: number;
  share: number;
}

/** What the network and the API server do wrong at present, and how often they did. */
export class Faults {
  readonly counts = new Map<string, number>();
  /** Until then nobody can expect the agent to know how things stand. */
  troubleUntil = 0;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #api: Period<ApiFault>[] = [];
  #watches: Period<'cut' | 'lag' | 'silent'>[] = [];

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  trouble(ms: number): void {
    this.troubleUntil = Math.max(this.troubleUntil, this.#time.now + ms);
  }

  api(what: ApiFault, ms: number, share: number): void {
    this.trouble(ms);
    this.#api.push({ what, until: this.#time.now + ms, share });
  }

  watches(what: 'cut' | 'lag' | 'silent', ms: number): void {
    if (what !== 'cut') this.trouble(ms);
    this.#watches.push({ what, until: this.#time.now + ms, share: 1 });
  }

  readonly fate = (method: string): Fate => {
    const random = this.#random;
    const fate: Fate = { there: random.between(1, 10), back: random.between(1, 10) };
    this.#api = this.#api.filter(({ until }) => until > this.#time.now);
    const fault = this.#api.find(({ share }) => random.chance(share));
    if (fault === undefined) return fate;
    this.count(`API: ${fault.what}`);
    switch (fault.what) {
      case 'away':
        return { ...fate, lost: true };
      case 'error':
        return { ...fate, refused: { code: random.pick([500, 503]) } };
      case 'slow':
        return { there: random.between(100, 4_000), back: random.between(100, 4_000) };
      case 'answer lost':
        return { ...fate, answerLost: true };
      case 'conflict':
        return method === 'PATCH' ? { ...fate, refused: { code: 409 } } : fate;
      case 'throttled':
        return { ...fate, refused: { code: 429, retryAfter: random.pick([1, 5, 86_400]) } };
      case 'queued':
        return { ...fate, there: random.between(1_000, 45_000) };
      case 'unauthorized':
        return { ...fate, refused: { code: random.pick([401, 403]) } };
    }
  };

  readonly watchFate = (): WatchFate => {
    this.#watches = this.#watches.filter(({ until }) => until > this.#time.now);
    const fault = this.#watches[0];
    if (fault === undefined) return { lag: 0 };
    this.count(`watch: ${fault.what}`);
    const left = fault.until - this.#time.now;
    if (fault.what === 'lag') return { lag: this.#random.between(0, Math.min(left, 20_000)) };
    if (fault.what === 'silent') return { lag: 0, silentAfter: this.#random.between(0, 2_000) };
    return { lag: 0, cutAfter: this.#random.between(0, 3_000) };
  };
}
