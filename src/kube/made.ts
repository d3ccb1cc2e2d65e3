import type { Job, Pod } from '../api/kubernetes.ts';
import { LABEL_NODE, LABEL_NODEOP_UID } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { labelValue } from '../core/rollout/names.ts';
import type { Made } from '../core/rollout/phase-times.ts';
import { isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { JOBS, PODS } from './resources.ts';

/** What was made for a NodeOp on a node; undefined where that may not be read. */
export async function madeFor(
  client: KubeClient,
  { metadata: { namespace = 'default', uid = '' } }: NodeOp,
  node: string,
): Promise<Made | undefined> {
  const labelSelector = `${LABEL_NODEOP_UID}=${uid},${LABEL_NODE}=${labelValue(node)}`;
  try {
    const [jobs, pods] = await Promise.all([
      client.list<Job>(JOBS, { labelSelector }, namespace),
      client.list<Pod>(PODS, { labelSelector }, namespace),
    ]);
    return { job: jobs.items[0], pods: pods.items };
  } catch (error) {
    if (isApiError(error, 403)) return undefined;
    throw error;
  }
}
