import type { OwnerReference } from '../../api/kubernetes.ts';
import { type Deletion, FOREGROUND } from '../api/deletion.ts';
import { apiVersionOf, keyOf } from '../resources.ts';
import type { Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** Removes objects whose owners are all gone, and owners that wait for their dependents. */
export class GarbageCollector {
  private readonly store: Store;
  private readonly deletion: Deletion;

  constructor(store: Store, deletion: Deletion) {
    this.store = store;
    this.deletion = deletion;
  }

  /** Looks at what depends on an owner that is gone or waits to go, and at the owners of a dependent that went. */
  changed(key: string, object: Obj, gone: boolean): void {
    if (gone) {
      for (const { key: of, object: dependent } of this.dependents(object)) this.check(of, dependent);
      for (const reference of object.metadata.ownerReferences ?? []) {
        const owner = this.owner(reference, object.metadata.namespace);
        if (owner !== undefined && owner !== 'unknown') this.finish(owner.key, owner.object);
      }
    } else if (waits(object)) {
      for (const { key: of, object: dependent } of this.dependents(object)) {
        if (dependent.metadata.deletionTimestamp === undefined)
          this.deletion.delete(of, dependent, { propagationPolicy: 'Foreground' });
      }
      this.finish(key, object);
    }
  }

  /** What an earlier collector had not got to. */
  checkAll(): void {
    for (const type of this.store.types())
      for (const object of this.store.all(keyOf(type))) {
        this.changed(keyOf(type), object, false);
        this.check(keyOf(type), object);
      }
  }

  /** An object none of whose owners is there goes; a reference to a kind that is not served says nothing. */
  check(key: string, object: Obj): void {
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0 || object.metadata.deletionTimestamp !== undefined) return;
    const owners = references.map((reference) => this.owner(reference, object.metadata.namespace));
    if (owners.every((owner) => owner === undefined))
      this.deletion.delete(key, object, { propagationPolicy: 'Background' });
  }

  private dependents(owner: Obj): { key: string; object: Obj }[] {
    return this.store.dependents(owner.metadata.uid ?? '');
  }

  /** Lets an owner go when none of its dependents holds it any longer. */
  private finish(key: string, seen: Obj): void {
    const owner = this.store.get(key, seen.metadata.name ?? '', seen.metadata.namespace);
    if (owner === undefined || owner.metadata.uid !== seen.metadata.uid || !waits(owner)) return;
    const holds = this.dependents(owner).some(({ object }) =>
      object.metadata.ownerReferences?.some(
        (reference) => reference.uid === owner.metadata.uid && reference.blockOwnerDeletion === true,
      ),
    );
    if (holds) return;
    const finalizers = owner.metadata.finalizers?.filter((it) => it !== FOREGROUND) ?? [];
    const metadata = { ...owner.metadata, finalizers };
    this.store.update(key, { ...owner, metadata });
  }

  private owner(
    { apiVersion, kind, name, uid }: OwnerReference,
    namespace: string | undefined,
  ): { key: string; object: Obj } | 'unknown' | undefined {
    const type = this.store.types().find((it) => it.kind === kind && apiVersionOf(it) === apiVersion);
    if (type === undefined) return 'unknown';
    const object = this.store.get(keyOf(type), name, type.namespaced ? namespace : undefined);
    return object?.metadata.uid === uid && object !== undefined ? { key: keyOf(type), object } : undefined;
  }
}

function waits(object: Obj): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    object.metadata.finalizers?.includes(FOREGROUND) === true
  );
}
