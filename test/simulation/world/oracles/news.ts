import type { Obj } from '../../../../src/sim/store/object.ts';

interface Known {
  /** Undefined: it is gone. */
  uid: string | undefined;
  /** Whether it took the place of one that the process had known before. */
  isNews: boolean;
  since: number;
}

type WatchEvent = { type: string; object: Obj };

/** What each process has been told of nodes, and which of them writes. */
export class News {
  readonly #known = new Map<object, Map<string, Known>>();
  #writer: object | undefined;

  writes(by: object): void {
    this.#writer = by;
  }

  /** The answer to a request, or an event of a watch, has reached the process. */
  told(by: object, path: string, text: string, now: number): void {
    if (!/^\/api\/v1\/nodes\b/.test(path) || text === '') return;
    const known = this.#known.get(by) ?? new Map<string, Known>();
    this.#known.set(by, known);
    const learn = (name: string, uid: string | undefined) => {
      const before = known.get(name);
      if (before !== undefined && before.uid === uid) return;
      known.set(name, { uid, isNews: before !== undefined, since: now });
    };
    const told = JSON.parse(text) as Partial<Obj> & { items?: Obj[] } & Partial<WatchEvent>;
    if (told.items !== undefined && !path.includes('limit=1&') && !path.endsWith('limit=1')) {
      const names = new Map(told.items.map(({ metadata }) => [metadata.name ?? '', metadata.uid]));
      for (const name of new Set([...known.keys(), ...names.keys()])) learn(name, names.get(name));
    }
    const node = told.object ?? told;
    if (told.type !== 'BOOKMARK' && node.metadata?.name !== undefined)
      learn(node.metadata.name, told.type === 'DELETED' ? undefined : node.metadata.uid);
  }

  /** When whoever writes heard that a node it had known is not there any more: Infinity when it has not yet; undefined when it never knew it. */
  heardOfEnd(name: string, uid: string | undefined): number | undefined {
    const known = this.#writer && this.#known.get(this.#writer)?.get(name);
    if (known === undefined) return undefined;
    if (known.uid === uid) return Infinity;
    return known.isNews ? known.since : undefined;
  }
}
