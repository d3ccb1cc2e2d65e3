import { randomUUID } from 'node:crypto';
import { apiVersionOf, keyOf, type ResourceType } from '../resources.ts';
import { alreadyExists, conflict, gone, notFound } from './errors.ts';
import { at, equal, type Obj } from './object.ts';
import type { Matcher } from './selectors.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface StoreEvent {
  type: EventType;
  object: Obj;
  before: Obj | undefined;
  version: number;
}

type Listener = (event: StoreEvent) => void;

interface Table {
  type: ResourceType;
  objects: Map<string, Obj>;
  byNode: Map<string, Set<string>>;
  history: StoreEvent[];
  listeners: Set<Listener>;
}

export interface WriteOptions {
  /** Writes `status` only, and leaves it alone otherwise, for types that have the subresource. */
  subresource?: 'status' | undefined;
}

export interface Page {
  items: Obj[];
  version: number;
  next: string | undefined;
}

const HISTORY = 50_000;

/** Objects with versions, and everyone who wants to know of changes. Objects are never changed in place. */
export class Store {
  version = 1;
  private oldest = 0;
  private readonly tables = new Map<string, Table>();

  register(type: ResourceType): void {
    const empty = { objects: new Map(), byNode: new Map(), history: [], listeners: new Set<Listener>() };
    if (!this.tables.has(keyOf(type))) this.tables.set(keyOf(type), { type, ...empty });
  }

  types(): ResourceType[] {
    return [...this.tables.values()].map(({ type }) => type);
  }

  get(key: string, name: string, namespace = ''): Obj | undefined {
    return this.table(key).objects.get(`${namespace}/${name}`);
  }

  read(key: string, name: string, namespace = ''): Obj {
    const object = this.get(key, name, namespace);
    if (object === undefined) throw notFound(key, name);
    return object;
  }

  all(key: string): Obj[] {
    return [...this.table(key).objects.values()];
  }

  podsOn(node: string): Obj[] {
    const { objects, byNode } = this.table('pods');
    return [...(byNode.get(node) ?? [])].map((id) => objects.get(id)).filter((pod) => pod !== undefined);
  }

  /** One page of a list; the token names the last object seen and the version the list began at. */
  page(
    key: string,
    matcher: Matcher,
    options: { namespace?: string; node?: string; limit?: number; token?: string },
  ): Page {
    const table = this.table(key);
    const [version, after] = options.token === undefined ? [this.version, ''] : readToken(options.token);
    if (version < this.oldest) throw gone('The provided continue parameter is too old');
    const source =
      options.node === undefined
        ? table.objects
        : new Map(this.podsOn(options.node).map((pod) => [idOf(pod), pod]));
    const ids = [...source.keys()].filter(
      (id) => id > after && (options.namespace === undefined || id.startsWith(`${options.namespace}/`)),
    );
    ids.sort();
    const items: Obj[] = [];
    for (const id of ids) {
      const object = source.get(id);
      if (object === undefined || !matcher(object)) continue;
      if (options.limit !== undefined && items.length >= options.limit) {
        const last = items.at(-1);
        return {
          items,
          version,
          next: last && Buffer.from(JSON.stringify([version, idOf(last)])).toString('base64url'),
        };
      }
      items.push(object);
    }
    return { items, version, next: undefined };
  }

