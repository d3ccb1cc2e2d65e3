import type { Readable } from 'node:stream';
import type { KubeObject } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { ApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { collectionPath, type Resource } from './resources.ts';
import { linesOf } from './stream.ts';

export interface CollectionOptions {
  client: Pick<KubeClient, 'get' | 'list' | 'open'>;
  resource: Resource;
  namespace?: string | undefined;
  labelSelector?: string;
  fieldSelector?: string;
}

/** What a watch line says, by the API server's `WatchEvent`; an ERROR is thrown. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

/** All objects of a collection at one version; '' from a server that gives its lists none. */
export interface Listed<T> {
  items: T[];
  version: string;
}

/** Where a server stands beside a version: before it, so it was restored from a backup; there; or past it. */
export type Moved = 'back' | 'nowhere' | 'on';

const PAGE = 500;
const IDLE_MS = 330_000;
const LISTEN_SECONDS = 2;

/** The requests that keep one collection of the API server known. */
export class Collection<T extends KubeObject> {
  private readonly options: CollectionOptions;
  private readonly clock: Clock;

  constructor(options: CollectionOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
  }

  async get(name: string, namespace: string | undefined, signal: AbortSignal): Promise<T | undefined> {
    return this.options.client.get<T>(this.options.resource, name, namespace, signal);
  }

  /** All of it, page by page. @param trim what is kept of each object, so that no more is held of a long list */
  async list(signal: AbortSignal, trim: (object: T) => T): Promise<Listed<T>> {
    const items: T[] = [];
    let token: string | undefined;
    let version = '';
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page needs the one before
      const page = await this.page(PAGE, token, signal);
      items.push(...page.items.map(trim));
      version = page.metadata.resourceVersion ?? '';
      token = page.metadata.continue;
    } while (token !== undefined && token !== '');
    return { items, version };
  }

  /** Opens a watch, which the server ends after so many seconds. */
  async watch(from: string, seconds: number, signal: AbortSignal): Promise<AsyncIterable<WatchEvent<T>>> {
    const { client, resource, namespace } = this.options;
    const query = {
      ...this.selectors(),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: seconds,
    };
    const path = collectionPath(resource, namespace);
    return eventsOf(await client.open('GET', path, { query, signal, idleMs: IDLE_MS }));
  }

  /** A server that gives its lists no version may be anywhere: it counts as one that moved on, and a watch shows the rest. */
  async moved(from: string, signal: AbortSignal): Promise<Moved> {
    const { metadata } = await this.page(1, undefined, signal);
    if (metadata.resourceVersion === undefined || metadata.resourceVersion === '') return 'on';
    const now = BigInt(metadata.resourceVersion);
    const known = BigInt(from || 0);
    if (now === known) return 'nowhere';
    return now < known ? 'back' : 'on';
  }

  /** Whether a watch of its own hears of a change since that version within two seconds. */
  async hasNews(from: string, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const cancel = this.clock.after(LISTEN_SECONDS * 1000, () => over.abort());
    try {
      const events = await this.watch(from, LISTEN_SECONDS, AbortSignal.any([signal, over.signal]));
      for await (const { type } of events) if (type !== 'BOOKMARK') return true;
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      cancel();
    }
    return false;
  }

  private page(limit: number, token: string | undefined, signal: AbortSignal) {
    const { client, resource, namespace } = this.options;
    return client.list<T>(resource, { ...this.selectors(), limit, continue: token }, namespace, signal);
  }

  private selectors(): Record<string, string | undefined> {
    return { labelSelector: this.options.labelSelector, fieldSelector: this.options.fieldSelector };
  }
}

async function* eventsOf<T>(body: Readable): AsyncGenerator<WatchEvent<T>> {
  for await (const line of linesOf(body)) {
    const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: ErrorStatus };
    if (event.type === 'ERROR') throw new ApiError(event.object.code ?? 500, event.object);
    yield event;
  }
}

interface ErrorStatus {
  code?: number;
  message?: string;
}
