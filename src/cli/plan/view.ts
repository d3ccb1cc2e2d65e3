import type { PodDisruptionBudget } from '../../api/kubernetes.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import type { NodePods } from '../../core/preview/drain.ts';
import type { ClusterFacts } from '../../core/preview/order.ts';
import { inFlightNodes } from '../../core/rollout/status.ts';
import { labelOf } from '../find-run.ts';

/** A cluster as a plan sees it: an API server, or files somebody saved from one. */
export interface ClusterView {
  facts: ClusterFacts;
  nodeOps: readonly NodeOp[];
  /** What could not be found out. */
  gaps: string[];
  /** What could not be found out about pods, for runs that drain. */
  podGaps: string[];
  budgets: () => Promise<readonly PodDisruptionBudget[]>;
  /** The pods bound to a node; undefined when nobody knows. */
  podsOf: (node: string) => Promise<NodePods | undefined>;
}

/** Where the agent finds out that it leads. */
export interface LeasePlace {
  namespace: string;
  name: string;
}

/** Nodes that NodeOps under way hold, by the rule of the controller. */
export function claimsOf(nodeOps: readonly NodeOp[]): Map<string, string> {
  const claims = new Map<string, string>();
  for (const nodeOp of nodeOps) {
    if (isFinalPhase(nodeOp.status?.phase)) continue;
    for (const node of inFlightNodes(nodeOp.status ?? {})) claims.set(node, labelOf(nodeOp));
  }
  return claims;
}

/** The acting agent's pod: a Lease is held as `<host name>_<random>`, and a pod's host name is its name. */
export function holderPod(holderIdentity: string | null | undefined): string | undefined {
  const at = holderIdentity?.lastIndexOf('_') ?? -1;
  return at > 0 ? holderIdentity?.slice(0, at) : undefined;
}

export const AGENT_UNKNOWN = 'which node the agent runs on is not known; that one would come last';
