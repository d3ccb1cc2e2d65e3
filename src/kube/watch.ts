import type { KubeObject } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { backoffMs, pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { ApiError, isApiError, type KubeClient } from './client.ts';
import { StoppedError } from './stopped.ts';
import { collectionPath, type Resource } from './resources.ts';
import { linesOf, Silence } from './stream.ts';

export interface WatchOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'get' | 'list' | 'open'>;
  clock?: Clock | undefined;
  resource: Resource;
  namespace?: string | undefined;
  labelSelector?: string;
  fieldSelector?: string;
  /** Keeps only what is used: a whole Node or Pod costs tens of kilobytes. */
  trim?: (object: T) => T;
  onChange: (object: T, gone: boolean) => void;
  onError: (error: unknown) => void;
}

/** What a watch line says, by the API server's `WatchEvent`. */
interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** What was heard of an object while a list was under way: the object, or the version it was deleted at. */
type Heard<T> = { object: T } | { goneAt: bigint };

const WENT_BACK = 'the versions of the API server went back: all is listed anew';
const PAGE = 500;
const IDLE_MS = 330_000;
/** A watch that is silent for so long may be one whose other end is gone: it is asked about. */
const SILENT_MS = 20_000;
/** API servers send a bookmark a minute. A watch without one is opened anew: where all news is late, a question finds nothing out. */
const MUTE_MS = 75_000;
/** How long the question may take, and how long it listens for what the watch did not tell. */
const PROBE_MS = 10_000;
const LISTEN_SECONDS = 2;
/** A watch that lasted for so long was one, though it had nothing to tell. */
const LASTED_MS = 1_000;

/**
 * A cache of one resource, kept current by list and watch as client-go's reflector does: paged list,
 * watch from its version with bookmarks, resume after a closed connection, list again after 410. A
 * written object is put in at once, so that a decision never works on what it has itself outdated.
 *
 * A list is the truth. Versions are compared within one watch only, since those of a server that was restored
 * from a backup go back.
 */
export class WatchCache<T extends KubeObject> {
  private readonly options: WatchOptions<T>;
  private readonly clock: Clock;
  private readonly objects = new Map<string, T>();
  private readonly stopped = new AbortController();
  private readonly first = Promise.withResolvers<void>();
  /** Everything up to it is known; '' when there has to be a list first. */
  private version = '';
  /** What is heard while lists are under way, one map a list. */
  private readonly hearing = new Set<Map<string, Heard<T>>>();
  /** Attempts since the last watch that told something or lasted. */
  private failures = 0;
  /** Whether the watch under way has told something new. */
  private told = false;
  private hasWatched = false;
  private running: Promise<void> | undefined;
  private watching: AbortController | undefined;
  private listed = false;

