import type { Node } from '../api/kubernetes.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { type Cordon, Cordons } from '../core/cordon.ts';

/** Undefined when no NodeOp cordoned the node. */
export function cordonOf(node: Node, nodeOps: readonly NodeOp[]): Cordon | undefined {
  return new Cordons(nodeOps).of(node);
}

/** The NodeOp that has begun with the node and has no verdict on it yet. */
export function workerOf(node: Node, nodeOps: readonly NodeOp[]): NodeOp | undefined {
  return new Cordons(nodeOps).workerOf(node);
}
