import type { NodeOp } from '../../api/nodeop.ts';
import type { Clock } from '../../core/ports.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ExternalWatch } from '../../kube/external-watch.ts';
import { NODEOPS } from '../../kube/resources.ts';
import { trimNodeOp } from '../../kube/trim.ts';
import { WatchCache } from '../../kube/watch.ts';
import type { Logger } from '../logger.ts';

export interface ExternalOptions {
  client: KubeClient;
  clock?: Clock | undefined;
  logger: Logger;
  /** Told of each change that may alter how a NodeOp stands, once the caches are filled. */
  onChange: () => void;
}

/** In the place of the Controller where another one carries out the NodeOps: looks on, and writes nothing. */
export class ExternalRollouts {
  readonly caches: { nodeOps: WatchCache<NodeOp> };
  private readonly others: ExternalWatch;
  private started = false;

  constructor({ client, clock, logger, onChange }: ExternalOptions) {
    const onError = (error: unknown) => {
      logger.warn({ err: error instanceof Error ? error.message : String(error) }, 'watch interrupted');
    };
    const changed = () => {
      if (this.started) onChange();
    };
    this.caches = {
      nodeOps: new WatchCache<NodeOp>({
        client,
        clock,
        onError,
        resource: NODEOPS,
        trim: trimNodeOp,
        onChange: changed,
      }),
    };
    this.others = new ExternalWatch({ client, clock, onError, onChange: changed });
  }

  async start(): Promise<void> {
    await Promise.all([this.caches.nodeOps.start(), this.others.start()]);
    this.started = true;
  }

  /** It begins nothing. */
  wake(): void {}

  get quiet(): boolean {
    return true;
  }

  get synced(): boolean {
    return this.started;
  }

  async stop(): Promise<void> {
    await Promise.all([this.caches.nodeOps.stop(), this.others.stop()]);
  }

  readonly read = (nodeOp: NodeOp): NodeOp => this.others.read(nodeOp);
}
