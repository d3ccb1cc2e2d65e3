import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type ControllerOptions } from '../../src/agent/rollouts/controller.ts';
import { createLogger } from '../../src/agent/logger.ts';
import { ANNOTATION_RUN, ANNOTATION_UID } from '../../src/api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../src/api/nodeop.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { type Obj, type Script, type Sim, type SimOptions, startSim } from '../../src/sim/index.ts';
import { ProcessClock, VirtualTime } from '../simulation/world/time.ts';
import { type OpenWatch, WireDispatcher } from '../simulation/world/transport.ts';
import { type Faults, FlakyProxy } from './flaky-proxy.ts';

export interface ClusterOptions extends Pick<
  ControllerOptions,
  'agentNode' | 'agentPod' | 'asker' | 'checkAccess' | 'clock' | 'defaultImage' | 'holds' | 'maxConcurrent'
> {
  /** The controller, not the test, talks to the API server through a proxy with these faults. */
  flaky?: { faults: Faults; seed: number };
}

/** `clock` is the controller's. */
export type VirtualCluster = Cluster & { clock: ProcessClock };

/** Longer than anything is waited for. */
const FOREVER_MS = 24 * 3_600_000;

/** An embedded cluster with a controller at work on it. */
export class Cluster {
  readonly sim: Sim;
  readonly client: KubeClient;
  /** The path of a file. */
  readonly kubeconfig: string;
  private controller: Controller;
  private readonly makeController: () => Controller;
  private readonly dir: string;

  /** Between the controller and the API server, when faults were asked for. */
  readonly proxy: FlakyProxy | undefined;

  private readonly time: VirtualTime | undefined;
  /** The controller's, when it is not the test's. */
  private readonly own: KubeClient | undefined;
  /** What tests wait for. */
  private readonly waits = new Set<{
    holds: () => boolean;
    resolve: () => void;
    reject: (why: Error) => void;
  }>();
  private running: Promise<void> | undefined;

  private constructor(
    sim: Sim,
    client: KubeClient,
    makeController: () => Controller,
    dir: string,
    { proxy, time, own }: { proxy?: FlakyProxy | undefined; time?: VirtualTime; own?: KubeClient },
  ) {
    this.own = own;
    this.proxy = proxy;
    this.time = time;
    this.sim = sim;
    this.client = client;
    this.makeController = makeController;
    this.controller = makeController();
    this.dir = dir;
    this.kubeconfig = join(dir, 'kubeconfig');
  }

  static async start(options: SimOptions, more: ClusterOptions = {}): Promise<Cluster> {
    const sim = await startSim({ bootMs: 200, jobBackoffMs: 50, ...options });
    const dir = mkdtempSync(join(tmpdir(), 'nodeop-cluster-'));
    const clientOf = (name: string, url: string) => {
      const kubeconfig = join(dir, name);
      writeFileSync(kubeconfig, sim.kubeconfig.replaceAll(sim.url, url));
      return new KubeClient({ kubeconfig });
    };
    const client = clientOf('kubeconfig', sim.url);
    const { flaky, ...agent } = more;
    const proxy = flaky && new FlakyProxy(sim.url, flaky.faults, flaky.seed);
    const own = proxy ? clientOf('flaky', await proxy.start()) : client;
    const make = () => new Controller({ client: own, logger: createLogger('silent'), ...agent });
    const cluster = new Cluster(sim, client, make, dir, { proxy });
    await cluster.controller.start();
    return cluster;
  }

  /**
   * The same on a time of its own, which passes only while a test waits (`until`, `ended`, `passes`), and then at once. What
   * runs on its nodes is scripted. Between
   * the controller and the API server there are no sockets.
   */
  static async virtual(
    options: SimOptions & { script: Script },
    more: Omit<ClusterOptions, 'clock' | 'flaky'> = {},
  ): Promise<VirtualCluster> {
    const time = new VirtualTime();
    const clock = new ProcessClock(time, () => 0.5);
    const own = new ProcessClock(time, () => 0.5);
    const sim = await startSim({ bootMs: 20_000, jobBackoffMs: 10_000, clock: own, ...options });
    sim.store.watchAll(() => {
      time.activity += 1;
    });
    const dir = mkdtempSync(join(tmpdir(), 'nodeop-cluster-'));
    const kubeconfig = join(dir, 'kubeconfig');
    writeFileSync(kubeconfig, sim.kubeconfig);
    const wire = {
      time,
      serve: sim.serve,
      fate: () => ({ there: 1, back: 1 }),
      watchFate: () => ({ lag: 1 }),
      watches: new Set<OpenWatch>(),
    };
    const client = new KubeClient({ kubeconfig, clock, dispatcher: new WireDispatcher(wire, clock) });
    const make = () => new Controller({ client, logger: createLogger('silent'), clock, ...more });
    const cluster = new Cluster(sim, new KubeClient({ kubeconfig }), make, dir, { time, own: client });
    await cluster.startController();
    return Object.assign(cluster, { clock });
  }

