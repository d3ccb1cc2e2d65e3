import { ANNOTATION_RUN } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';

/** Path of the run file a NodeOp was made for; undefined when people made it. */
export function runPathOf(nodeOp: NodeOp): string | undefined {
  const id = nodeOp.metadata.annotations?.[ANNOTATION_RUN];
  return id?.slice(id.indexOf(':') + 1);
}

/** Name of the cluster it was made for; undefined where it has none, or people made the NodeOp. */
export function clusterNameOf(nodeOp: NodeOp): string | undefined {
  const id = nodeOp.metadata.annotations?.[ANNOTATION_RUN] ?? '';
  return id.slice(0, Math.max(0, id.indexOf(':'))) || undefined;
}

export function labelOf({ metadata }: NodeOp): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** As people know it: by the run file they wrote. */
export function nameOf(nodeOp: NodeOp): string {
  return runPathOf(nodeOp) ?? labelOf(nodeOp);
}
