import type { NodeFacts } from '../../core/rollout/facts.ts';
import { ownerUid } from '../../core/rollout/facts.ts';
import type { Clock } from '../../core/ports.ts';
import { backoffMs } from '../../time/backoff.ts';

export interface StrandedCordonsOptions {
  clock: Clock;
  /** The node as it is now. */
  node: (name: string) => NodeFacts | undefined;
  /** Whether the NodeOp of this UID has a reason for its mark on the node, or undoes it itself; asked once all are known. */
  isLookedAfter: (node: NodeFacts, uid: string) => boolean;
  /** The mark of the NodeOp that takes the cordon over, if one does. */
  heir: (node: string, mark: string) => string | undefined;
  uncordon: (node: string, mark: string) => Promise<void>;
  handOver: (node: string, mark: string, to: string) => Promise<void>;
  onDone: (node: string, mark: string, heir: string | undefined) => void;
  onError: (node: string, error: unknown) => void;
}

/**
 * Settles cordons whose owner does not look after them: its finalizer was taken off by force, its kind was removed, or the
 * cordon was handed over to it when it had just finished. Nothing would say any more why those nodes are cordoned.
 */
export class StrandedCordons {
  private readonly options: StrandedCordonsOptions;
  private readonly busy = new Set<string>();
  private readonly timers = new Set<() => void>();

  constructor(options: StrandedCordonsOptions) {
    this.options = options;
  }

  check(node: NodeFacts, attempt = 0): void {
    const mark = node.cordonedBy;
    const uid = mark === undefined ? undefined : ownerUid(mark);
    if (mark === undefined || uid === undefined || this.busy.has(node.name)) return;
    if (this.options.isLookedAfter(node, uid)) return;
    this.busy.add(node.name);
    const { uncordon, handOver } = this.options;
    const heir = this.options.heir(node.name, mark);
    const settled = heir === undefined ? uncordon(node.name, mark) : handOver(node.name, mark, heir);
    settled.then(
      () => {
        this.busy.delete(node.name);
        this.options.onDone(node.name, mark, heir);
      },
      (error: unknown) => {
        this.options.onError(node.name, error);
        this.checkLater(node.name, attempt);
      },
    );
  }

  stop(): void {
    for (const cancel of this.timers) cancel();
  }

  private checkLater(name: string, attempt: number): void {
    const { clock } = this.options;
    const cancel = clock.after(backoffMs(clock, attempt), () => {
      this.timers.delete(cancel);
      this.busy.delete(name);
      const node = this.options.node(name);
      if (node) this.check(node, attempt + 1);
    });
    this.timers.add(cancel);
  }
}
