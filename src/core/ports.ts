import type { KubeObject } from '../api/kubernetes.ts';
import type { NodeOp } from '../api/nodeop.ts';

/**
 * What the repository loop needs of the cluster. Implemented in `kube/`; tests may use the embedded
 * cluster through the same implementation.
 */
export interface NodeOpStore {
  /** All NodeOps of the watched namespaces, from the synced cache. */
  list(): NodeOp[];
  /** Fresh from the API server; undefined when it does not exist. */
  get(namespace: string, name: string): Promise<NodeOp | undefined>;
  /** Creates it, or answers 'exists' when the name is taken. */
  create(manifest: KubeObject & { spec: unknown }): Promise<NodeOp | 'exists'>;
  /** JSON merge patch of metadata and spec. */
  patch(namespace: string, name: string, patch: object): Promise<NodeOp>;
  /** Called after any NodeOp was added, changed or removed. Returns the way to stop listening. */
  onChange(listener: () => void): () => void;
  /** The last lines of a failed node's newest container log, or undefined when it is gone. */
  failedLog(nodeOp: NodeOp, node: string): Promise<string | undefined>;
}
