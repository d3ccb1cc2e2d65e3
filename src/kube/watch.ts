import type { KubeObject } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { backoffMs, pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { ApiError, isApiError } from './api-error.ts';
import { Collection, type CollectionOptions, type WatchEvent } from './collection.ts';
import { KnownObjects, type KnownOptions, versionOf } from './known-objects.ts';
import { StoppedError } from './stopped.ts';
import { Silence } from './stream.ts';

export interface WatchOptions<T extends KubeObject> extends CollectionOptions, KnownOptions<T> {
  clock?: Clock | undefined;
  onError: (error: unknown) => void;
}

/** The server is one of the past: it was restored from a backup. */
export class WentBackError extends Error {
  constructor() {
    super('the versions of the API server went back: all is listed anew');
    this.name = 'WentBackError';
  }
}

/** A watch that is silent for so long may be one whose other end is gone: it is asked about. */
const SILENT_MS = 20_000;
/** API servers send a bookmark a minute. A watch without one is opened anew: where all news is late, a question finds nothing out. */
const MUTE_MS = 75_000;
/** How long such a question may take. */
const PROBE_MS = 10_000;
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
  private readonly onError: (error: unknown) => void;
  private readonly clock: Clock;
  private readonly collection: Collection<T>;
  private readonly known: KnownObjects<T>;
  private readonly stopped = new AbortController();
  private readonly first = Promise.withResolvers<void>();
  /** Attempts since the last watch that told something or lasted. */
  private failures = 0;
  /** Whether the watch under way has told something new. */
  private told = false;
  private hasWatched = false;
  private running: Promise<void> | undefined;
  private watching: AbortController | undefined;
  private listed = false;

  constructor(options: WatchOptions<T>) {
    this.onError = options.onError;
    this.clock = options.clock ?? systemClock;
    this.collection = new Collection(options, this.clock);
    this.known = new KnownObjects(options);
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
    return this.known.values();
  }

  get(name: string, namespace?: string): T | undefined {
    return this.known.get(name, namespace);
  }

  /** Takes in an object just read or written, unless a newer one is known or it is gone by now. */
  put(object: T): void {
    this.known.put(object);
  }

  /** Reads one object from the API server itself, whatever the watch says, and takes in what it is by now. */
  async reread(name: string, namespace?: string): Promise<T | undefined> {
    const before = this.get(name, namespace);
    const found = await this.collection.get(name, namespace, this.stopped.signal);
    if (found === undefined) this.known.missing(name, namespace, before);
    else if (before !== undefined && versionOf(found) < versionOf(before)) await this.listAnew();
    else this.put(found);
    return this.get(name, namespace);
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

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      let asked: number | undefined;
      try {
        if (this.known.version === '') await this.list();
        else if (this.hasWatched) await this.confirm();
        this.hasWatched = true;
        if (await this.watch()) continue;
      } catch (error) {
        if (signal.aborted) break;
        if (isApiError(error, 410)) this.known.version = '';
        else this.onError(error);
        asked = error instanceof ApiError ? error.retryAfterMs : undefined;
      }
      await pause(this.clock, asked ?? backoffMs(this.clock, this.failures), signal);
      this.failures += 1;
    }
  }

  private async list(): Promise<void> {
    const { signal } = this.stopped;
    const wentBack = await this.known.takeList(async () => {
      const all = await this.collection.list(signal, this.known.trim);
      signal.throwIfAborted();
      return all;
    });
    this.listed = true;
    this.first.resolve();
    // A watch from a version that is yet to come is silent until then.
    if (!wentBack) return;
    if (this.watching === undefined) this.onError(new WentBackError());
    else this.watching.abort(new WentBackError());
  }

  /**
   * The server behind a watch that ended may have been restored. Once it is past the watched version again nobody could tell that
   * it went back, so it is asked before. Where it does not answer, the watch is opened all the same, and finds out what is wrong.
   */
  private async confirm(): Promise<void> {
    const over = new AbortController();
    const cancel = this.clock.after(PROBE_MS, () => over.abort());
    const signal = AbortSignal.any([over.signal, this.stopped.signal]);
    const moved = await this.collection
      .moved(this.known.version, signal)
      .catch(() => 'nowhere')
      .finally(cancel);
    if (moved === 'back') throw this.wentBack();
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
      const seconds = 240 + Math.floor(this.clock.random() * 60);
      const events = await this.collection.watch(this.known.version, seconds, signal);
      began = this.clock.steady();
      let last = this.known.version;
      for await (const event of events) {
        silence.broken();
        heardAt = this.clock.steady();
        last = this.take(event, last);
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

  /** @returns the version the watch is at */
  private take({ type, object }: WatchEvent<T>, last: string): string {
    const version = object.metadata.resourceVersion ?? last;
    // Without a version to begin from a watch tells all there is first, in no order ("Get State and Start at Any").
    const isOrdered = this.known.version !== '';
    if (isOrdered && BigInt(version) < BigInt(last || 0)) throw this.wentBack();
    if (type === 'DELETED') this.known.removed(object);
    else if (type !== 'BOOKMARK') this.put(object);
    if (type !== 'BOOKMARK' && version !== last) this.told = true;
    // What was read meanwhile may be ahead of the watch.
    if (isOrdered && BigInt(version) > BigInt(this.known.version)) this.known.version = version;
    return version;
  }

  /** A silent watch has nothing to tell, or its other end is gone: small requests of their own find out which. */
  private async probe(watch: AbortController, heardAt: number): Promise<void> {
    const over = new AbortController();
    const cancel = this.clock.after(PROBE_MS, () => over.abort());
    const signal = AbortSignal.any([over.signal, watch.signal, this.stopped.signal]);
    try {
      const from = this.known.version;
      const moved = await this.collection.moved(from, signal);
      if (moved === 'back') throw this.wentBack();
      if (moved === 'nowhere') return;
      if (this.clock.steady() - heardAt >= MUTE_MS)
        throw new Error('the watch said nothing for long; it is opened anew');
      const hasNews = await this.collection.hasNews(from, signal);
      // The watch may have told it meanwhile.
      if (hasNews && this.known.version === from)
        throw new Error('the watch was silent though there was news; it is opened anew');
    } catch (error) {
      watch.abort(error);
    } finally {
      cancel();
    }
  }

  /** A server restored from a backup: everything is listed anew. */
  private wentBack(): Error {
    this.known.version = '';
    return new WentBackError();
  }
}
