import { LABEL_RECORD_PART } from '../api/labels.ts';
import type { NotifyStore } from '../core/ports.ts';
import { labelValue } from '../core/rollout/names.ts';
import type { KubeClient } from './client.ts';
import { allowed, type ConfigMap, writeConfigMap } from './config-maps.ts';
import { CONFIGMAPS } from './resources.ts';

/** Value of the label of these ConfigMaps; they are no part of the ledger, which is read as a whole. */
export const NOTIFY_PART = 'notify';

/** What receivers were told, a ConfigMap each in the agent's own namespace. */
export function notifyStore(client: KubeClient, namespace: string, lease: string): NotifyStore {
  const prefix = `${lease.length > 200 ? labelValue(lease).toLowerCase() : lease}-notify-`;
  const toPart = ({ metadata, data = {} }: ConfigMap) => ({
    name: (metadata.name ?? '').slice(prefix.length),
    version: metadata.resourceVersion,
    data,
  });
  const keeping = `keep what it has told in ConfigMaps of the namespace ${namespace}`;
  return {
    read: (name) =>
      allowed(keeping, async () => {
        const query = { fieldSelector: `metadata.name=${prefix}${name}` };
        const { items } = await client.list<ConfigMap>(CONFIGMAPS, query, namespace);
        return items.map(toPart).find((it) => it.name === name);
      }),
    write: ({ name, version, data }) =>
      allowed(keeping, async () => {
        const labels = { [LABEL_RECORD_PART]: NOTIFY_PART };
        const written = await writeConfigMap(client, {
          namespace,
          name: `${prefix}${name}`,
          labels,
          version,
          data,
        });
        return written === 'conflict' ? written : toPart(written);
      }),
  };
}
