import type { Job, Node } from '../api/kubernetes.ts';
import { LABEL_NODEOP } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { type JobView, understood } from '../core/external/status.ts';
import { matches } from '../core/rollout/targets.ts';
import type { KubeClient } from '../kube/client.ts';
import { JOBS, NODEOPS, NODES } from '../kube/resources.ts';
import { trimJob, trimNode, trimNodeOp } from '../kube/trim.ts';
import { WatchCache } from '../kube/watch.ts';
import type { Logger } from './logger.ts';

export interface ExternalOptions {
  client: KubeClient;
  logger: Logger;
  /** Told of each change that may alter how a NodeOp stands, once the caches are filled. */
  onChange: () => void;
}

/** In the place of the Controller where another one carries out the NodeOps: looks on, and writes nothing. */
export class ExternalRollouts {
  readonly caches: { nodeOps: WatchCache<NodeOp>; nodes: WatchCache<Node>; jobs: WatchCache<Job> };
  private readonly labels = new Map<string, Readonly<Record<string, string>>>();
  /** By namespace, then by name. */
  private readonly jobs = new Map<string, Map<string, JobView>>();
  private readonly changed: () => void;
  private started = false;

  constructor({ client, logger, onChange }: ExternalOptions) {
    this.changed = () => {
      if (this.started) onChange();
    };
    const onError = (error: unknown) => {
      logger.warn({ err: error instanceof Error ? error.message : String(error) }, 'watch interrupted');
    };
    const common = { client, onError };
    this.caches = {
      nodeOps: new WatchCache<NodeOp>({
        ...common,
        resource: NODEOPS,
        trim: trimNodeOp,
        onChange: this.changed,
      }),
      nodes: new WatchCache<Node>({
        ...common,
        resource: NODES,
        trim: trimNode,
        onChange: (node, gone) => this.nodeChanged(node, gone),
      }),
      jobs: new WatchCache<Job>({
        ...common,
        resource: JOBS,
        labelSelector: LABEL_NODEOP,
        trim: trimJob,
        onChange: (job, gone) => this.jobChanged(job, gone),
      }),
    };
  }

  async start(): Promise<void> {
    const { nodeOps, nodes, jobs } = this.caches;
    await Promise.all([nodeOps.start(), nodes.start(), jobs.start()]);
    this.started = true;
  }

  get synced(): boolean {
    return this.started;
  }

  async stop(): Promise<void> {
    const { nodeOps, nodes, jobs } = this.caches;
    await Promise.all([nodeOps.stop(), nodes.stop(), jobs.stop()]);
  }

  /** The NodeOp as it stands by everything that is known now. */
  readonly read = (nodeOp: NodeOp): NodeOp => {
    const targets = [...this.labels]
      .filter(([, labels]) => matches(nodeOp.spec.nodeSelector, labels))
      .map(([name]) => name);
    const jobs = this.jobs.get(nodeOp.metadata.namespace ?? '') ?? new Map<string, JobView>();
    return understood(nodeOp, { targets: targets.toSorted(), jobs });
  };

  private nodeChanged({ metadata }: Node, gone: boolean): void {
    const { name = '', labels = {} } = metadata;
    const known = this.labels.get(name);
    if (gone) this.labels.delete(name);
    else this.labels.set(name, labels);
    // A node tells of itself every few minutes; that alters nothing here.
    if (gone || JSON.stringify(known) !== JSON.stringify(labels)) this.changed();
  }

  private jobChanged({ metadata, status }: Job, gone: boolean): void {
    const { name = '', namespace = '' } = metadata;
    const known = this.jobs.get(namespace) ?? new Map<string, JobView>();
    this.jobs.set(namespace, known);
    const ended = status?.conditions?.some(
      (it) => (it.type === 'Complete' || it.type === 'Failed') && it.status === 'True',
    );
    if (gone) known.delete(name);
    else known.set(name, { ended: ended === true, startedAt: status?.startTime });
    this.changed();
  }
}
