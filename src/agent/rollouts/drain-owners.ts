import type { DrainFacts } from '../../core/rollout/facts.ts';
import type { DrainSessions } from '../../kube/drain-session.ts';
import type { Rollout } from './rollout.ts';
import { own } from '../../api/own.ts';

/** For which NodeOp the pods of a node are watched; a drain is watched for no longer than its node is in that phase. */
export class DrainOwners {
  private readonly sessions: Pick<DrainSessions, 'facts' | 'close'>;
  private readonly byNode = new Map<string, string>();

  constructor(sessions: Pick<DrainSessions, 'facts' | 'close'>) {
    this.sessions = sessions;
  }

  of(node: string): string | undefined {
    return this.byNode.get(node);
  }

  /** Watched for some NodeOp. */
  nodes(): Iterable<string> {
    return this.byNode.keys();
  }

  begin(node: string, uid: string): void {
    this.byNode.set(node, uid);
  }

  facts(node: string, uid: string): DrainFacts | undefined {
    return this.byNode.get(node) === uid ? this.sessions.facts(node) : undefined;
  }

  closeEnded({ uid, status }: Rollout): void {
    for (const [node, owner] of this.byNode) {
      const isDraining = own(status.nodeStatuses, node)?.phase === 'Draining';
      if (owner === uid && !isDraining) this.close(node);
    }
  }

  forget(uid: string): void {
    for (const [node, owner] of this.byNode) if (owner === uid) this.close(node);
  }

  private close(node: string): void {
    this.byNode.delete(node);
    this.sessions.close(node);
  }
}
