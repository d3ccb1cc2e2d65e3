import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/ports.ts';
import { systemClock } from '../../time/clock.ts';
import { apiVersionOf, keyOf, type ResourceType } from '../resources.ts';
import { alreadyExists, badRequest, conflict, gone, invalid, notFound } from './errors.ts';
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
type ListenerOfAll = (key: string, event: StoreEvent) => void;

interface Table {
  type: ResourceType;
  objects: Map<string, Obj>;
  byNode: Map<string, Set<string>>;
  history: StoreEvent[];
  listeners: Set<Listener>;
  /** No watch can begin before this version. */
  since: number;
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

/** All objects as they were at one version, by table. */
export interface Backup {
  version: number;
  tables: ReadonlyMap<string, ReadonlyMap<string, Obj>>;
}

const HISTORY = 50_000;

/** Objects with versions, and everyone who wants to know of changes. Objects are never changed in place. */
export class Store {
  version = 1;
  /** The cluster's own: for what it waits for, and the stamps it gives. */
  readonly clock: Clock;
  private readonly uuid: () => string;
  private oldest = 0;
  private rehearsing = false;
  private readonly tables = new Map<string, Table>();
  private readonly listenersOfAll = new Set<ListenerOfAll>();
  /** Keys of the tables and ids of the objects that name an owner, by its uid. */
  private readonly owned = new Map<string, Map<string, { key: string; id: string }>>();

  constructor({ clock = systemClock, uuid = randomUUID }: { clock?: Clock; uuid?: () => string } = {}) {
    this.clock = clock;
    this.uuid = uuid;
  }

  /** A stamp of this moment. */
  now(): string {
    return stamp(this.clock.wall());
  }

  register(type: ResourceType): void {
    const key = keyOf(type);
    if (this.tables.has(key)) return;
    // A type that comes later has no past: nothing before it can be watched.
    const since = this.version > 1 ? this.version : 0;
    const empty = { objects: new Map(), byNode: new Map(), history: [], listeners: new Set<Listener>() };
    this.tables.set(key, { type, since, ...empty });
  }

  /** Takes a type and its objects away. */
  unregister(key: string): void {
    for (const object of this.all(key)) {
      const metadata = { ...object.metadata, finalizers: [] };
      this.commit(key, 'DELETED', { ...object, metadata }, object);
    }
    this.tables.delete(key);
  }

  /** What a write would answer; nothing is stored and nobody is told. */
  rehearse<T>(write: () => T): T {
    this.rehearsing = true;
    try {
      return write();
    } finally {
      this.rehearsing = false;
    }
  }

  /** Replaces what is stored, as if it had always been so: no new versions, no events. */
  migrate(key: string, change: (object: Obj) => Obj): void {
    const { objects } = this.table(key);
    for (const [id, object] of objects) objects.set(id, change(object));
  }

  has(key: string): boolean {
    return this.tables.has(key);
  }

