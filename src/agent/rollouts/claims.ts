import type { NodeOp } from '../../api/nodeop.ts';
import { claimant, heirOf, type Holders, keepsCordon } from '../../core/rollout/cordons.ts';
import type { NodeFacts, RolloutFacts } from '../../core/rollout/facts.ts';
import type { Rollout } from './rollout.ts';
import type { WorkIndex } from './work-index.ts';

export interface ClaimsOptions {
  rollouts: ReadonlyMap<string, Rollout>;
  work: Pick<WorkIndex, 'running' | 'factsOn'>;
  nodes: ReadonlyMap<string, NodeFacts>;
}

/** Whose a node and its cordon are, as the NodeOps that there are see each other. */
export class Claims {
  private readonly options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.options = options;
  }

  /** What the others keep one of them from, and leave to it. */
  against({ uid, mark }: Rollout): Pick<RolloutFacts, 'claims' | 'heirs'> {
    let known: Holders | undefined;
    const holders = () => (known ??= this.holders());
    const claimOf = (name: string) => {
      const node = this.options.nodes.get(name) ?? { name, cordonedBy: undefined };
      return claimant(node, uid, holders());
    };
    return { claims: { get: claimOf }, heirs: { get: (node) => heirOf(node, mark, holders()) } };
  }

  /** Who takes the cordon with that mark over, if anybody does. */
  heirOf(node: string, mark: string): string | undefined {
    return heirOf(node, mark, this.holders());
  }

  /** Whether the NodeOp of that UID has a reason for its mark on the node, or undoes it itself. */
  looksAfter(node: NodeFacts, uid: string): boolean {
    const owner = this.options.rollouts.get(uid);
    if (owner === undefined) return false;
    return !owner.settled || (node.unschedulable && keepsCordon(owner.holder(), node.name));
  }

  /** The others, each as it stands now and as it is on record. */
  *others(uid: string): Generator<NodeOp[]> {
    for (const { uid: other, object, status, persisted } of this.options.rollouts.values())
      if (other !== uid) yield [status, persisted].map((it) => ({ ...object, status: it }));
  }

  /** All NodeOps as each of them sees the others. */
  private holders(): Holders {
    const { rollouts, work } = this.options;
    const unfinished = [...rollouts.values()].filter((it) => !it.settled);
    return {
      all: () => [...rollouts.values()].map((it) => it.holder()),
      byUid: (uid) => rollouts.get(uid)?.holder(),
      unfinished: unfinished.map((it) => it.holder()),
      running: (node) => work.running(node),
      work: (uid, node) => work.factsOn(uid, node),
    };
  }
}
