import { isFinalPhase, type NodeOpStatus } from '../../../src/api/nodeop.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import { kindOf } from './machine.ts';
import type { Moment } from './plan.ts';

/** What is worth a fault right then. */
export const MARKS = [
  'cordon',
  'eviction',
  'Preflight',
  'Draining',
  'Running',
  'Rebooting',
  'Postflight',
  'Completed',
  'Failed',
  'preflight made',
  'preflight starts',
  'preflight ends',
  'command made',
  'command starts',
  'command ends',
  'postflight made',
  'postflight starts',
  'postflight ends',
  'reboot made',
  'reboot starts',
  'node reboots',
  'check made',
  'check starts',
  'check ends',
  'step soaks',
  'step is checked',
  'step passed',
  'leader changes',
  'NodeOp made',
  'NodeOp over',
] as const;
/** Besides, an agent sends something that changes the cluster: for plans that go from one write to the next. */
export type Mark = (typeof MARKS)[number] | 'write';

const NODEOPS = 'nodeops.operator.kairos.io';

/** Calls when something is seen for the so-manieth time. */
export class Moments {
  readonly #counts = new Map<Mark, number>();
  #waiting: { moment: Moment; call: () => void }[] = [];

  when(moment: Moment, call: () => void): void {
    this.#waiting.push({ moment, call });
  }

  seen(mark: Mark): void {
    const count = (this.#counts.get(mark) ?? 0) + 1;
    this.#counts.set(mark, count);
    const due = this.#waiting.filter(({ moment }) => moment.mark === mark && moment.nth === count);
    this.#waiting = this.#waiting.filter((it) => !due.includes(it));
    for (const { call } of due) call();
  }

  stored(key: string, object: Obj, before: Obj | undefined): void {
    if (key === NODEOPS) this.#nodeOp(object, before);
    const { metadata, spec } = object;
    if (key === 'nodes' && spec?.['unschedulable'] === true && before?.spec?.['unschedulable'] !== true)
      this.seen('cordon');
    const holder = (it: Obj | undefined) => it?.spec?.['holderIdentity'];
    if (key === 'leases.coordination.k8s.io' && holder(before) !== holder(object))
      this.seen('leader changes');
    if (key !== 'pods') return;
    const kind = kindOf(object);
    const isToGo =
      metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined;
    if (kind === 'workload' && isToGo) this.seen('eviction');
    if (kind !== 'workload' && before === undefined) this.seen(`${kind} made`);
  }

  #nodeOp({ status }: Obj, before: Obj | undefined): void {
    if (before === undefined) this.seen('NodeOp made');
    const isOver = (it: Obj['status']) => isFinalPhase(((it ?? {}) as NodeOpStatus).phase);
    if (isOver(status) && !isOver(before?.status)) this.seen('NodeOp over');
    const was = ((before?.status ?? {}) as NodeOpStatus).nodeStatuses ?? {};
    this.#steps(status, before?.status);
    for (const [node, { phase }] of Object.entries(((status ?? {}) as NodeOpStatus).nodeStatuses ?? {}))
      if (phase !== was[node]?.phase && phase !== 'Pending' && phase !== 'Cancelled') this.seen(phase);
  }

  #steps(status: Obj['status'], before: Obj['status']): void {
    const was = ((before ?? {}) as NodeOpStatus).steps ?? [];
    for (const [i, { phase }] of (((status ?? {}) as NodeOpStatus).steps ?? []).entries()) {
      if (phase === was[i]?.phase) continue;
      if (phase === 'Soaking') this.seen('step soaks');
      if (phase === 'Checking') this.seen('step is checked');
      if (phase === 'Passed') this.seen('step passed');
    }
  }
}