  /** The objects whose owner references name a uid. */
  dependents(uid: string): { key: string; object: Obj }[] {
    return [...(this.owned.get(uid)?.values() ?? [])].flatMap(({ key, id }) => {
      const object = this.tables.get(key)?.objects.get(id);
      return object === undefined ? [] : [{ key, object }];
    });
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
        ? snapshot(table, version)
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

  /** `complete` fills in what depends on the name and the uid. */
  create(key: string, input: Obj, complete: (object: Obj) => Obj = (object) => object): Obj {
    const { type, objects } = this.table(key);
    const { generateName } = input.metadata;
    const name = input.metadata.name ?? `${generateName}${this.uuid().slice(0, 5)}`;
    const object: Obj = {
      ...input,
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: {
        ...input.metadata,
        name,
        uid: this.uuid(),
        creationTimestamp: this.now(),
        generation: 1,
      },
    };
    delete object.metadata.deletionTimestamp;
    if (objects.has(idOf(object))) throw alreadyExists(key, name);
    return this.commit(key, 'ADDED', complete(object), undefined);
  }

  /** Replaces an object; a stale resourceVersion is a conflict, an unchanged object is no write. */
  update(key: string, input: Obj, options: WriteOptions = {}): Obj {
    const { type } = this.table(key);
    const before = this.read(key, input.metadata.name ?? '', input.metadata.namespace);
    const { resourceVersion, finalizers = [] } = input.metadata;
    const stale = resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion;
    if (stale || (input.metadata.uid !== undefined && input.metadata.uid !== before.metadata.uid)) {
      throw conflict(key, input.metadata.name ?? '');
    }
    const added = finalizers.filter((it) => before.metadata.finalizers?.includes(it) !== true);
    if (before.metadata.deletionTimestamp !== undefined && added.length > 0) {
      const message = 'Forbidden: no new finalizers can be added if the object is being deleted';
      throw invalid(type.kind, input.metadata.name ?? '', [{ field: 'metadata.finalizers', message }]);
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
    const { deletionTimestamp, deletionGracePeriodSeconds } = next.metadata;
    const finished =
      deletionTimestamp !== undefined &&
      !next.metadata.finalizers?.length &&
      key !== 'namespaces' &&
      (key !== 'pods' || deletionGracePeriodSeconds === 0);
    return this.commit(key, finished ? 'DELETED' : 'MODIFIED', next, before);
  }

  private mainWrite(type: ResourceType, input: Obj, before: Obj): Obj {
    const { uid, creationTimestamp, generation = 1 } = before.metadata;
    const { deletionTimestamp, deletionGracePeriodSeconds } = before.metadata;
    const bump = equal(input.spec, before.spec) ? 0 : 1;
    const metadata = {
      ...input.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
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
      const { deletionTimestamp, deletionGracePeriodSeconds } = known.metadata;
      const marked = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0;
      return marked ? known : this.markDeleted(key, known);
    }
    return this.commit(key, 'DELETED', known, known);
  }

  markDeleted(key: string, object: Obj, graceSeconds = 0): Obj {
    const metadata = {
      ...object.metadata,
      deletionTimestamp: stamp(this.clock.wall() + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
    };
    return this.commit(key, 'MODIFIED', { ...object, metadata }, object);
  }

  private commit(key: string, type: EventType, object: Obj, before: Obj | undefined): Obj {
    if (this.rehearsing) return object;
    const version = (this.version += 1);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.enter(key, { type, object: stored, before, version });
    return stored;
  }

  /** Takes over what another store has told `watchAll`, in its order and with its versions. */
  replay(key: string, type: EventType, object: Obj): void {
    const before = this.get(key, object.metadata.name ?? '', object.metadata.namespace);
    this.version = Number(object.metadata.resourceVersion);
    this.enter(key, { type, object, before, version: this.version });
  }

  private enter(key: string, event: StoreEvent): void {
    const { type, object: stored, before, version } = event;
    const table = this.table(key);
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
    this.indexOwners(key, id, before, type === 'DELETED' ? undefined : stored);
    table.history.push(event);
    if (table.history.length > HISTORY) this.compact(table.history[HISTORY / 2]?.version ?? version);
    for (const listener of table.listeners) listener(event);
    for (const listener of this.listenersOfAll) listener(key, event);
  }

  private indexOwners(key: string, id: string, before: Obj | undefined, after: Obj | undefined): void {
    if (before?.metadata.ownerReferences === after?.metadata.ownerReferences) return;
    const entry = `${key} ${id}`;
    for (const { uid } of before?.metadata.ownerReferences ?? []) {
      this.owned.get(uid)?.delete(entry);
      if (this.owned.get(uid)?.size === 0) this.owned.delete(uid);
    }
    for (const { uid } of after?.metadata.ownerReferences ?? []) {
      const entries = this.owned.get(uid) ?? new Map<string, { key: string; id: string }>();
      this.owned.set(uid, entries.set(entry, { key, id }));
    }
  }

  /** Calls for every change of anything. */
  watchAll(listener: ListenerOfAll): () => void {
    this.listenersOfAll.add(listener);
    return () => this.listenersOfAll.delete(listener);
  }

  /** Forgets history up to a version: older watches and continue tokens are answered 410. */
  compact(version = this.version): void {
    this.oldest = Math.max(this.oldest, version);
    for (const table of this.tables.values())
      table.history = table.history.filter((event) => event.version > version);
  }

  backup(): Backup {
    const { version } = this;
    return {
      version,
      tables: new Map([...this.tables].map(([key, { objects }]) => [key, new Map(objects)])),
    };
  }

  /**
   * As etcd comes back from a backup: versions go back, what was before is not remembered, and nobody is told. Whoever watches has
   * to begin anew.
   */
  restore({ version, tables }: Backup): void {
    this.version = version;
    this.oldest = version;
    this.owned.clear();
    for (const [key, table] of this.tables) {
      table.objects = new Map(tables.get(key));
      table.byNode = new Map();
      table.history = [];
      for (const [id, object] of table.objects) {
        if (key === 'pods') index(table.byNode, id, undefined, at(object, 'spec.nodeName'));
        this.indexOwners(key, id, undefined, object);
      }
    }
  }

  /**
   * Calls for every later event; with `since`, first for those that happened after that version. From a version that is yet to come
   * nothing is told before it, as the watch cache of API servers does.
   */
  watch(key: string, since: number | undefined, listener: Listener): () => void {
    const table = this.table(key);
    const oldest = Math.max(this.oldest, table.since);
    if (since !== undefined && since < oldest) throw gone(`too old resource version: ${since} (${oldest})`);
    if (since !== undefined) for (const event of table.history) if (event.version > since) listener(event);
    const isYetToCome = since !== undefined && since > this.version;
    const heard: Listener = isYetToCome
      ? (event) => {
          if (event.version > since) listener(event);
        }
      : listener;
    table.listeners.add(heard);
    return () => table.listeners.delete(heard);
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

/** The objects of a table as they were at a version that history reaches back to. */
function snapshot(table: Table, version: number): Map<string, Obj> {
  const later = table.history.slice(table.history.findLastIndex((event) => event.version <= version) + 1);
  if (later.length === 0) return table.objects;
  const objects = new Map(table.objects);
  for (const { type, object, before } of later.toReversed()) {
    if (type === 'ADDED' || before === undefined) objects.delete(idOf(object));
    else objects.set(idOf(object), before);
  }
  return objects;
}

function readToken(token: string): [number, string] {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as [number, string];
  } catch {
    throw badRequest('invalid continue token: continue key is not valid');
  }
}

/** RFC 3339 in whole seconds, as API servers write times. */
function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
}
