import type { Node } from '../api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { ownerMark } from '../core/rollout/facts.ts';
import { inFlightNodes } from '../core/rollout/status.ts';

/** The mark of a NodeOp on a node that it cordoned. */
export interface Cordon {
  /** `<namespace>/<name>` of who cordoned it. */
  by: string;
  /** That NodeOp; undefined when it is gone. */
  owner: NodeOp | undefined;
  /** Who works on the node now: the owner, or another one under the cordon of one that failed before. */
  worker: NodeOp | undefined;
}

/** Undefined when no NodeOp cordoned the node. */
export function cordonOf(node: Node, nodeOps: readonly NodeOp[]): Cordon | undefined {
  const mark = node.metadata.annotations?.[ANNOTATION_CORDONED_BY];
  if (mark === undefined) return undefined;
  const owner = nodeOps.find(({ metadata: { namespace = '', name = '', uid = '' } }) => {
    return ownerMark({ namespace, name, uid }) === mark;
  });
  return { by: mark.slice(0, mark.indexOf('@')), owner, worker: workerOf(node, nodeOps) };
}

/** The NodeOp that has begun with the node and has no verdict on it yet. */
export function workerOf({ metadata: { name = '' } }: Node, nodeOps: readonly NodeOp[]): NodeOp | undefined {
  return nodeOps.find((it) => inFlightNodes(it.status ?? {}).includes(name));
}
