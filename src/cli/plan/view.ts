import type { PodDisruptionBudget } from '../../api/kubernetes.ts';
import { isFinalPhase, type NodeOp, NodeOpSpecSchema } from '../../api/nodeop.ts';
import type { NodePods } from '../../core/preview/drain.ts';
import type { ClusterFacts } from '../../core/preview/order.ts';
import { claimant, type Holder, type Holders } from '../../core/rollout/cordons.ts';
import { type NodeFacts, ownerUid } from '../../core/rollout/facts.ts';
import type { WaitingRun } from '../../core/runs/ledger.ts';
import { copyProblem } from '../../core/rollout/identity.ts';

/** A cluster as a plan sees it: an API server, or files somebody saved from one. */
export interface ClusterView {
  facts: ClusterFacts;
  /** Absent where nobody knows of any. */
  nodeOps?: readonly NodeOp[] | undefined;
  /** What the agent has on record of runs; absent where nobody may look. */
  record?: { began: ReadonlySet<string>; waiting: readonly WaitingRun[] } | undefined;
  /** Why nothing may begin in this cluster as it is. */
  obstacle?: string | undefined;
  /** By whom the whole cluster is held, as far as that can be told. */
  held?: string | undefined;
  /** Of the server's version, 20 of `1.20`; absent when nobody knows. */
  minor?: number | undefined;
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

/** Nodes that NodeOps hold, by the rule of the controller; of marks those whose NodeOp is known. */
export function claimsOf(
  nodeOps: readonly NodeOp[],
  nodes: ReadonlyMap<string, NodeFacts>,
): Map<string, string> {
  const all = nodeOps.map(holderOf);
  const byUid = new Map(all.map((it) => [it.uid, it]));
  const unfinished = all.filter(({ status }) => !isFinalPhase(status.phase));
  const holders: Holders = {
    all: () => all,
    byUid: (uid) => byUid.get(uid),
    unfinished,
    running: () => [],
    work: () => undefined,
  };
  const claims = new Map<string, string>();
  for (const { name, cordonedBy } of nodes.values()) {
    const isKnown = cordonedBy !== undefined && byUid.has(ownerUid(cordonedBy) ?? '');
    const holder = claimant({ name, cordonedBy: isKnown ? cordonedBy : undefined }, NOBODY, holders);
    if (holder !== undefined) claims.set(name, holder);
  }
  return claims;
}

/** No NodeOp has it for its UID, also none that was saved without. */
const NOBODY = 'nobody';

/** Of one whose spec is of another version, or was cut by whoever saved it, the status still tells what it works on. */
const UNKNOWN = NodeOpSpecSchema.parse({ image: 'unknown', command: ['unknown'] });

function holderOf(nodeOp: NodeOp): Holder {
  const { namespace = 'default', name = '', uid = '', deletionTimestamp } = nodeOp.metadata;
  const isCopy = copyProblem(nodeOp) !== undefined;
  const spec = isCopy ? undefined : (NodeOpSpecSchema.safeParse(nodeOp.spec).data ?? UNKNOWN);
  const { status = {} } = nodeOp;
  return {
    namespace,
    name,
    uid,
    spec,
    status,
    persisted: status,
    deleted: deletionTimestamp !== undefined,
  };
}

/** The acting agent's pod: a Lease is held as `<host name>_<random>`, and a pod's host name is its name. */
export function holderPod(holderIdentity: string | null | undefined): string | undefined {
  const at = holderIdentity?.lastIndexOf('_') ?? -1;
  return at > 0 ? holderIdentity?.slice(0, at) : undefined;
}

export const AGENT_UNKNOWN = 'which node the agent runs on is not known; that one would come last';
