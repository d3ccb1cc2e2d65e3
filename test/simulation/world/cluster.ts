import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { ContainerLog } from '../../../src/sim/node/log.ts';
import { ApiServer } from '../../../src/sim/api/server.ts';
import { Deletion } from '../../../src/sim/api/deletion.ts';
import { GarbageCollector } from '../../../src/sim/controllers/garbage.ts';
import { ControllerManager } from '../../../src/sim/controllers/manager.ts';
import { BUILT_IN } from '../../../src/sim/resources.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import { type Backup, Store } from '../../../src/sim/store/store.ts';
import { type Behaviour, type Kind, Machine, type Make, type Told } from './machine.ts';
import type { Random } from './random.ts';
import { ProcessClock, type VirtualTime } from './time.ts';

export const NAMESPACE = 'nodeop-system';
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
const NODEOPS_CRD = 'manifests/crd/nodeops.operator.kairos.io.yaml';
const crd = load(readFileSync(NODEOPS_CRD, 'utf8')) as Obj;

export interface ClusterOptions {
  time: VirtualTime;
  random: Random;
  told: Told;
  behave: (pod: Obj, kind: Kind, node: string) => Behaviour;
}

/** The embedded cluster's API server and controllers on virtual time, with simulated machines. */
export class Cluster {
  readonly store: Store;
  readonly server: ApiServer;
  readonly deletion: Deletion;
  readonly machines = new Map<string, Machine>();
  readonly #options: ClusterOptions;
  readonly #random: Random;
  readonly #controllers: ControllerManager;

  constructor(options: ClusterOptions) {
    const { time, random } = options;
    this.#options = options;
    this.#random = random.fork();
    const clock = new ProcessClock(time, this.#random.next);
    this.store = new Store({ clock, uuid: () => this.#random.uuid() });
    const { store } = this;
    const log = new ContainerLog(clock);
    log.append('Starting\nthe last line\n');
    for (const type of BUILT_IN) store.register(type);
    this.deletion = new Deletion({ store, stopPod: (pod) => this.#machineOf(pod)?.see(pod) });
    const garbage = new GarbageCollector(store, this.deletion);
    this.server = new ApiServer({
      store,
      deletion: this.deletion,
      log: () => new Map([['nodeop', { current: log, previous: undefined, isOver: () => true }]]),
      created: (key, object) => garbage.check(key, object),
      bookmarkMs: 15_000,
    });
    for (const name of ['default', 'kube-system', NAMESPACE])
      store.create('namespaces', { metadata: { name }, status: { phase: 'Active' } });
    store.create(CRDS, crd);
    const timing = { backoffMs: 10_000 };
    this.#controllers = new ControllerManager({ store, deletion: this.deletion, garbage, timing });
    this.#controllers.start();
    store.watch('pods', 0, ({ object }) => this.#machineOf(object)?.see(object));
    store.watchAll(() => {
      time.activity += 1;
    });
  }

  addNode(name: string, make: Make, labels: Record<string, string> = {}): void {
    const { time, told, behave } = this.#options;
    this.store.create('nodes', { metadata: { name, labels }, spec: {}, status: {} });
    const world = { time, store: this.store, random: this.#random.fork(), told };
    const machine = new Machine(name, make, world, behave);
    this.machines.set(name, machine);
    machine.powerOn();
  }

  /** Kubelets and controllers list all anew; machines go on with what really runs on them. */
  restore(backup: Backup): void {
    this.store.restore(backup);
    for (const machine of this.machines.values()) machine.listsAnew();
    this.#controllers.relist();
  }

  nodeOps(): Obj[] {
    return this.store.all('nodeops.operator.kairos.io');
  }

  #machineOf(pod: Obj): Machine | undefined {
    return this.machines.get(String(pod.spec?.['nodeName']));
  }
}
