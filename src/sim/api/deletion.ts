import { conflictingUid } from '../store/errors.ts';
import { at, type Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** `metav1.DeleteOptions`, the part that is understood. */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string };
}

export interface DeletionOptions {
  store: Store;
  /** Asks the node agent to stop a pod's containers; it removes the pod when they have ended. */
  stopPod: (pod: Obj, graceSeconds: number) => void;
}

export const FOREGROUND = 'foregroundDeletion';

/** How objects go: pods gracefully, namespaces once they are empty, owners by what becomes of their dependents. */
export class Deletion {
  private readonly store: Store;
  private readonly stopPod: DeletionOptions['stopPod'];

  constructor({ store, stopPod }: DeletionOptions) {
    this.store = store;
    this.stopPod = stopPod;
  }

  delete(key: string, object: Obj, options: DeleteOptions = {}): Obj {
    const wanted = options.preconditions?.uid;
    if (wanted !== undefined && wanted !== object.metadata.uid)
      throw conflictingUid(wanted, object.metadata.uid);
    // Jobs leave their pods behind unless told otherwise, for compatibility with their first version.
    const policy = options.propagationPolicy ?? (key === 'jobs.batch' ? 'Orphan' : 'Background');
    if (policy === 'Orphan') this.orphan(object);
    if (key === 'namespaces') return this.namespace(object);
    if (key === 'pods') return this.pod(object, options.gracePeriodSeconds);
    if (policy === 'Foreground') return this.foreground(key, object);
    return this.store.remove(key, object);
  }

  /** At once without a node or a grace period; else the node agent stops the containers first. */
  private pod(pod: Obj, asked: number | undefined): Obj {
    const grace = Number(asked ?? pod.spec?.['terminationGracePeriodSeconds'] ?? 30);
    if (pod.spec?.['nodeName'] === undefined || grace === 0) {
      this.stopPod(pod, 0);
      return this.store.remove('pods', pod);
    }
    if (pod.metadata.deletionTimestamp !== undefined) return pod;
    const marked = this.store.markDeleted('pods', pod, grace);
    this.stopPod(marked, grace);
    return marked;
  }

  private namespace(namespace: Obj): Obj {
    if (namespace.metadata.deletionTimestamp !== undefined) return namespace;
    const status = { ...namespace.status, phase: 'Terminating' };
    return this.store.markDeleted('namespaces', { ...namespace, status });
  }

  private foreground(key: string, object: Obj): Obj {
    const finalizers = [...new Set([...(object.metadata.finalizers ?? []), FOREGROUND])];
    if (object.metadata.deletionTimestamp !== undefined) return object;
    return this.store.markDeleted(key, { ...object, metadata: { ...object.metadata, finalizers } });
  }

  private orphan(owner: Obj): void {
    for (const { key, object } of this.store.dependents(owner.metadata.uid ?? '')) {
      const ownerReferences = object.metadata.ownerReferences?.filter(
        ({ uid }) => uid !== owner.metadata.uid,
      );
      this.store.update(key, {
        ...object,
        metadata: { ...object.metadata, ownerReferences: ownerReferences ?? [] },
      });
    }
  }
}

export function isTerminating(namespace: Obj): boolean {
  return at(namespace, 'status.phase') === 'Terminating';
}
