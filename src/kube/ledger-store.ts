import { InvalidError } from '../api/errors.ts';
import { LABEL_RECORD, LABEL_RECORD_PART } from '../api/labels.ts';
import type { LedgerStore } from '../core/ports.ts';
import { labelValue } from '../core/rollout/names.ts';
import { isEntries } from '../core/runs/ledger.ts';
import type { KubeClient } from './client.ts';
import { allowed, ConfigMapParts } from './config-maps.ts';
import { NAMESPACES } from './resources.ts';

/** Every cluster has this namespace from its first moment on, and never another one of the name. */
const IDENTITY = 'kube-system';

/** The ledger in ConfigMaps of the agent's own namespace. */
export function ledgerStore(client: KubeClient, namespace: string, lease: string): LedgerStore {
  const label = labelValue(lease);
  const parts = new ConfigMapParts({ client, namespace, lease, use: 'record', doing: 'keep its record' });
  return {
    identity: () =>
      allowed(`get the namespace ${IDENTITY}, by which it knows its cluster`, async () => {
        const found = await client.get(NAMESPACES, IDENTITY);
        if (found?.metadata.uid === undefined) throw new InvalidError(`there is no namespace ${IDENTITY}`);
        return found.metadata.uid;
      }),
    read: () => parts.list(`${LABEL_RECORD}=${label}`),
    write: (part) => {
      const { name } = part;
      const kind = isEntries({ name, data: {} }) ? 'entries' : (name.split('-')[0] ?? name);
      return parts.write(part, { [LABEL_RECORD]: label, [LABEL_RECORD_PART]: kind });
    },
    remove: (name) => parts.remove(name),
  };
}
