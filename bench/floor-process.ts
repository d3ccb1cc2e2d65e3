import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import type { Job, KubeObject, Node, Pod } from '../src/api/kubernetes.ts';
import { LABEL_NODEOP, LABEL_PREFLIGHT } from '../src/api/labels.ts';
import { type NodeOpSpec, NodeOpSpecSchema } from '../src/api/nodeop.ts';
import { mainJob, preflightPod, rebootPod } from '../src/core/rollout/manifests.ts';
import { answer } from './process.ts';

/** The unavoidable calls of a rollout and nothing else: no status, no events, no caches, no decisions. */
export interface FloorCalls {
  /** Answers the milliseconds from the first call to the last. */
  run: (url: string, nodes: string[], concurrency: number, spec: object) => Promise<number>;
}

/** Hundreds of nodes at once ask a server that shares its cores with those who ask. */
const PATIENT = { timeout: 0 };

type Listener = (type: string, object: KubeObject) => void;

class BareLoop {
  private readonly url: string;
  private readonly spec: NodeOpSpec;
  private readonly owner = { namespace: 'default', name: 'bare', uid: crypto.randomUUID() };
  private readonly requests = new Agent({ connections: 64, connect: PATIENT });
  private readonly streams = new Agent({ connect: PATIENT });
  private readonly stopped = new AbortController();
  private readonly listeners = new Set<Listener>();

  constructor(url: string, spec: NodeOpSpec) {
    this.url = url;
    this.spec = spec;
  }

  async run(nodes: string[], concurrency: number): Promise<number> {
    const selector = encodeURIComponent(`${LABEL_NODEOP}=bare`);
    await this.watch(`/apis/batch/v1/jobs?watch=true&labelSelector=${selector}`);
    if (this.isFull) {
      await this.watch(`/api/v1/pods?watch=true&labelSelector=${selector}`);
      await this.watch('/api/v1/nodes?watch=true');
    }
    const began = performance.now();
    const left = [...nodes];
    const worker = async () => {
      for (let node = left.shift(); node !== undefined; node = left.shift()) {
        // oxlint-disable-next-line no-await-in-loop -- a worker has one node at a time
        await (this.isFull ? this.full(node) : this.job(node));
      }
    };
    await Promise.all(Array.from({ length: concurrency || nodes.length }, worker));
    const ms = performance.now() - began;
    this.stopped.abort();
    await Promise.all([this.requests.destroy(), this.streams.destroy()]);
    return ms;
  }

  private get isFull(): boolean {
    return this.spec.drainOptions.enabled;
  }

  private async job(node: string): Promise<void> {
    const job = mainJob(this.owner, this.spec, node);
    const over = this.seen((object) => {
      const { metadata, status } = object as Job;
      return (
        metadata.name === job.metadata.name &&
        (status?.conditions ?? []).some(({ type }) => type === 'Complete')
      );
    });
    await this.send('POST', '/apis/batch/v1/namespaces/default/jobs', unowned(job));
    await over;
  }

  private async full(node: string): Promise<void> {
    const pods = '/api/v1/namespaces/default/pods';
    const check = preflightPod(this.owner, this.spec, node);
    const checked = this.seen((object) => {
      const { metadata, status } = object as Pod;
      return metadata.name === check.metadata.name && status?.phase === 'Succeeded';
    });
    await this.send('POST', pods, unowned(check));
    await checked;
    await this.send('DELETE', `${pods}/${check.metadata.name}`);
    await this.send('PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable: true } });
    await this.drain(node, pods);
    await this.job(node);
    await this.reboot(node, pods);
    await this.send('PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable: null } });
  }

  private async drain(node: string, pods: string): Promise<void> {
    const scope = `fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
    const list = (await this.send('GET', `/api/v1/pods?${scope}`)) as { items: Pod[] };
    const workload = list.items.filter(
      ({ metadata }) =>
        metadata.labels?.[LABEL_PREFLIGHT] === undefined && metadata.labels?.[LABEL_NODEOP] === undefined,
    );
    const left = new Set(workload.map(({ metadata }) => metadata.uid));
    const { promise, resolve } = Promise.withResolvers<void>();
    if (left.size === 0) resolve();
    const gone = await this.watch(`/api/v1/pods?watch=true&${scope}`, (type, { metadata }) => {
      if (type === 'DELETED' && left.delete(metadata.uid) && left.size === 0) resolve();
    });
    await Promise.all(
      workload.map(({ metadata: { name, namespace, uid } }) =>
        this.send('POST', `${pods}/${name}/eviction`, {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name, namespace },
          deleteOptions: { preconditions: { uid } },
        }),
      ),
    );
    await promise;
    gone();
  }

  private async reboot(node: string, pods: string): Promise<void> {
    const known = (await this.send('GET', `/api/v1/nodes/${node}`)) as Node;
    const before = known.status?.nodeInfo?.bootID ?? '';
    const back = this.seen((object) => {
      const { metadata, status } = object as Node;
      return (
        metadata.name === node &&
        status?.nodeInfo?.bootID !== undefined &&
        status.nodeInfo.bootID !== before &&
        status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
      );
    });
    await this.send('POST', pods, unowned(rebootPod(this.owner, this.spec, node, before)));
    await back;
  }

  /** Resolves with the first object of a watch that is as wanted. */
  private seen(wanted: (object: KubeObject & { status?: unknown }) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const listener: Listener = (_, object) => {
        if (!wanted(object)) return;
        this.listeners.delete(listener);
        resolve();
      };
      this.listeners.add(listener);
    });
  }

  private async watch(path: string, only?: Listener): Promise<() => void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.stopped.signal]);
    const { body } = await request(this.url + path, { dispatcher: this.streams, signal });
    void (async () => {
      for await (const line of createInterface({ input: body })) {
        const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
        if (only) only(type, object);
        else for (const listener of this.listeners) listener(type, object);
      }
    })().catch(() => undefined);
    return () => stop.abort();
  }

  private async send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) {
    const { statusCode, body: answered } = await request(this.url + path, {
      method,
      dispatcher: this.requests,
      headers: {
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answered.text();
    if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
    return JSON.parse(text) as unknown;
  }
}

/** There is no NodeOp that could own it, and what has lost its owner is removed. */
function unowned<T extends KubeObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, ownerReferences: [] } };
}

const calls: FloorCalls = {
  run: (url, nodes, concurrency, spec) =>
    new BareLoop(url, NodeOpSpecSchema.parse(spec)).run(nodes, concurrency),
};

answer({ ...calls }, () => undefined);
