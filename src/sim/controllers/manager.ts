import { at, type Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';
import { type JobTiming, reconcileJob } from './job.ts';
import {
  collectGarbage,
  ownerOf,
  reconcileBudget,
  reconcileDaemonSet,
  reconcileReplicaSet,
  schedule,
} from './workloads.ts';

/** Runs the controllers on what changed, a turn later, so that none sees another's half-done work. */
export class ControllerManager {
  private readonly store: Store;
  private readonly timing: JobTiming;
  private readonly jobPods = new Map<string, Map<string, Obj>>();
  private readonly due = new Map<string, () => void>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly stops: (() => void)[] = [];
  private turn: NodeJS.Immediate | undefined;

  constructor(store: Store, timing: JobTiming) {
    this.store = store;
    this.timing = timing;
  }

  start(): void {
    const { store } = this;
    const watch = (key: string, listener: Parameters<Store['watch']>[2]) =>
      this.stops.push(store.watch(key, 0, listener));
    watch('pods', ({ type, object }) => this.podChanged(object, type === 'DELETED'));
    watch('jobs.batch', ({ type, object }) => this.ownerChanged('jobs.batch', object, type));
    watch('replicasets.apps', ({ type, object }) => this.ownerChanged('replicasets.apps', object, type));
    watch('daemonsets.apps', ({ type, object }) => this.ownerChanged('daemonsets.apps', object, type));
    watch('poddisruptionbudgets.policy', () => this.later('budgets', () => this.budgets()));
    watch('nodes', () => this.later('cluster', () => this.cluster()));
    for (const type of store.types().filter(({ group }) => group === 'operator.kairos.io')) {
      watch(`${type.plural}.${type.group}`, ({ type: change, object }) => {
        if (change === 'DELETED')
          this.later(`gc/${object.metadata.uid}`, () => collectGarbage(store, object));
      });
    }
  }

  stop(): void {
    for (const stop of this.stops) stop();
    for (const timer of this.timers) clearTimeout(timer);
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
    if (owner?.kind === 'Job') {
      const pods = this.jobPods.get(owner.uid) ?? new Map<string, Obj>();
      this.jobPods.set(owner.uid, pods);
      if (gone) pods.delete(pod.metadata.uid ?? '');
      else pods.set(pod.metadata.uid ?? '', pod);
      this.ownerDue('jobs.batch', owner.name, pod.metadata.namespace);
    } else if (owner?.kind === 'ReplicaSet')
      this.ownerDue('replicasets.apps', owner.name, pod.metadata.namespace);
    else if (owner?.kind === 'DaemonSet')
      this.ownerDue('daemonsets.apps', owner.name, pod.metadata.namespace);
    if (this.store.all('poddisruptionbudgets.policy').length > 0) this.later('budgets', () => this.budgets());
  }

  private ownerChanged(key: string, owner: Obj, type: string): void {
    if (type === 'DELETED') this.later(`gc/${owner.metadata.uid}`, () => collectGarbage(this.store, owner));
    else this.ownerDue(key, owner.metadata.name ?? '', owner.metadata.namespace);
  }

  private ownerDue(key: string, name: string, namespace: string | undefined): void {
    this.later(`${key}/${namespace}/${name}`, () => {
      const owner = this.store.get(key, name, namespace);
      if (owner === undefined) return;
      if (key === 'replicasets.apps') reconcileReplicaSet(this.store, owner);
      else if (key === 'daemonsets.apps') reconcileDaemonSet(this.store, owner);
      else this.job(owner);
    });
  }

  private job(job: Obj): void {
    const pods = [...(this.jobPods.get(job.metadata.uid ?? '')?.values() ?? [])];
    const again = reconcileJob(this.store, job, pods, this.timing);
    if (again === undefined) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.ownerDue('jobs.batch', job.metadata.name ?? '', job.metadata.namespace);
    }, again + 1);
    this.timers.add(timer);
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
