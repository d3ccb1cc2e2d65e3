import type { ApiFault, Event, Watched } from './plan.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';
import type { Fate, OpenWatch, WatchFate } from './transport.ts';

type WatchEvent = Extract<Event, { kind: 'watches' }>;

/** Watches that are late are so by no more than this. */
const LAG_MS = 20_000;

/** So long agents take to find out that the server is one of the past, and to lead there. */
export const RELIST_MS = 90_000;

/** What the network and the API server do wrong at present, and how often they did. */
export class Faults {
  readonly counts = new Map<string, number>();
  /** Until then nobody can expect the agent to do what it should. */
  troubleUntil = 0;
  /** Until then nobody can expect it to know how things stand. */
  unawareUntil = 0;
  /** How often the API server went away for good, and until when nobody is in its place. */
  readonly servers = { gone: 0, awayUntil: 0 };
  readonly #time: VirtualTime;
  readonly #random: Random;
  #api: { what: ApiFault; until: number; share: number }[] = [];
  #watches: { what: WatchEvent['what']; of: Watched | undefined; until: number }[] = [];

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  trouble(ms: number): void {
    this.troubleUntil = Math.max(this.troubleUntil, this.#time.now + ms);
    this.unaware(ms);
  }

  unaware(ms: number): void {
    this.unawareUntil = Math.max(this.unawareUntil, this.#time.now + ms);
  }

  /** The API server goes, with all that was on its way to it, and another one takes its place. */
  serverGoes(ms: number, open: Iterable<OpenWatch>): void {
    this.count('API: restored from a backup');
    this.trouble(ms + RELIST_MS);
    this.servers.gone += 1;
    this.servers.awayUntil = this.#time.now + ms;
    for (const watch of open) watch.cut();
  }

  api(what: ApiFault, ms: number, share: number): void {
    this.trouble(ms);
    this.#api.push({ what, until: this.#time.now + ms, share });
  }

  watches({ what, ms, of }: WatchEvent, open: Iterable<OpenWatch>): void {
    if (what === 'gap' || what === 'expired' || this.#isLate()) this.trouble(ms);
    else if (what !== 'cut') this.unaware(ms);
    if (what !== 'expired' && what !== 'bookmarks')
      this.#watches.push({ what, of, until: this.#time.now + ms });
    for (const watch of open) {
      if (!isOf(watch.path, of)) continue;
      this.count(`watch: ${what}`);
      if (what === 'cut' || what === 'gap' || what === 'expired') watch.cut();
      else if (what === 'bookmarks') watch.heldUntil = this.#time.now + Math.min(ms, LAG_MS);
      else if (what === 'silent') watch.silent = true;
      else {
        watch.lag = Math.min(ms, LAG_MS);
        this.#time.after(ms, () => (watch.lag = 0));
      }
    }
  }

  /** Where all news is late anyway, a watch that has gone silent takes long to be found out. */
  #isLate(): boolean {
    return this.#watches.some(({ what, until }) => what === 'lag' && until > this.#time.now);
  }

  readonly fate = (method: string, path: string): Fate => {
    const random = this.#random;
    const fate: Fate = { there: random.between(1, 10), back: random.between(1, 10) };
    if (this.servers.awayUntil > this.#time.now) return { ...fate, refused: { code: 503 } };
    if (method === 'GET' && this.#inGap(path)) return { ...fate, refused: { code: 503 } };
    this.#api = this.#api.filter(({ until }) => until > this.#time.now);
    const isMade = method === 'POST' && path.split('?')[0]?.endsWith('/nodeops') === true;
    const fault = this.#api.find(
      ({ what, share }) => (what !== 'no NodeOps' || isMade) && random.chance(share),
    );
    if (fault === undefined) return fate;
    this.count(`API: ${fault.what}`);
    switch (fault.what) {
      case 'away':
        return { ...fate, lost: true };
      case 'error':
        return { ...fate, refused: { code: random.pick([500, 503]) } };
      case 'slow':
        return { there: random.between(100, 4_000), back: random.between(100, 4_000) };
      case 'old lists':
        return isList(method, path) ? { ...fate, back: random.between(5_000, 25_000) } : fate;
      case 'answer lost':
        return { ...fate, answerLost: true };
      case 'conflict':
        // Nobody changes the lease without end.
        if (method !== 'PATCH' || (path.includes('/leases') && random.chance(0.5))) return fate;
        return { ...fate, refused: { code: 409 } };
      case 'throttled':
        return { ...fate, refused: { code: 429, retryAfter: this.#retryAfter() } };
      case 'queued':
        return { ...fate, there: random.between(1_000, 45_000) };
      case 'no NodeOps':
        return { ...fate, refused: { code: random.pick([403, 404]) } };
      case 'unauthorized':
        return { ...fate, refused: { code: random.pick([401, 403]) } };
    }
  };

  /** Seconds. Who is told to come again tomorrow does so after some minutes. */
  #retryAfter(): number {
    const seconds = this.#random.pick([1, 5, 86_400]);
    this.trouble(Math.min(seconds, 300) * 1000);
    return seconds;
  }

  #inGap(path: string): boolean {
    if (this.#watches.length === 0) return false;
    return this.#watches.some(
      ({ what, of, until }) => what === 'gap' && until > this.#time.now && isOf(path, of),
    );
  }

  readonly watchFate = (path: string): WatchFate => {
    this.#watches = this.#watches.filter(({ until }) => until > this.#time.now);
    const fault = this.#watches.find(({ of }) => isOf(path, of));
    if (fault === undefined) return { lag: 0 };
    this.count(`watch: ${fault.what}`);
    const left = fault.until - this.#time.now;
    if (fault.what === 'lag') return { lag: this.#random.between(0, Math.min(left, LAG_MS)) };
    if (fault.what === 'silent') return { lag: 0, silentAfter: this.#random.between(0, 2_000) };
    return { lag: 0, cutAfter: this.#random.between(0, 3_000) };
  };
}

function isList(method: string, path: string): boolean {
  return method === 'GET' && path.includes('limit=');
}

/** Whether it is a watch or a list of them; no kind is any. */
function isOf(path: string, of: Watched | undefined): boolean {
  const collection = path.split('?')[0] ?? '';
  if (collection.includes('/leases')) return false;
  return of === undefined || collection.endsWith(`/${of}`);
}
