import { isFinalPhase, type NodeOpStatus } from '../src/api/nodeop.ts';
import { type Obj, type Script, type Sim, startSim } from '../src/sim/index.ts';
import { answer } from './process.ts';

/** The embedded cluster with scripted nodes, in a process of its own. */
export interface ClusterCalls {
  start: (options: ClusterOptions) => Promise<{ kubeconfig: string; url: string }>;
  /** Requests (without watches) and bytes received, by verb and resource, since the last time. */
  stats: () => { requests: Record<string, number>; bytesIn: Record<string, number> };
  /** Puts a NodeOp there and waits for its end. */
  rollout: (name: string, spec: object) => Promise<{ ms: number; statusBytes: number; phase: string }>;
  /** Resolves when that many of its nodes have ended. */
  progress: (name: string, done: number) => Promise<void>;
  /** The time, in epoch milliseconds, of the next Job that is created. */
  nextJob: () => Promise<number>;
  /** Takes away what a rollout left, and puts the workload back. */
  reset: () => void;
}

export interface ClusterOptions {
  nodes: number;
  /** Workload pods, spread over the nodes. */
  pods: number;
  jobMs: number;
  bootMs: number;
}

const NODEOPS = 'nodeops.operator.kairos.io';
let sim: Sim;
let options: ClusterOptions;

const script: Script = (pod) => {
  const { labels = {} } = pod.metadata;
  if (labels['kairos.io/reboot'] !== undefined) return { durationMs: 0, reboot: true };
  if (labels['kairos.io/preflight'] !== undefined) return { durationMs: 20 };
  return labels['kairos.io/nodeop'] === undefined ? undefined : { durationMs: options.jobMs };
};

const calls = {
  start: async (asked: ClusterOptions) => {
    options = asked;
    sim = await startSim({ nodes: asked.nodes, bootMs: asked.bootMs, script });
    workload();
    return { kubeconfig: sim.kubeconfig, url: sim.url };
  },
  stats: () => {
    const requests: Record<string, number> = {};
    const bytesIn: Record<string, number> = {};
    for (const [call, stats] of Object.entries(sim.takeStats())) {
      const [verb = '', resource = ''] = call.split(' ');
      if (verb === 'WATCH') continue;
      const key = `${verb} ${resource}`;
      requests[key] = (requests[key] ?? 0) + stats.requests;
      bytesIn[key] = (bytesIn[key] ?? 0) + stats.bytesIn;
    }
    return { requests, bytesIn };
  },
  rollout: async (name: string, spec: object) => {
    const began = performance.now();
    const metadata = { name, namespace: 'default' };
    sim.store.create(NODEOPS, { metadata, spec: spec as Record<string, unknown> });
    const op = await until(name, (status) => isFinalPhase(status.phase));
    const phase = (op.status as NodeOpStatus | undefined)?.phase ?? '';
    return { ms: performance.now() - began, statusBytes: JSON.stringify(op.status).length, phase };
  },
  progress: async (name: string, done: number) => {
    await until(name, ({ summary }) => (summary?.completed ?? 0) >= done);
  },
  nextJob: () =>
    new Promise<number>((resolve) => {
      const stop = sim.store.watch('jobs.batch', undefined, ({ type }) => {
        if (type !== 'ADDED') return;
        stop();
        resolve(Date.now());
      });
    }),
  reset: () => {
    for (const op of sim.store.all(NODEOPS)) {
      const metadata = { ...op.metadata, finalizers: [] };
      sim.store.remove(NODEOPS, sim.store.update(NODEOPS, { ...op, metadata }));
    }
    for (const job of sim.store.all('jobs.batch')) sim.store.remove('jobs.batch', job);
    for (const pod of sim.store.all('pods')) sim.store.remove('pods', pod);
    workload();
  },
};

function until(name: string, holds: (status: NodeOpStatus) => boolean): Promise<Obj> {
  return new Promise((resolve) => {
    const look = (object: Obj | undefined) => {
      if (object?.metadata.name !== name || !holds(object.status ?? {})) return;
      stop();
      resolve(object);
    };
    const stop = sim.store.watch(NODEOPS, undefined, ({ object }) => look(object));
    look(sim.store.get(NODEOPS, name, 'default'));
  });
}

function workload(): void {
  const controller = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: 'web',
    uid: 'web',
    controller: true,
  };
  for (let i = 0; i < options.pods; i += 1) {
    const nodeName = `node-${(i % options.nodes) + 1}`;
    sim.store.create('pods', {
      metadata: { name: `web-${i}`, namespace: 'default', ownerReferences: [controller] },
      spec: { nodeName, containers: [{ name: 'main', image: 'web' }] },
      status: { phase: 'Running' },
    });
  }
}

answer(calls satisfies ClusterCalls, () => sim?.stop());