  create(key: string, input: Obj): Obj {
    const { type, objects } = this.table(key);
    const { generateName } = input.metadata;
    const name = input.metadata.name ?? `${generateName}${randomUUID().slice(0, 5)}`;
    const object: Obj = {
      ...input,
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: {
        ...input.metadata,
        name,
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z/, 'Z'),
        generation: 1,
      },
    };
    delete object.metadata.deletionTimestamp;
    if (objects.has(idOf(object))) throw alreadyExists(key, name);
    return this.commit(key, 'ADDED', object, undefined);
  }

  /** Replaces an object; a stale resourceVersion is a conflict, an unchanged object is no write. */
  update(key: string, input: Obj, options: WriteOptions = {}): Obj {
    const { type } = this.table(key);
    const before = this.read(key, input.metadata.name ?? '', input.metadata.namespace);
    const { resourceVersion } = input.metadata;
    const stale = resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion;
    if (stale || (input.metadata.uid !== undefined && input.metadata.uid !== before.metadata.uid)) {
      throw conflict(key, input.metadata.name ?? '');
    }
    const next =
      options.subresource === 'status'
        ? { ...before, ...statusOf(input) }
        : this.mainWrite(type, input, before);
    if (
      equal(
        { ...next, metadata: { ...next.metadata, resourceVersion: '' } },
        { ...before, metadata: { ...before.metadata, resourceVersion: '' } },
      )
    ) {
      return before;
    }
    const finished =
      next.metadata.deletionTimestamp !== undefined && !next.metadata.finalizers?.length && key !== 'pods';
    return this.commit(key, finished ? 'DELETED' : 'MODIFIED', next, before);
  }

  private mainWrite(type: ResourceType, input: Obj, before: Obj): Obj {
    const { uid, creationTimestamp, deletionTimestamp, generation = 1 } = before.metadata;
    const bump = equal(input.spec, before.spec) ? 0 : 1;
    const metadata = {
      ...input.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      generation: generation + bump,
    };
    const next: Obj = { ...input, apiVersion: apiVersionOf(type), kind: type.kind, metadata };
    if (!type.status) return next;
    delete next.status;
    return { ...next, ...statusOf(before) };
  }

  /** Takes the object away, or marks it when finalizers hold it. */
  remove(key: string, object: Obj): Obj {
    const known = this.get(key, object.metadata.name ?? '', object.metadata.namespace);
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return object;
    if (known.metadata.finalizers?.length) {
      return known.metadata.deletionTimestamp === undefined ? this.markDeleted(key, known) : known;
    }
    return this.commit(key, 'DELETED', known, known);
  }

  markDeleted(key: string, object: Obj, graceSeconds = 0): Obj {
    const metadata = {
      ...object.metadata,
      deletionTimestamp: new Date(Date.now() + graceSeconds * 1000).toISOString().replace(/\.\d+Z/, 'Z'),
      deletionGracePeriodSeconds: graceSeconds,
    };
    return this.commit(key, 'MODIFIED', { ...object, metadata }, object);
  }

  private commit(key: string, type: EventType, object: Obj, before: Obj | undefined): Obj {
    const table = this.table(key);
    const version = (this.version += 1);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const id = idOf(stored);
    if (type === 'DELETED') table.objects.delete(id);
    else table.objects.set(id, stored);
    if (key === 'pods')
      index(
        table.byNode,
        id,
        at(before, 'spec.nodeName'),
        type === 'DELETED' ? undefined : at(stored, 'spec.nodeName'),
      );
    const event: StoreEvent = { type, object: stored, before, version };
    table.history.push(event);
    if (table.history.length > HISTORY) this.compact(table.history[HISTORY / 2]?.version ?? version);
    for (const listener of table.listeners) listener(event);
    return stored;
  }

  /** Forgets history up to a version: older watches and continue tokens are answered 410. */
  compact(version = this.version): void {
    this.oldest = Math.max(this.oldest, version);
    for (const table of this.tables.values())
      table.history = table.history.filter((event) => event.version > version);
  }

  /** Calls for every later event; with `since`, first for those that happened after that version. */
  watch(key: string, since: number | undefined, listener: Listener): () => void {
    const table = this.table(key);
    if (since !== undefined && since < this.oldest)
      throw gone(`too old resource version: ${since} (${this.oldest})`);
    if (since !== undefined) for (const event of table.history) if (event.version > since) listener(event);
    table.listeners.add(listener);
    return () => table.listeners.delete(listener);
  }

  private table(key: string): Table {
    const table = this.tables.get(key);
    if (table === undefined) throw notFound('resource', key);
    return table;
  }
}

function idOf(object: Obj): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function statusOf(object: Obj): { status?: Record<string, unknown> } {
  return object.status === undefined ? {} : { status: object.status };
}

function index(byNode: Map<string, Set<string>>, id: string, from: unknown, to: unknown): void {
  if (from === to) return;
  if (typeof from === 'string') byNode.get(from)?.delete(id);
  if (typeof to !== 'string') return;
  const ids = byNode.get(to) ?? new Set<string>();
  byNode.set(to, ids.add(id));
}

function readToken(token: string): [number, string] {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as [number, string];
  } catch {
    throw gone('continue key is not valid');
  }
}
