import type { Job, Node, ObjectMeta, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY, ANNOTATION_NODE, ANNOTATION_NODE_UID } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';

/** On Jobs and pods. */
const OF_NODE = [ANNOTATION_NODE, ANNOTATION_NODE_UID];

/** What the caches keep of each object: only what is read, since thousands are held. */

export function trimNodeOp(op: NodeOp): NodeOp {
  const { managedFields: _, ...metadata } = op.metadata as ObjectMeta & { managedFields?: unknown };
  return { ...op, metadata };
}

export function trimNode(node: Node): Node {
  const ready = node.status?.conditions?.filter(({ type }) => type === 'Ready') ?? [];
  const bootID = node.status?.nodeInfo?.bootID;
  return {
    metadata: trimMeta(node.metadata, [ANNOTATION_CORDONED_BY]),
    spec: node.spec?.unschedulable === true ? { unschedulable: true } : {},
    status: {
      conditions: ready.map(({ type, status, lastTransitionTime = '' }) => ({
        type,
        status,
        lastTransitionTime,
      })),
      nodeInfo: bootID === undefined ? {} : { bootID },
    },
  };
}

export function trimJob(job: Job): Job {
  return { metadata: trimMeta(job.metadata, OF_NODE), ...(job.status ? { status: job.status } : {}) };
}

export function trimPod(pod: Pod): Pod {
  const restartPolicy = pod.spec?.restartPolicy;
  return {
    metadata: trimMeta(pod.metadata, OF_NODE),
    ...(restartPolicy === undefined ? {} : { spec: { containers: [], restartPolicy } }),
    ...(pod.status ? { status: pod.status } : {}),
  };
}

function trimMeta(meta: ObjectMeta, wanted: readonly string[]): ObjectMeta {
  const { name, namespace, uid, resourceVersion, labels, creationTimestamp, deletionTimestamp } = meta;
  const annotations = Object.entries(meta.annotations ?? {}).filter(([key]) => wanted.includes(key));
  return {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(labels === undefined ? {} : { labels }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
}
