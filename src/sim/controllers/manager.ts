import type { OwnerReference } from '../../api/kubernetes.ts';
import { type Deletion, isTerminating } from '../api/deletion.ts';
import { at, type Obj } from '../store/object.ts';
import type { Store, StoreEvent } from '../store/store.ts';
import type { GarbageCollector } from './garbage.ts';
import { type JobTiming, reconcileJob, release } from './job.ts';
import { reconcileNamespace } from './namespaces.ts';
import { reconcileDeployment, reconcileStatefulSet } from './sets.ts';
import { ownerOf, reconcileBudget, reconcileDaemonSet, reconcileReplicaSet, schedule } from './workloads.ts';

/** The owners that are looked at when one of their dependents changes, by kind. */
const OWNERS: Record<string, string> = {
  Job: 'jobs.batch',
  DaemonSet: 'daemonsets.apps',
  Deployment: 'deployments.apps',
  ReplicaSet: 'replicasets.apps',
  StatefulSet: 'statefulsets.apps',
};

interface ManagerOptions {
  store: Store;
  deletion: Deletion;
  garbage: GarbageCollector;
  timing: JobTiming;
}

/** Runs the controllers on what changed, a turn later, so that none sees another's half-done work. */
export class ControllerManager {
  private readonly store: Store;
  private readonly options: ManagerOptions;
  private readonly jobPods = new Map<string, Map<string, Obj>>();
  private readonly due = new Map<string, () => void>();
  private readonly timers = new Set<() => void>();
  private readonly stops: (() => void)[] = [];
  private turn: NodeJS.Immediate | undefined;

  constructor(options: ManagerOptions) {
    this.store = options.store;
    this.options = options;
  }

  start(): void {
    const { store } = this;
    const watch = (key: string, listener: Parameters<Store['watch']>[2]) =>
      this.stops.push(store.watch(key, 0, listener));
    watch('pods', ({ type, object }) => this.podChanged(object, type === 'DELETED'));
    for (const key of Object.values(OWNERS)) {
      watch(key, ({ object }) => {
        this.ownerDue(key, object.metadata.name ?? '', object.metadata.namespace);
        this.dependentChanged(object);
      });
    }
    watch('namespaces', ({ object }) => this.namespace(object.metadata.name));
    watch('poddisruptionbudgets.policy', () => this.later('budgets', () => this.budgets()));
    watch('nodes', () => this.later('cluster', () => this.cluster()));
    this.stops.push(store.watchAll((key, event) => this.anyChanged(key, event)));
  }

  /** What it knows is of a store that was restored since: it looks at all anew. */
  relist(): void {
    const { store, options } = this;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.due.clear();
    this.jobPods.clear();
    for (const key of Object.values(OWNERS)) {
      for (const object of store.all(key)) {
        const { name = '', namespace } = object.metadata;
        this.ownerDue(key, name, namespace);
      }
    }
    this.later('garbage', () => options.garbage.checkAll());
    for (const pod of store.all('pods')) this.podChanged(pod, false);
    this.later('cluster', () => this.cluster());
  }

  stop(): void {
    for (const stop of this.stops) stop();
    for (const cancel of this.timers) cancel();
    if (this.turn) clearImmediate(this.turn);
  }

  private later(key: string, run: () => void): void {
    this.due.set(key, run);
    this.turn ??= setImmediate(() => {
      this.turn = undefined;
      const runs = [...this.due.values()];
      this.due.clear();
      for (const one of runs) one();
    });
  }

