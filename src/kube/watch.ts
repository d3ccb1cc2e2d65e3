import { createInterface } from 'node:readline';
import type { KubeObject } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { backoffMs, pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { ApiError, isApiError, type KubeClient } from './client.ts';
import { collectionPath, type Resource } from './resources.ts';

export interface WatchOptions<T extends KubeObject> {
  client: KubeClient;
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

const PAGE = 500;
const IDLE_MS = 330_000;

/**
 * A cache of one resource, kept current by list and watch as client-go's reflector does: paged list,
 * watch from its version with bookmarks, resume after a closed connection, list again after 410. A
 * written object is put in at once, so that a decision never works on what it has itself outdated.
 */
export class WatchCache<T extends KubeObject> {
  private readonly options: WatchOptions<T>;
  private readonly clock: Clock;
  private readonly objects = new Map<string, T>();
  private readonly stopped = new AbortController();
  private readonly first = Promise.withResolvers<void>();
  private version = '';
  /** Attempts that failed since the server last told something. */
  private failures = 0;
  private running: Promise<void> | undefined;
  private listed = false;

  constructor(options: WatchOptions<T>) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** Resolves when the first list is in. */
  start(): Promise<void> {
    this.running ??= this.run();
    return this.first.promise;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
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
    this.set(key, object);
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
    if (known && versionOf(known) <= versionOf(object)) this.remove(key);
  }

  private remove(key: string): void {
    const known = this.objects.get(key);
    if (known === undefined) return;
    this.objects.delete(key);
    this.options.onChange(known, true);
  }

  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        if (this.version === '') await this.list();
        await this.watch();
      } catch (error) {
        if (this.stopped.signal.aborted) break;
        if (isApiError(error, 410)) this.version = '';
        else this.options.onError(error);
        const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
        await pause(this.clock, asked ?? backoffMs(this.clock, this.failures), this.stopped.signal);
        this.failures += 1;
      }
    }
  }

  private selectors(): Record<string, string | undefined> {
    return { labelSelector: this.options.labelSelector, fieldSelector: this.options.fieldSelector };
  }

  private async list(): Promise<void> {
    const { client, resource, namespace } = this.options;
    const seen = new Set<string>();
    let token: string | undefined;
    let version = '';
    do {
      const query = { ...this.selectors(), limit: PAGE, continue: token };
      // oxlint-disable-next-line no-await-in-loop -- each page needs the one before
      const page = await client.list<T>(resource, query, namespace, this.stopped.signal);
      for (const object of page.items) {
        seen.add(keyOfObject(object));
        this.put(object);
      }
      version = page.metadata.resourceVersion ?? '';
      token = page.metadata.continue;
    } while (token !== undefined && token !== '');
    for (const [key, object] of this.objects) {
      // An object created while the list was under way is newer than the list: it stays.
      if (!seen.has(key) && versionOf(object) <= BigInt(version || 0)) this.remove(key);
    }
    this.version = version;
    this.listed = true;
    this.first.resolve();
  }

  private async watch(): Promise<void> {
    const { client, resource, namespace } = this.options;
    const query = {
      ...this.selectors(),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.version,
      timeoutSeconds: 240 + Math.floor(this.clock.random() * 60),
    };
    const body = await client.open('GET', collectionPath(resource, namespace), {
      query,
      signal: this.stopped.signal,
      idleMs: IDLE_MS,
    });
    try {
      for await (const line of createInterface({ input: body })) {
        if (line !== '') this.take(JSON.parse(line) as WatchEvent<T>);
      }
    } finally {
      body.destroy();
    }
  }

  private take({ type, object }: WatchEvent<T>): void {
    if (type === 'ERROR') {
      const status = object as unknown as { code?: number; message?: string };
      throw new ApiError(status.code ?? 500, status);
    }
    if (type === 'DELETED') this.removed(object);
    else if (type !== 'BOOKMARK') this.put(object);
    this.version = object.metadata.resourceVersion ?? this.version;
    this.failures = 0;
  }
}

/** Resource versions of one server can be compared as numbers (KEP-5504); they exceed 2^53 in theory only. */
function versionOf(object: KubeObject): bigint {
  const version = object.metadata.resourceVersion ?? '0';
  return /^\d+$/.test(version) ? BigInt(version) : 0n;
}

function keyOf(name: string, namespace?: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.name ?? '', object.metadata.namespace);
}
