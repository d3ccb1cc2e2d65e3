import type { Pod } from '../../api/kubernetes.ts';
import { LABEL_NODEOP } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { InvalidError } from '../../api/errors.ts';
import { logSources } from '../../core/logs/sources.ts';
import { labelValue } from '../../core/rollout/names.ts';
import { isApiError } from '../../kube/api-error.ts';
import { readPodLog } from '../../kube/pod-log.ts';
import { PODS } from '../../kube/resources.ts';
import { explained, type ReadOnlyCluster } from '../cluster.ts';
import { type LogPrinter, originOf } from './entry.ts';
import { placeOf, type Told } from './told.ts';

/** By which the API server finds the pods of a NodeOp. */
export function selectorOf({ metadata }: NodeOp): string {
  return `${LABEL_NODEOP}=${labelValue(metadata.name ?? '')}`;
}

export async function podsOf(cluster: ReadOnlyCluster, nodeOp: NodeOp): Promise<Pod[]> {
  const pods: Pod[] = [];
  const query = { labelSelector: selectorOf(nodeOp) };
  for await (const pod of cluster.list<Pod>(PODS, query, nodeOp.metadata.namespace)) pods.push(pod);
  return pods;
}

export interface Printing {
  printer: LogPrinter;
  told: Told;
  /** The only node that is of interest. */
  node: string | undefined;
  signal: AbortSignal;
}

/** Prints what the pods have said so far, one container after the other. */
export async function printPods(
  { client }: ReadOnlyCluster,
  { nodeOp, pods }: { nodeOp: NodeOp; pods: readonly Pod[] },
  { printer, told, node, signal }: Printing,
): Promise<void> {
  for (const source of logSources(nodeOp, pods)) {
    if (signal.aborted) return;
    if (node !== undefined && source.node !== node) continue;
    const place = placeOf(source);
    try {
      // oxlint-disable-next-line no-await-in-loop -- as they are to be read
      for await (const line of readPodLog(client, { ...source, follow: false, signal })) {
        // oxlint-disable-next-line no-await-in-loop
        await printer.print(originOf(source), line);
        told.heard(place);
      }
      told.read(place);
    } catch (error) {
      if (signal.aborted) return;
      if (isApiError(error, 0)) throw explained('read logs', error);
      told.lacks(place, problemOf(error));
    }
  }
}

/** Of a container whose log cannot be read: why, for its node. What is the matter of all logs is thrown. */
export function problemOf(error: unknown): string {
  if (isApiError(error, 401, 403)) {
    const way = 'logs need the right to get pods/log, which the role view of the cluster has';
    throw new InvalidError(`not allowed to read logs: ${error.message}; ${way}`, [], { cause: error });
  }
  return error instanceof Error ? error.message : String(error);
}
