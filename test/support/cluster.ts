import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type ControllerOptions } from '../../src/agent/rollouts/controller.ts';
import { createLogger } from '../../src/agent/logger.ts';
import { ANNOTATION_RUN, ANNOTATION_UID } from '../../src/api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../src/api/nodeop.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { type Obj, type Sim, type SimOptions, startSim } from '../../src/sim/index.ts';
import { type Faults, FlakyProxy } from './flaky-proxy.ts';

export interface ClusterOptions extends Pick<
  ControllerOptions,
  'agentNode' | 'agentPod' | 'clock' | 'defaultImage' | 'holds' | 'maxConcurrent'
> {
  /** The controller, not the test, talks to the API server through a proxy with these faults. */
  flaky?: { faults: Faults; seed: number };
}

/** An embedded cluster with a controller at work on it. */
export class Cluster {
  readonly sim: Sim;
  readonly client: KubeClient;
  private readonly controller: Controller;
  private readonly dir: string;

  /** Between the controller and the API server, when faults were asked for. */
  readonly proxy: FlakyProxy | undefined;

  private constructor(
    sim: Sim,
    client: KubeClient,
    controller: Controller,
    dir: string,
    proxy: FlakyProxy | undefined,
  ) {
    this.proxy = proxy;
    this.sim = sim;
    this.client = client;
    this.controller = controller;
    this.dir = dir;
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
    const controller = new Controller({ client: own, logger: createLogger('silent'), ...agent });
    await controller.start();
    return new Cluster(sim, client, controller, dir, proxy);
  }

  async stop(): Promise<void> {
    if (this.proxy) this.proxy.faults = undefined;
    await this.controller.stop();
    await this.proxy?.stop();
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
  until(name: string, holds: (op: NodeOp) => boolean): Promise<NodeOp> {
    return new Promise((resolve) => {
      const look = (object: Obj | undefined) => {
        const op = object as unknown as NodeOp | undefined;
        if (op?.metadata.name !== name || !holds(op)) return;
        stop();
        resolve(op);
      };
      const stop = this.sim.store.watch('nodeops.operator.kairos.io', undefined, ({ object }) =>
        look(object),
      );
      look(this.sim.store.get('nodeops.operator.kairos.io', name, 'default'));
    });
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
