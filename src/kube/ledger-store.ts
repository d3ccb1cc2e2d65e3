import { InvalidError } from '../api/errors.ts';
import { LABEL_RECORD, LABEL_RECORD_PART } from '../api/labels.ts';
import type { LedgerStore } from '../core/ports.ts';
import { labelValue } from '../core/rollout/names.ts';
import { isEntries, type LedgerPart } from '../core/runs/ledger.ts';
import type { KubeClient } from './client.ts';
import { allowed, type ConfigMap, writeConfigMap } from './config-maps.ts';
import { CONFIGMAPS, NAMESPACES } from './resources.ts';

/** Every cluster has this namespace from its first moment on, and never another one of the name. */
const IDENTITY = 'kube-system';

/** The ledger in ConfigMaps of the agent's own namespace. Each write is guarded by the version it was read at. */
export function ledgerStore(client: KubeClient, namespace: string, lease: string): LedgerStore {
  const label = labelValue(lease);
  const prefix = `${lease.length > 200 ? label.toLowerCase() : lease}-record-`;
  const toPart = ({ metadata, data = {} }: ConfigMap): LedgerPart => ({
    name: (metadata.name ?? '').slice(prefix.length),
    version: metadata.resourceVersion,
    data,
  });
  const records = `keep its record in ConfigMaps of the namespace ${namespace}`;
  return {
    identity: () =>
      allowed(`get the namespace ${IDENTITY}, by which it knows its cluster`, async () => {
        const found = await client.get(NAMESPACES, IDENTITY);
        if (found?.metadata.uid === undefined) throw new InvalidError(`there is no namespace ${IDENTITY}`);
        return found.metadata.uid;
      }),
    read: () =>
      allowed(records, async () => {
        const labelSelector = `${LABEL_RECORD}=${label}`;
        const { items } = await client.list<ConfigMap>(CONFIGMAPS, { labelSelector }, namespace);
        return items.filter(({ metadata }) => metadata.name?.startsWith(prefix) === true).map(toPart);
      }),
    write: ({ name, version, data }) =>
      allowed(records, async () => {
        const kind = isEntries({ name, data: {} }) ? 'entries' : name.split('-')[0];
        const labels = { [LABEL_RECORD]: label, [LABEL_RECORD_PART]: kind ?? name };
        const written = await writeConfigMap(client, {
          namespace,
          name: `${prefix}${name}`,
          labels,
          version,
          data,
        });
        return written === 'conflict' ? written : toPart(written);
      }),
    remove: (name) => allowed(records, () => client.delete(CONFIGMAPS, `${prefix}${name}`, namespace, {})),
  };
}
