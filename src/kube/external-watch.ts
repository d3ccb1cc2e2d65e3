import type { Job, Node } from '../api/kubernetes.ts';
import { LABEL_NODEOP } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { ExternalView } from '../core/external/view.ts';
import type { Clock } from '../core/ports.ts';
import type { KubeClient } from './client.ts';
import { JOBS, NODES } from './resources.ts';
import { trimJob, trimNode } from './trim.ts';
import { WatchCache } from './watch.ts';

export interface ExternalWatchOptions {
  client: KubeClient;
  clock?: Clock | undefined;
  /** Told of each change that may alter how a NodeOp stands, once all is known. */
  onChange: () => void;
  onError: (error: unknown) => void;
}

/** Watches what there has to be known besides a NodeOp to understand what another controller says of it. */
export class ExternalWatch {
  private readonly view = new ExternalView();
  private readonly nodes: WatchCache<Node>;
  private readonly jobs: WatchCache<Job>;
  private started: Promise<void> | undefined;
  private synced = false;

  constructor({ client, clock, onChange, onError }: ExternalWatchOptions) {
    const told = (changed: boolean) => {
      if (changed && this.synced) onChange();
    };
    this.nodes = new WatchCache<Node>({
      client,
      clock,
      onError,
      resource: NODES,
      trim: trimNode,
      onChange: (node, gone) => told(this.view.node(node, gone)),
    });
    this.jobs = new WatchCache<Job>({
      client,
      clock,
      onError,
      resource: JOBS,
      labelSelector: LABEL_NODEOP,
      trim: trimJob,
      onChange: (job, gone) => told(this.view.job(job, gone)),
    });
  }

  start(): Promise<void> {
    this.started ??= Promise.all([this.nodes.start(), this.jobs.start()]).then(() => {
      this.synced = true;
    });
    return this.started;
  }

  async stop(): Promise<void> {
    await Promise.all([this.nodes.stop(), this.jobs.stop()]);
  }

  /** The NodeOp as it stands by everything that is known now. */
  read(nodeOp: NodeOp): NodeOp {
    return this.view.read(nodeOp);
  }
}
