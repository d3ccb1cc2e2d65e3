import type { KubeObject } from '../api/kubernetes.ts';
import type { Listed } from './collection.ts';

/** What was heard of an object while a list was under way: the object, or the version it was deleted at. */
type Heard<T> = { object: T } | { goneAt: bigint };

export interface KnownOptions<T extends KubeObject> {
  /** Keeps only what is used: a whole Node or Pod costs tens of kilobytes. */
  trim?: (object: T) => T;
  /**
   * @param isUnheard it was found to be gone: what became of it last is not known, unless the watch tells it yet, by another call
   */
  onChange: (object: T, gone: boolean, isUnheard: boolean) => void;
}

/**
 * What is known of a collection, put together from lists, watches and single objects that may overtake each other.
 * A list is the truth, but for what was heard since it was made.
 */
export class KnownObjects<T extends KubeObject> {
  /** Everything up to it is known; '' when there has to be a list first. */
  version = '';
  private readonly options: KnownOptions<T>;
  private readonly objects = new Map<string, T>();
  /** What is heard while lists are under way, one map a list. */
  private readonly hearing = new Set<Map<string, Heard<T>>>();
  /** UIDs, by key, of those found to be gone since the last list, of whose end the watch has not told. */
  private readonly unheard = new Map<string, string | undefined>();

  constructor(options: KnownOptions<T>) {
    this.options = options;
  }

  values(): IterableIterator<T> {
    return this.objects.values();
  }

  get(name: string, namespace?: string): T | undefined {
    return this.objects.get(keyOf(name, namespace));
  }

  readonly trim = (object: T): T => this.options.trim?.(object) ?? object;

  /** Takes in an object just read or written, unless a newer one is known or it is gone by now. */
  put(object: T): void {
    const key = keyOfObject(object);
    const known = this.objects.get(key);
    const version = versionOf(object);
    if (known && versionOf(known) >= version) return;
    // The watch is past this version and knows of no such object: it was deleted since.
    if (known === undefined && this.version !== '' && version <= BigInt(this.version)) return;
    for (const heard of this.hearing) heard.set(key, { object });
    this.set(key, this.trim(object));
  }

  /** A namesake created since, and put in ahead of the watch, stays. */
  removed(object: T): void {
    const key = keyOfObject(object);
    const known = this.objects.get(key);
    const goneAt = versionOf(object);
    if (known && versionOf(known) > goneAt) return;
    for (const heard of this.hearing) heard.set(key, { goneAt });
    if (known !== undefined) this.remove(key);
    else if (this.unheard.has(key) && this.unheard.get(key) === object.metadata.uid) {
      this.unheard.delete(key);
      this.options.onChange(this.trim(object), true, false);
    }
  }

  /** Forgets an object that the server was asked for and does not have, unless it changed since the question. */
  missing(name: string, namespace: string | undefined, before: T | undefined): void {
    const key = keyOf(name, namespace);
    if (this.objects.get(key) === before) this.remove(key, true);
  }

  /**
   * Takes in a list. What comes in while it is being made counts where it is newer, unless the versions of the server went
   * back: then nothing from before can be compared.
   * @returns whether they went back
   */
  async takeList(list: () => Promise<Listed<T>>): Promise<boolean> {
    const from = this.version;
    const heard = new Map<string, Heard<T>>();
    this.hearing.add(heard);
    try {
      const { items, version } = await list();
      const wentBack = from !== '' && version !== '' && BigInt(version) < BigInt(from);
      this.replace(items, version, wentBack ? new Map() : heard);
      return wentBack;
    } finally {
      this.hearing.delete(heard);
    }
  }

  private replace(items: readonly T[], version: string, heard: ReadonlyMap<string, Heard<T>>): void {
    const at = BigInt(version || 0);
    const isNewer = (news: Heard<T> | undefined) =>
      news !== undefined && ('object' in news ? versionOf(news.object) : news.goneAt) > at;
    this.version = version;
    this.unheard.clear();
    const listed = new Set<string>();
    for (const item of items) {
      const key = keyOfObject(item);
      listed.add(key);
      const known = this.objects.get(key);
      if (isNewer(heard.get(key)) || (known && isSame(known, item))) continue;
      this.set(key, item);
    }
    for (const key of this.objects.keys())
      if (!listed.has(key) && !isNewer(heard.get(key))) this.remove(key, true);
  }

  private set(key: string, object: T): void {
    this.objects.set(key, object);
    this.unheard.delete(key);
    this.options.onChange(object, false, false);
  }

  private remove(key: string, isUnheard = false): void {
    const known = this.objects.get(key);
    if (known === undefined) return;
    this.objects.delete(key);
    if (isUnheard) this.unheard.set(key, known.metadata.uid);
    this.options.onChange(known, true, isUnheard);
  }
}

/** Resource versions of one server can be compared as numbers (KEP-5504); they exceed 2^53 in theory only. */
export function versionOf(object: KubeObject): bigint {
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
