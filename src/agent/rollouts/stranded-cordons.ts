import type { NodeFacts } from '../../core/rollout/facts.ts';
import { ownerUid } from '../../core/rollout/facts.ts';
import type { Clock } from '../../core/ports.ts';
import { backoffMs } from '../../time/backoff.ts';

export interface StrandedCordonsOptions {
  clock: Clock;
  /** Whether a NodeOp of this UID exists; asked only once all NodeOps are known. */
  exists: (uid: string) => boolean;
  uncordon: (node: string, mark: string) => Promise<void>;
  onDone: (node: string, mark: string) => void;
  onError: (node: string, error: unknown) => void;
}

/**
 * Uncordons nodes whose cordon belongs to a NodeOp that no longer exists, its finalizer having been taken
 * off by force or its kind been removed: nothing would say any more why they are cordoned.
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
    if (mark === undefined || uid === undefined || this.options.exists(uid) || this.busy.has(node.name))
      return;
    this.busy.add(node.name);
    this.options.uncordon(node.name, mark).then(
      () => {
        this.busy.delete(node.name);
        this.options.onDone(node.name, mark);
      },
      (error: unknown) => {
        this.options.onError(node.name, error);
        const { clock } = this.options;
        const cancel = clock.after(backoffMs(clock, attempt), () => {
          this.timers.delete(cancel);
          this.busy.delete(node.name);
          this.check(node, attempt + 1);
        });
        this.timers.add(cancel);
      },
    );
  }

  stop(): void {
    for (const cancel of this.timers) cancel();
  }
}
