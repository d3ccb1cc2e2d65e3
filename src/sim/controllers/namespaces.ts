import { type Deletion, isTerminating } from '../api/deletion.ts';
import { keyOf } from '../resources.ts';
import type { Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** A new namespace gets its default ServiceAccount; one that is to go is emptied and then taken away. */
export function reconcileNamespace(store: Store, deletion: Deletion, seen: Obj): void {
  const name = seen.metadata.name ?? '';
  const namespace = store.get('namespaces', name);
  if (namespace === undefined) return;
  if (!isTerminating(namespace)) {
    if (store.get('serviceaccounts', 'default', name) === undefined)
      store.create('serviceaccounts', { metadata: { name: 'default', namespace: name } });
    return;
  }
  const left = store
    .types()
    .filter((type) => type.namespaced)
    .flatMap((type) => store.all(keyOf(type)).map((object) => ({ key: keyOf(type), object })))
    .filter(({ object }) => object.metadata.namespace === name);
  for (const { key, object } of left)
    if (object.metadata.deletionTimestamp === undefined)
      deletion.delete(key, object, { propagationPolicy: 'Background' });
  if (left.length === 0) store.remove('namespaces', namespace);
}
