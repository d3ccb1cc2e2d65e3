import type { Obj, Sim } from '../../src/sim/index.ts';
import { keyOf } from '../../src/sim/resources.ts';

/** What etcd holds at a moment: objects by their type and id. */
export type Backup = ReadonlyMap<string, ReadonlyMap<string, Obj>>;

export function backup({ store }: Sim): Backup {
  const entry = (key: string) => [key, new Map(store.all(key).map((it) => [idOf(it), it]))] as const;
  return new Map(store.types().map((type) => entry(keyOf(type))));
}

/**
 * Puts all objects back as they were, with their UIDs and versions; what was made since is gone, and its kubelets end it. No
 * agent may be at work meanwhile: API servers are down while etcd is restored. What was deleted since is not brought back.
 */
export function restore({ store }: Sim, saved: Backup): void {
  for (const [key, objects] of saved) {
    for (const object of store.all(key)) {
      if (objects.has(idOf(object))) continue;
      store.migrate(key, (it) =>
        it === object ? { ...it, metadata: { ...it.metadata, finalizers: [] } } : it,
      );
      store.remove(key, object);
    }
    store.migrate(key, (object) => objects.get(idOf(object)) ?? object);
  }
}

function idOf({ metadata }: Obj): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