  private podChanged(pod: Obj, gone: boolean): void {
    const owner = ownerOf(pod);
    if (!gone && pod.spec?.['nodeName'] === undefined) {
      this.later(`schedule/${pod.metadata.uid}`, () => {
        const known = this.store.get('pods', pod.metadata.name ?? '', pod.metadata.namespace);
        if (known) schedule(this.store, known);
      });
    }
    if (owner === undefined && !gone)
      this.later(`release/${pod.metadata.uid}`, () => release(this.store, pod));
    if (owner?.kind === 'Job') {
      const pods = this.jobPods.get(owner.uid) ?? new Map<string, Obj>();
      this.jobPods.set(owner.uid, pods);
      if (gone) pods.delete(pod.metadata.uid ?? '');
      else pods.set(pod.metadata.uid ?? '', pod);
    }
    this.dependentChanged(pod);
    if (owner?.kind === 'Job') this.later(`orphan/${owner.uid}`, () => this.orphaned(owner));
    if (this.store.all('poddisruptionbudgets.policy').length > 0) this.later('budgets', () => this.budgets());
  }

  private dependentChanged(dependent: Obj): void {
    const { kind = '', name = '' } = ownerOf(dependent) ?? {};
    const key = OWNERS[kind];
    if (key !== undefined) this.ownerDue(key, name, dependent.metadata.namespace);
  }

  private anyChanged(key: string, { type, object }: StoreEvent): void {
    const gone = type === 'DELETED';
    if (gone) this.namespace(object.metadata.namespace);
    if (gone || object.metadata.deletionTimestamp !== undefined)
      this.later(`gc/${gone}/${object.metadata.uid}`, () => this.options.garbage.changed(key, object, gone));
  }

  private namespace(name: string | undefined): void {
    const namespace = name === undefined ? undefined : this.store.get('namespaces', name);
    if (namespace === undefined) return;
    const fresh = this.store.get('serviceaccounts', 'default', name) === undefined;
    if (fresh || isTerminating(namespace))
      this.later(`namespaces/${name}`, () =>
        reconcileNamespace(this.store, this.options.deletion, namespace),
      );
  }

  private ownerDue(key: string, name: string, namespace: string | undefined): void {
    this.later(`${key}/${namespace}/${name}`, () => {
      const owner = this.store.get(key, name, namespace);
      // A Job that is being deleted still lets go of its pods.
      if (owner === undefined || (owner.metadata.deletionTimestamp !== undefined && key !== 'jobs.batch'))
        return;
      this.reconcile(key, owner);
    });
  }

  private reconcile(key: string, owner: Obj): void {
    const { store, deletion } = this.options;
    if (key === 'jobs.batch') this.job(owner);
    else if (key === 'daemonsets.apps') reconcileDaemonSet(store, owner);
    else if (key === 'deployments.apps') reconcileDeployment(store, owner);
    else if (key === 'replicasets.apps') reconcileReplicaSet(store, deletion, owner);
    else if (key === 'statefulsets.apps') reconcileStatefulSet(store, deletion, owner);
  }

  private job(job: Obj): void {
    const pods = [...(this.jobPods.get(job.metadata.uid ?? '')?.values() ?? [])];
    const again = reconcileJob(this.options, job, pods);
    if (again === undefined) return;
    const cancel = this.store.clock.after(again + 1, () => {
      this.timers.delete(cancel);
      this.ownerDue('jobs.batch', job.metadata.name ?? '', job.metadata.namespace);
    });
    this.timers.add(cancel);
  }

  /** The pods of a Job that is gone wait for nobody's count. */
  private orphaned({ uid, name }: OwnerReference): void {
    for (const pod of this.jobPods.get(uid)?.values() ?? []) {
      const job = this.store.get('jobs.batch', name, pod.metadata.namespace);
      if (job?.metadata.uid !== uid) release(this.store, pod);
    }
  }

  private budgets(): void {
    for (const budget of this.store.all('poddisruptionbudgets.policy')) reconcileBudget(this.store, budget);
  }

  /** A node came, went or became Ready: what waits for one is looked at again. */
  private cluster(): void {
    for (const set of this.store.all('daemonsets.apps')) reconcileDaemonSet(this.store, set);
    for (const pod of this.store.all('pods'))
      if (at(pod, 'spec.nodeName') === undefined) schedule(this.store, pod);
  }
}
