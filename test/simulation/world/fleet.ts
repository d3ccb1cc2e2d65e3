import { isFinalNodePhase, type NodeOpStatus, type NodeStatus } from '../../../src/api/nodeop.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import type { Cluster } from './cluster.ts';
import type { Faults } from './faults.ts';
import type { Behaviour, Kind } from './machine.ts';
import type { Oracles } from './oracles.ts';
import { type Event, IN_FLIGHT, type NodePlan } from './plan.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

type NodeEvent = Extract<Event, { kind: 'node' }>;

const QUICK: Behaviour = { startMs: 300, runMs: 1_000, exitCode: 0 };

const IMAGES: Readonly<Record<string, Behaviour>> = {
  failing: { ...QUICK, exitCode: 3 },
  missing: { ...QUICK, neverStarts: true },
  hanging: { ...QUICK, hangs: true },
};

interface World {
  time: VirtualTime;
  random: Random;
  faults: Faults;
  cluster: () => Cluster;
  oracles: Oracles;
}

/** The nodes of the cluster with what runs on them besides, and what becomes of them. */
export class Fleet {
  readonly #world: World;
  readonly #plans: readonly NodePlan[];

  constructor(plans: readonly NodePlan[], world: World) {
    this.#plans = plans;
    this.#world = world;
  }

  start(): void {
    for (const plan of this.#plans) this.#add(plan);
  }

  /** An image may say in its name that it behaves otherwise than the node's plan says. */
  behave(pod: Obj, kind: Kind, node: string): Behaviour {
    if (kind === 'workload') return QUICK;
    const [container] = (pod.spec?.['containers'] ?? []) as { image?: string }[];
    const byImage = Object.entries(IMAGES).find(([name]) => container?.image?.includes(name) === true);
    if (byImage) return byImage[1];
    return kind === 'check' ? QUICK : (this.#plan(node)?.[kind] ?? QUICK);
  }

  /** Somebody looks at the node while the command runs. */
  visit(node: string): void {
    if (this.#plan(node)?.visitor !== true) return;
    const { time } = this.#world;
    const { store, deletion } = this.#world.cluster();
    const name = `debug-${node}`;
    if (store.get('pods', name, 'default')) return;
    const spec = { nodeName: node, containers: [{ name: 'debugger' }], terminationGracePeriodSeconds: 0 };
    store.create('pods', { metadata: { name, namespace: 'default' }, spec, status: { phase: 'Pending' } });
    time.after(120_000, () => {
      const pod = store.get('pods', name, 'default');
      if (pod) deletion.delete('pods', pod, { gracePeriodSeconds: 0 });
    });
  }

  happen({ what, node: which, ms }: NodeEvent): void {
    const { faults, time } = this.#world;
    faults.count(`node: ${what}`);
    const { store, machines } = this.#world.cluster();
    const node = this.#nameOf(which);
    const machine = machines.get(node);
    if (machine === undefined) return;
    if (what === 'reboot') return machine.reboot();
    if (what === 'flapping') return machine.flaps(ms);
    if (what === 'kubelet') return machine.kubeletSleeps(ms);
    if (what !== 'down') {
      machine.scrap();
      return this.#goes(node, what === 'replaced' ? ms : undefined);
    }
    machine.powerOff();
    time.after(ms, () => {
      if (store.get('nodes', node)) machine.powerOn();
    });
  }

  /** Of several nodes on which something goes on the first, and when nothing does, the first of all. */
  #nameOf(which: string): string {
    if (which !== IN_FLIGHT) return which;
    const names = this.#plans.map(({ name }) => name);
    const statuses = this.#world
      .cluster()
      .nodeOps()
      .map(({ status }) => (status ?? {}) as NodeOpStatus);
    const isBusy = (name: string) =>
      statuses.some(({ nodeStatuses: { [name]: entry } = {} }) => entry && isInFlight(entry));
    return names.find(isBusy) ?? names[0] ?? '';
  }

  /** Nodes that are gone by now are taken away again, and those that were not there yet come again. */
  isRestored(): void {
    const { store, machines } = this.#world.cluster();
    for (const [name, machine] of machines) {
      const isThere = store.get('nodes', name) !== undefined;
      if (isThere && machine.isScrapped) this.#goes(name, undefined);
      const plan = this.#plan(name);
      if (isThere || machine.isScrapped || plan === undefined) continue;
      machine.scrap();
      this.#add({ ...plan, workload: false });
    }
  }

  #goes(node: string, backAfterMs: number | undefined): void {
    const { time, oracles } = this.#world;
    const { store, deletion } = this.#world.cluster();
    const known = store.get('nodes', node);
    if (known === undefined) return;
    store.remove('nodes', known);
    for (const pod of store.podsOn(node)) deletion.delete('pods', pod, { gracePeriodSeconds: 0 });
    oracles.peoplesCordons.delete(node);
    const plan = this.#plan(node);
    if (backAfterMs === undefined || plan === undefined) return;
    time.after(backAfterMs, () => {
      if (store.get('nodes', node) === undefined) this.#add({ ...plan, workload: false });
    });
  }

  #plan(node: string): NodePlan | undefined {
    return this.#plans.find(({ name }) => name === node);
  }

  #add({ name, zone, make, workload }: NodePlan): void {
    const cluster = this.#world.cluster();
    cluster.addNode(name, make, { zone, 'kubernetes.io/hostname': name });
    if (!workload) return;
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: `app-${name}`,
      uid: this.#world.random.uuid(),
    };
    cluster.store.create('pods', {
      metadata: {
        name: `app-${name}`,
        namespace: 'default',
        ownerReferences: [{ ...owner, controller: true }],
      },
      spec: { nodeName: name, containers: [{ name: 'app' }], terminationGracePeriodSeconds: 30 },
      status: { phase: 'Pending' },
    });
  }
}

function isInFlight({ phase }: NodeStatus): boolean {
  return phase !== 'Pending' && !isFinalNodePhase(phase);
}