  private async startController(): Promise<void> {
    let isStarted = false;
    void this.controller.start().then(() => (isStarted = true));
    await this.passes(() => isStarted);
  }

  private async stopController(): Promise<void> {
    let isStopped = false;
    const stopped = this.controller.stop().then(() => (isStopped = true));
    if (this.time) await this.passes(() => isStopped);
    await stopped;
  }

  /** How many actions of each type have failed again and again. */
  troubles(): ReadonlyMap<string, number> {
    return this.controller.troubles();
  }

  /** Another controller goes on with what this one left; `meanwhile` there is none. */
  async restart(meanwhile: () => void = () => {}): Promise<void> {
    await this.stopController();
    meanwhile();
    this.controller = this.makeController();
    await this.startController();
  }

  /** Time passes until that is so. */
  async passes(holds: () => boolean): Promise<void> {
    if (this.time === undefined) throw new Error('this cluster is on real time');
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waits.add({ holds, resolve, reject });
    this.running ??= this.run(this.time);
    return promise;
  }

  /** Time passes until nothing in there throws; otherwise it fails with what was thrown last. */
  async eventually(check: () => void): Promise<void> {
    let problem: unknown;
    const holds = () => {
      try {
        check();
        return true;
      } catch (error) {
        problem = error;
        return false;
      }
    };
    await this.passes(holds).catch((error: unknown) => {
      throw problem ?? error;
    });
  }

  private async run(time: VirtualTime): Promise<void> {
    await time.run(time.now + FOREVER_MS, () => {
      for (const wait of this.waits) {
        if (!wait.holds()) continue;
        this.waits.delete(wait);
        wait.resolve();
      }
      return this.waits.size === 0;
    });
    this.running = undefined;
    for (const { reject } of this.waits) reject(new Error('what is waited for does not come within a day'));
    this.waits.clear();
  }

  async stop(): Promise<void> {
    if (this.proxy) this.proxy.faults = undefined;
    await this.stopController();
    await this.proxy?.stop();
    await this.own?.close();
    await this.client.close();
    await this.sim.stop();
    rmSync(this.dir, { recursive: true });
  }

  async create(manifest: object): Promise<string> {
    const { metadata } = await this.client.create<NodeOp>(NODEOPS, manifest as NodeOp, 'default');
    const { name = '', uid, annotations = {} } = metadata;
    // There is no repository loop here that would mark a run's own.
    if (annotations[ANNOTATION_RUN] !== undefined) {
      const mark = { metadata: { annotations: { [ANNOTATION_UID]: uid } } };
      await this.client.patch(NODEOPS, name, mark, { namespace: 'default' });
    }
    return name;
  }

  nodeOp(spec: object): Promise<string> {
    const base = { image: 'busybox', command: ['true'] };
    return this.create({ metadata: { generateName: 'op-' }, spec: { ...base, ...spec } });
  }

  /** The NodeOp once a condition holds; of the whole store, so that no change is missed. */
  async until(name: string, holds: (op: NodeOp) => boolean): Promise<NodeOp> {
    const { promise, resolve } = Promise.withResolvers<NodeOp>();
    let isFound = false;
    const look = (object: Obj | undefined) => {
      const op = object as unknown as NodeOp | undefined;
      if (isFound || op?.metadata.name !== name || !holds(op)) return;
      isFound = true;
      resolve(op);
    };
    const stop = this.sim.store.watch('nodeops.operator.kairos.io', undefined, ({ object }) => look(object));
    look(this.sim.store.get('nodeops.operator.kairos.io', name, 'default'));
    try {
      if (this.time) await this.passes(() => isFound);
      return await promise;
    } finally {
      stop();
    }
  }

  /** The NodeOp in its final phase, which it enters when all is done and undone. */
  ended(name: string): Promise<NodeOp> {
    return this.until(name, (op) => isFinalPhase(op.status?.phase));
  }

  pod(name: string, changes: Partial<Obj['metadata']> = {}, spec: object = {}): Obj {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'set', uid: 'set', controller: true };
    return this.sim.store.create('pods', {
      metadata: { name, namespace: 'default', labels: { app: 'web' }, ownerReferences: [set], ...changes },
      spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'web' }], ...spec },
      status: { phase: 'Pending' },
    });
  }

  budget(name: string, minAvailable: number): void {
    const selector = { matchLabels: { app: 'web' } };
    const metadata = { name, namespace: 'default' };
    this.sim.store.create('poddisruptionbudgets.policy', { metadata, spec: { minAvailable, selector } });
  }
}
