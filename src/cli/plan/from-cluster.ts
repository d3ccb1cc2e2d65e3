import { InvalidError } from '../../api/errors.ts';
import type { Lease, Node, Pod, PodDisruptionBudget } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { DEFINITION, type Definition, lackOf, obstacleText } from '../../core/definition.ts';
import { entriesOf, HEAD, parseHead } from '../../core/runs/ledger.ts';
import { ledgerStore } from '../../kube/ledger-store.ts';
import { daemonSetOf } from '../../core/rollout/drain.ts';
import type { NodeFacts } from '../../core/rollout/facts.ts';
import { nodeFacts } from '../../kube/facts.ts';
import { DAEMONSETS, DEFINITIONS, LEASES, NODEOPS, NODES, PODS } from '../../kube/resources.ts';
import type { ReadOnlyCluster } from '../cluster.ts';
import { clusterHeld } from '../held.ts';
import { AGENT_UNKNOWN, claimsOf, holderPod, type ClusterView, type LeasePlace } from './view.ts';

/** Reads nodes and NodeOps now; pods of single nodes, budgets and DaemonSets when they are asked for. */
export async function viewOfCluster(cluster: ReadOnlyCluster, lease: LeasePlace): Promise<ClusterView> {
  const nodes = new Map<string, NodeFacts>();
  for await (const node of cluster.list<Node>(NODES)) {
    const facts = nodeFacts(node);
    nodes.set(facts.name, facts);
  }
  const gaps: string[] = [];
  const minor = await optional(cluster.minor());
  const nodeOps = await optional(cluster.all<NodeOp>(NODEOPS));
  if (nodeOps === undefined) gaps.push('the cluster has no NodeOps to read: is the agent installed?');
  const agent = await optional(findAgent(cluster, lease));
  if (agent === undefined) gaps.push(AGENT_UNKNOWN);
  const daemonSets = new Map<string, Promise<boolean>>();
  let budgets: Promise<PodDisruptionBudget[]> | undefined;
  return {
    facts: { nodes, claims: claimsOf(nodeOps ?? [], nodes), agentNode: agent?.node, agentPod: agent?.pod },
    nodeOps,
    record: await optional(recordOf(cluster, lease)),
    obstacle: await optional(obstacleOf(cluster)),
    held: await clusterHeld(cluster, nodeOps ?? [], lease),
    minor,
    gaps,
    podGaps: [],
    budgets: () => (budgets ??= budgetsOf(cluster)),
    podsOf: async (node) => {
      const pods: Pod[] = [];
      for await (const pod of cluster.list<Pod>(PODS, { fieldSelector: `spec.nodeName=${node}` }))
        pods.push(pod);
      const keys = [...new Set(pods.map(daemonSetOf).filter((key) => key !== undefined))];
      for (const key of keys) if (!daemonSets.has(key)) daemonSets.set(key, exists(cluster, key));
      const known = keys.map(async (key): Promise<[string, boolean]> => [
        key,
        (await daemonSets.get(key)) ?? true,
      ]);
      return { pods, daemonSets: new Map(await Promise.all(known)) };
    },
  };
}

/** What is on record of runs, by the agent that this Lease is of. */
async function recordOf({ client }: ReadOnlyCluster, { namespace, name }: LeasePlace) {
  const parts = await ledgerStore(client, namespace, name).read();
  const head = parts.find((it) => it.name === HEAD);
  return { began: entriesOf(parts), waiting: parseHead(head?.data).waiting };
}

async function obstacleOf(cluster: ReadOnlyCluster): Promise<string | undefined> {
  const definition = await cluster.get<Definition>(DEFINITIONS, DEFINITION);
  return definition && obstacleText(lackOf(definition));
}

async function budgetsOf(cluster: ReadOnlyCluster): Promise<PodDisruptionBudget[]> {
  return cluster.all(await cluster.served('policy', 'poddisruptionbudgets'));
}

async function exists(cluster: ReadOnlyCluster, key: string): Promise<boolean> {
  const [namespace, name = ''] = key.split('/');
  return (await cluster.get(DAEMONSETS, name, namespace)) !== undefined;
}

async function findAgent(cluster: ReadOnlyCluster, { namespace, name }: LeasePlace) {
  const lease = await cluster.get<Lease>(LEASES, name, namespace);
  const holder = holderPod(lease?.spec?.holderIdentity);
  if (holder === undefined) return undefined;
  const pod = await cluster.get<Pod>(PODS, holder, namespace);
  // A holder that is no pod here runs elsewhere, so that none of these nodes is its own.
  return { node: pod?.spec?.nodeName, pod: pod && `${namespace}/${holder}` };
}

/** What is not there, or not allowed, is left out of a plan rather than ending it. */
async function optional<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof InvalidError) return undefined;
    throw error;
  }
}
