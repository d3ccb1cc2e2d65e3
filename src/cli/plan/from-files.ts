import { readFile } from 'node:fs/promises';
import { loadAll, YAMLException } from 'js-yaml';
import { InvalidError } from '../../api/errors.ts';
import type { KubeObject, Lease, Node, Pod, PodDisruptionBudget } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { daemonSetOf } from '../../core/rollout/drain.ts';
import { isObject } from '../../core/runs/merge.ts';
import { nodeFacts } from '../../kube/facts.ts';
import { reasonOf } from '../system-error.ts';
import { AGENT_UNKNOWN, claimsOf, holderPod, type ClusterView, type LeasePlace } from './view.ts';

/**
 * A cluster from what `kubectl get nodes,pods,… -A -o yaml` (or json) printed into files. Throws
 * InvalidError for files that hold no such thing.
 */
export async function viewOfFiles(files: readonly string[], lease: LeasePlace): Promise<ClusterView> {
  const objects = (await Promise.all(files.map(readObjects))).flat();
  const ofKind = <T extends KubeObject>(kind: string) => objects.filter((it) => it.kind === kind) as T[];
  const nodes = new Map(
    ofKind<Node>('Node')
      .map(nodeFacts)
      .map((it) => [it.name, it]),
  );
  if (nodes.size === 0) throw new InvalidError(`there is no Node in ${files.join(', ')}; ${HOW}`);
  const [nodeOps, pods] = [ofKind<NodeOp>('NodeOp'), ofKind<Pod>('Pod')];
  const agent = findAgent(ofKind<Lease>('Lease'), pods, lease);
  const byNode = Map.groupBy(pods, (pod) => pod.spec?.nodeName ?? '');
  const daemonSets = new Set(ofKind('DaemonSet').map(keyOf));
  const budgets = ofKind<PodDisruptionBudget>('PodDisruptionBudget');
  const gaps = ['from saved files; the cluster may have changed since'];
  const podGaps: string[] = [];
  if (pods.length === 0) podGaps.push('no pods are in the files, so evictions are not known');
  else if (budgets.length === 0) podGaps.push('no PodDisruptionBudgets are in the files');
  if (agent === undefined) gaps.push(AGENT_UNKNOWN);
  return {
    facts: {
      nodes,
      claims: claimsOf(nodeOps, nodes),
      agentNode: agent?.spec?.nodeName,
      agentPod: agent && keyOf(agent),
    },
    // Files without any may be of a cluster that has some.
    ...(nodeOps.length > 0 && { nodeOps }),
    gaps,
    podGaps,
    budgets: () => Promise.resolve(budgets),
    podsOf: (node) => {
      if (pods.length === 0) return Promise.resolve(undefined);
      const own = byNode.get(node) ?? [];
      // Without any DaemonSet in the files they were not asked for: each is taken to exist.
      const keys = daemonSets.size === 0 ? [] : own.map(daemonSetOf).filter((key) => key !== undefined);
      return Promise.resolve({
        pods: own,
        daemonSets: new Map(keys.map((key) => [key, daemonSets.has(key)])),
      });
    },
  };
}

const HOW =
  'save them with: kubectl get nodes,pods,poddisruptionbudgets,daemonsets,nodeops -A -o json > FILE';

async function readObjects(file: string): Promise<KubeObject[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}; ${HOW}`, [], { cause: error });
  }
  const found = parse(file, text).flatMap((it) =>
    isObject(it) && Array.isArray(it['items']) ? it['items'] : [it],
  );
  const bad = found.find(
    (it) => !isObject(it) || !isObject(it['metadata']) || typeof it['kind'] !== 'string',
  );
  if (bad !== undefined)
    throw new InvalidError(`${file} holds something that is no Kubernetes object; ${HOW}`);
  return found as KubeObject[];
}

function parse(file: string, text: string): unknown[] {
  try {
    return text.trimStart().startsWith('{') ? [JSON.parse(text)] : loadAll(text);
  } catch (error) {
    if (!(error instanceof YAMLException || error instanceof SyntaxError)) throw error;
    const reason = error instanceof YAMLException ? error.reason : error.message;
    throw new InvalidError(`${file} is neither YAML nor JSON: ${reason}; ${HOW}`, [], { cause: error });
  }
}

function findAgent(leases: readonly Lease[], pods: readonly Pod[], place: LeasePlace): Pod | undefined {
  const lease = leases.find((it) => keyOf(it) === `${place.namespace}/${place.name}`);
  const holder = holderPod(lease?.spec?.holderIdentity);
  return pods.find((it) => holder !== undefined && keyOf(it) === `${place.namespace}/${holder}`);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}
