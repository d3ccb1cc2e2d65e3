import type { NodeOp } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';
import type { Made } from '../../core/rollout/phase-times.ts';
import type { KubeClient } from '../../kube/client.ts';
import { madeFor } from '../../kube/made.ts';

/** More nodes are not looked at side by side for long. */
const MOST_KNOWN = 500;

/** What was made for nodes that somebody looks at: read once for each phase that a node is in. */
export class MadeForNodes {
  readonly #client: KubeClient;
  readonly #onRead: () => void;
  readonly #known = new Map<string, { phase: string; made: Made | undefined }>();

  constructor(client: KubeClient, onRead: () => void) {
    this.#client = client;
    this.#onRead = onRead;
  }

  /** As it was read last; where that is not of now it is read anew, which is told when it is done. */
  of(nodeOp: NodeOp, node: string): Made | undefined {
    const status = own(nodeOp.status?.nodeStatuses, node);
    if (status?.startedAt === undefined) return undefined;
    const key = `${nodeOp.metadata.uid}/${node}`;
    const phase = `${status.phase} ${status.phaseStartedAt ?? status.finishedAt}`;
    const known = this.#known.get(key);
    if (known?.phase === phase) return known.made;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, { phase, made: known?.made });
    void this.#read(nodeOp, node, { key, phase });
    return known?.made;
  }

  async #read(nodeOp: NodeOp, node: string, { key, phase }: { key: string; phase: string }): Promise<void> {
    try {
      this.#known.set(key, { phase, made: await madeFor(this.#client, nodeOp, node) });
      this.#onRead();
    } catch {
      // The view does without, and the next phase is another occasion.
    }
  }
}
