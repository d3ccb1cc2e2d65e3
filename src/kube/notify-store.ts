import { LABEL_RECORD_PART } from '../api/labels.ts';
import type { NotifyStore } from '../core/ports.ts';
import type { KubeClient } from './client.ts';
import { ConfigMapParts } from './config-maps.ts';

/** Value of the label of these ConfigMaps; they are no part of the ledger, which is read as a whole. */
export const NOTIFY_PART = 'notify';

/** What receivers were told, a ConfigMap each in the agent's own namespace. */
export function notifyStore(client: KubeClient, namespace: string, lease: string): NotifyStore {
  const doing = 'keep what it has told';
  const parts = new ConfigMapParts({ client, namespace, lease, use: 'notify', doing });
  return {
    read: (name) => parts.get(name),
    write: (part) => parts.write(part, { [LABEL_RECORD_PART]: NOTIFY_PART }),
  };
}