  constructor(options: WatchOptions<T>) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    // Whoever waits for it is told; when nobody does it is no error.
    this.first.promise.catch(() => undefined);
  }

  /** Resolves when the first list is in; rejects with StoppedError when it is stopped before. */
  start(): Promise<void> {
    this.running ??= this.run();
    return this.first.promise;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.first.reject(new StoppedError());
    await this.running;
  }

  get synced(): boolean {
    return this.listed;
  }

  values(): IterableIterator<T> {
    return this.objects.values();
  }

  get(name: string, namespace?: string): T | undefined {
    return this.objects.get(keyOf(name, namespace));
  }

  /** Takes in an object just read or written, unless a newer one is known or it is gone by now. */
  put(object: T): void {
    const key = keyOfObject(object);
    const known = this.objects.get(key);
    const version = versionOf(object);
    if (known && versionOf(known) >= version) return;
    // The watch is past this version and knows of no such object: it was deleted since.
    if (known === undefined && this.version !== '' && version <= BigInt(this.version)) return;
    for (const heard of this.hearing) heard.set(key, { object });
    this.set(key, object);
  }

  /** Reads one object from the API server itself, whatever the watch says, and takes in what it is by now. */
  async reread(name: string, namespace?: string): Promise<T | undefined> {
    const key = keyOf(name, namespace);
    const before = this.objects.get(key);
    const { client, resource } = this.options;
    const found = await client.get<T>(resource, name, namespace, this.stopped.signal);
    if (found !== undefined && before !== undefined && versionOf(found) < versionOf(before))
      await this.listAnew();
    else if (found !== undefined) this.put(found);
    // What came in meanwhile was created after the question.
    else if (this.objects.get(key) === before) this.remove(key);
    return this.objects.get(key);
  }

  /** The same of all of them. */
  async rereadAll(): Promise<void> {
    await this.list();
  }

  /** A server that was restored may be past the watched version again before anybody has seen that it went back. */
  private async listAnew(): Promise<void> {
    this.watching?.abort(this.wentBack());
    await this.list();
  }

  private set(key: string, object: T): void {
    const kept = this.options.trim ? this.options.trim(object) : object;
    this.objects.set(key, kept);
    this.options.onChange(kept, false);
  }

  /** A namesake created since, and put in ahead of the watch, stays. */
  private removed(object: T): void {
    const key = keyOfObject(object);
    const known = this.objects.get(key);
    const goneAt = versionOf(object);
    if (known && versionOf(known) > goneAt) return;
    for (const heard of this.hearing) heard.set(key, { goneAt });
    this.remove(key);
  }

  private remove(key: string): void {
    const known = this.objects.get(key);
    if (known === undefined) return;
    this.objects.delete(key);
    this.options.onChange(known, true);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      let asked: number | undefined;
      try {
        if (this.version === '') await this.list();
        else if (this.hasWatched) await this.confirm();
        this.hasWatched = true;
        if (await this.watch()) continue;
      } catch (error) {
        if (signal.aborted) break;
        if (isApiError(error, 410)) this.version = '';
        else this.options.onError(error);
        asked = error instanceof ApiError ? error.retryAfterMs : undefined;
      }
      await pause(this.clock, asked ?? backoffMs(this.clock, this.failures), signal);
      this.failures += 1;
    }
  }

  /**
   * The server behind a watch that ended may have been restored. Once it is past the watched version again nobody could tell that
   * it went back, so it is asked before. Where it does not answer, the watch is opened all the same.
   */
  private async confirm(): Promise<void> {
    const over = new AbortController();
    const cancel = this.clock.after(PROBE_MS, () => over.abort());
    const signal = AbortSignal.any([over.signal, this.stopped.signal]);
    // The watch finds out what is wrong.
    const moved = await this.moved(signal)
      .catch(() => 0)
      .finally(cancel);
    if (moved < 0) throw this.wentBack();
  }

  /** Whether the server is past the version that is known (1), still there (0), or before it (-1): then it was restored. */
  private async moved(signal: AbortSignal): Promise<-1 | 0 | 1> {
    const { client, resource, namespace } = this.options;
    const known = BigInt(this.version || 0);
    const { metadata } = await client.list(resource, { ...this.selectors(), limit: 1 }, namespace, signal);
    const now = BigInt(metadata.resourceVersion ?? 0);
    if (now === known) return 0;
    return now < known ? -1 : 1;
  }

  private selectors(): Record<string, string | undefined> {
    return { labelSelector: this.options.labelSelector, fieldSelector: this.options.fieldSelector };
  }

  private async list(): Promise<void> {
    const { client, resource, namespace } = this.options;
    const heard = new Map<string, Heard<T>>();
    const items: T[] = [];
    const from = this.version;
    let token: string | undefined;
    let version = '';
    this.hearing.add(heard);
    try {
      do {
        const query = { ...this.selectors(), limit: PAGE, continue: token };
        // oxlint-disable-next-line no-await-in-loop -- each page needs the one before
        const page = await client.list<T>(resource, query, namespace, this.stopped.signal);
        items.push(...page.items.map((item) => this.options.trim?.(item) ?? item));
        version = page.metadata.resourceVersion ?? '';
        token = page.metadata.continue;
      } while (token !== undefined && token !== '');
    } finally {
      this.hearing.delete(heard);
    }
    this.stopped.signal.throwIfAborted();
    const wentBack = from !== '' && BigInt(version || 0) < BigInt(from);
    this.replace(items, version, wentBack ? new Map() : heard);
    // A watch from a version that is yet to come is silent until then.
    if (wentBack) this.watching?.abort(new Error(WENT_BACK));
  }

  /** What was listed takes the place of all that was known, but for what was heard since the list was made. */
  private replace(items: readonly T[], version: string, heard: ReadonlyMap<string, Heard<T>>): void {
    const at = BigInt(version || 0);
    const isNewer = (news: Heard<T> | undefined) =>
      news !== undefined && ('object' in news ? versionOf(news.object) : news.goneAt) > at;
    this.version = version;
    const listed = new Set<string>();
    for (const item of items) {
      const key = keyOfObject(item);
      listed.add(key);
      const known = this.objects.get(key);
      if (isNewer(heard.get(key)) || (known && isSame(known, item))) continue;
      this.objects.set(key, item);
      this.options.onChange(item, false);
    }
    for (const key of this.objects.keys()) if (!listed.has(key) && !isNewer(heard.get(key))) this.remove(key);
    this.listed = true;
    this.first.resolve();
  }

  /** Answers whether it was a watch worth the name, so that the next may begin at once. */
  private async watch(): Promise<boolean> {
    let began = Infinity;
    const lasted = () => this.clock.steady() - began >= LASTED_MS;
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.stopped.signal]);
    this.watching = own;
    this.told = false;
    let heardAt = this.clock.steady();
    const silence = new Silence(this.clock, SILENT_MS, () => this.probe(own, heardAt));
    try {
      const body = await this.open(240 + Math.floor(this.clock.random() * 60), signal);
      began = this.clock.steady();
      let last = this.version;
      for await (const line of linesOf(body)) {
        silence.broken();
        heardAt = this.clock.steady();
        last = this.take(JSON.parse(line) as WatchEvent<T>, last);
      }
      own.signal.throwIfAborted();
    } catch (error) {
      throw own.signal.aborted ? own.signal.reason : error;
    } finally {
      silence.end();
      this.watching = undefined;
      if (this.told || lasted()) this.failures = 0;
    }
    return this.told || lasted();
  }

  private open(timeoutSeconds: number, signal: AbortSignal) {
    const { client, resource, namespace } = this.options;
    const query = {
      ...this.selectors(),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.version,
      timeoutSeconds,
    };
    return client.open('GET', collectionPath(resource, namespace), { query, signal, idleMs: IDLE_MS });
  }

  private take({ type, object }: WatchEvent<T>, last: string): string {
    if (type === 'ERROR') {
      const status = object as unknown as { code?: number; message?: string };
      throw new ApiError(status.code ?? 500, status);
    }
    const version = object.metadata.resourceVersion ?? last;
    if (BigInt(version) < BigInt(last || 0)) throw this.wentBack();
    if (type === 'DELETED') this.removed(object);
    else if (type !== 'BOOKMARK') this.put(object);
    if (type !== 'BOOKMARK' && version !== last) this.told = true;
    // What was read meanwhile may be ahead of the watch.
    if (this.version !== '' && BigInt(version) > BigInt(this.version)) this.version = version;
    return version;
  }

  /** A silent watch has nothing to tell, or its other end is gone: small requests of their own find out which. */
  private async probe(watch: AbortController, heardAt: number): Promise<void> {
    const over = new AbortController();
    const cancel = this.clock.after(PROBE_MS, () => over.abort());
    const signal = AbortSignal.any([over.signal, watch.signal, this.stopped.signal]);
    try {
      const moved = await this.moved(signal);
      if (moved < 0) throw this.wentBack();
      if (moved === 0) return;
      if (this.clock.steady() - heardAt >= MUTE_MS)
        throw new Error('the watch said nothing for long; it is opened anew');
      if (!(await this.missed(signal))) return;
      watch.abort(new Error('the watch was silent though there was news; it is opened anew'));
    } catch (error) {
      watch.abort(error);
    } finally {
      cancel();
    }
  }

  /** Whether another watch from the same version hears something that this one does not. */
  private async missed(signal: AbortSignal): Promise<boolean> {
    const { version } = this;
    const over = new AbortController();
    const cancel = this.clock.after(LISTEN_SECONDS * 1000, () => over.abort());
    try {
      const body = await this.open(LISTEN_SECONDS, AbortSignal.any([signal, over.signal]));
      for await (const line of linesOf(body)) {
        if ((JSON.parse(line) as WatchEvent<T>).type !== 'BOOKMARK') return this.version === version;
      }
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      cancel();
    }
    return false;
  }

  /** A server restored from a backup: everything is listed anew. */
  private wentBack(): Error {
    this.version = '';
    return new Error(WENT_BACK);
  }
}

/** Resource versions of one server can be compared as numbers (KEP-5504); they exceed 2^53 in theory only. */
function versionOf(object: KubeObject): bigint {
  const version = object.metadata.resourceVersion ?? '0';
  return /^\d+$/.test(version) ? BigInt(version) : 0n;
}

/** A version says all of an object, but for those of a server that was restored and gave it again. */
function isSame(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion &&
    JSON.stringify(a) === JSON.stringify(b)
  );
}

function keyOf(name: string, namespace?: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.name ?? '', object.metadata.namespace);
}
