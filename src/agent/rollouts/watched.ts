import type { Job, KubeObject, Node, Pod } from '../../api/kubernetes.ts';
import { LABEL_NODEOP_UID } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { Clock } from '../../core/ports.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Caches } from '../../kube/executor.ts';
import { JOBS, NODEOPS, NODES, PODS } from '../../kube/resources.ts';
import { trimJob, trimNode, trimNodeOp, trimPod } from '../../kube/trim.ts';
import { WatchCache } from '../../kube/watch.ts';

interface Listeners {
  nodeOp: (object: NodeOp, gone: boolean) => void;
  node: (object: Node, gone: boolean) => void;
  job: (object: Job, gone: boolean) => void;
  pod: (object: Pod, gone: boolean, isUnheard: boolean) => void;
  onError: (error: unknown) => void;
}

/** What is watched of the cluster: all NodeOps and nodes, and of Jobs and pods those of NodeOps. */
export function watched(client: KubeClient, clock: Clock, told: Listeners): Caches {
  const common = { client, clock, onError: told.onError };
  const own = { ...common, labelSelector: LABEL_NODEOP_UID };
  return {
    nodeOps: new WatchCache<NodeOp>({
      ...common,
      resource: NODEOPS,
      trim: trimNodeOp,
      onChange: told.nodeOp,
    }),
    nodes: new WatchCache<Node>({ ...common, resource: NODES, trim: trimNode, onChange: told.node }),
    jobs: new WatchCache<Job>({ ...own, resource: JOBS, trim: trimJob, onChange: told.job }),
    pods: new WatchCache<Pod>({ ...own, resource: PODS, trim: trimPod, onChange: told.pod }),
  };
}

export async function startAll({ nodeOps, nodes, jobs, pods }: Caches): Promise<void> {
  await Promise.all([nodeOps.start(), nodes.start(), jobs.start(), pods.start()]);
}

export async function stopAll(caches: Caches): Promise<void> {
  await Promise.all(Object.values(caches).map((cache: WatchCache<KubeObject>) => cache.stop()));
}
