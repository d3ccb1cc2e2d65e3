import { LABEL_RECORD_PART } from '../api/labels.ts';
import { isApiError } from '../kube/api-error.ts';
import type { ConfigMap } from '../kube/config-maps.ts';
import { CONFIGMAPS } from '../kube/resources.ts';
import type { ReadOnlyCluster } from './cluster.ts';

/** Where the agent is installed unless somebody chose otherwise. */
const NAMESPACE = 'nodeop-system';

/**
 * What the agents keep on record, of one part: of all namespaces, or of the usual one where others must not be looked at. Undefined
 * where nothing of it may be.
 */
export async function recordsOf({ client }: ReadOnlyCluster, part: string): Promise<ConfigMap[] | undefined> {
  for (const namespace of [undefined, NAMESPACE]) {
    try {
      const labelSelector = `${LABEL_RECORD_PART}=${part}`;
      // oxlint-disable-next-line no-await-in-loop -- the second one only where the first is not allowed
      const { items } = await client.list<ConfigMap>(CONFIGMAPS, { labelSelector }, namespace);
      return items;
    } catch (error) {
      if (!isApiError(error, 403, 404)) throw error;
    }
  }
  return undefined;
}
