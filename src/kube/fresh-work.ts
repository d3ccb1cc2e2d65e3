import type { Job, KubeObject, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_NODE, LABEL_NODE, LABEL_NODEOP_UID } from '../api/labels.ts';
import { labelValue } from '../core/rollout/names.ts';
import type { KubeClient } from './client.ts';
import { JOBS, PODS, type Resource } from './resources.ts';
import type { WatchCache } from './watch.ts';

/** Of more nodes than these all objects of the NodeOp are listed: a selector must not grow without bound. */
const NAMED_NODES = 20;
const PAGE = 500;

interface Owner {
  uid: string;
  namespace: string;
}

/** Some nodes of one NodeOp, whose work is read together. */
interface Batch {
  nodes: Set<string>;
  done: Promise<void>;
}

/**
 * Jobs and pods of a NodeOp on a node, read past the watches: without `resourceVersion`, so that the answer is what is
 * stored now. What is found goes into the caches, and what is there no more goes out of them.
 */
export class FreshWork {
  private readonly client: KubeClient;
  private readonly caches: { jobs: WatchCache<Job>; pods: WatchCache<Pod> };
  private readonly batches = new Map<string, Batch>();

  constructor(client: KubeClient, caches: { jobs: WatchCache<Job>; pods: WatchCache<Pod> }) {
    this.client = client;
    this.caches = caches;
  }

  /** When many nodes ask at the same moment, as when a run is taken back, they are read together. */
  read(op: Owner, node: string): Promise<void> {
    let batch = this.batches.get(op.uid);
    if (batch === undefined) {
      const nodes = new Set<string>();
      batch = { nodes, done: Promise.resolve().then(() => this.readAll(op, nodes)) };
      this.batches.set(op.uid, batch);
    }
    batch.nodes.add(node);
    return batch.done;
  }

  private async readAll(op: Owner, nodes: ReadonlySet<string>): Promise<void> {
    this.batches.delete(op.uid);
    const own = `${LABEL_NODEOP_UID}=${op.uid}`;
    const labelSelector =
      nodes.size > NAMED_NODES ? own : `${own},${LABEL_NODE} in (${[...nodes].map(labelValue).join(',')})`;
    const isAsked = ({ metadata }: KubeObject) =>
      metadata.labels?.[LABEL_NODEOP_UID] === op.uid &&
      nodes.has(metadata.annotations?.[ANNOTATION_NODE] ?? '');
    await Promise.all([
      this.list<Job>(JOBS, this.caches.jobs, op.namespace, labelSelector, isAsked),
      this.list<Pod>(PODS, this.caches.pods, op.namespace, labelSelector, isAsked),
    ]);
  }

  private async list<T extends KubeObject>(
    resource: Resource,
    cache: WatchCache<T>,
    namespace: string,
    labelSelector: string,
    isAsked: (object: T) => boolean,
  ): Promise<void> {
    const missing = new Map(
      [...cache.values()].filter(isAsked).map((object) => [object.metadata.uid, object.metadata.name ?? '']),
    );
    let token: string | undefined;
    do {
      const query = { labelSelector, limit: PAGE, continue: token };
      // oxlint-disable-next-line no-await-in-loop -- each page needs the one before
      const page = await this.client.list<T>(resource, query, namespace);
      for (const object of page.items) {
        cache.put(object);
        missing.delete(object.metadata.uid);
      }
      token = page.metadata.continue;
    } while (token !== undefined && token !== '');
    await Promise.all([...missing.values()].map((name) => cache.reread(name, namespace)));
  }
}
