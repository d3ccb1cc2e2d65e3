import { createHash } from 'node:crypto';
import type { Obj } from '../store/object.ts';
import type { Store } from '../store/store.ts';

/** A warning of the Job controller; the same one again raises its count, as event recorders do it. */
export function warn(store: Store, involved: Obj, reason: string, message: string): void {
  const { name = '', namespace, uid = '' } = involved.metadata;
  const id = createHash('sha256').update(`${uid} ${reason} ${message}`).digest('hex').slice(0, 16);
  const at = store.now();
  const known = store.get('events', `${name}.${id}`, namespace);
  if (known !== undefined) {
    store.update('events', { ...known, count: Number(known['count']) + 1, lastTimestamp: at });
    return;
  }
  const { apiVersion = '', kind = '' } = involved;
  store.create('events', {
    metadata: { name: `${name}.${id}`, ...(namespace !== undefined && { namespace }) },
    involvedObject: { apiVersion, kind, name, namespace, uid },
    type: 'Warning',
    reason,
    message,
    source: { component: 'job-controller' },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  });
}
