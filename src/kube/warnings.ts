import type { KubeObject } from '../api/kubernetes.ts';
import { maskCredentials } from '../core/text/mask.ts';
import type { KubeClient } from './client.ts';
import { EVENTS } from './resources.ts';

/** An Event as it is read; of the two ways to tell its time, recorders use one. */
interface Told extends KubeObject {
  message?: string;
  reason?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
}

/** More are not looked at: a hundred different warnings of one object are none that explains. */
const LIMIT = 100;
const LONGEST = 2_048;

/**
 * What the cluster last warned of an object, `<reason>: <message>`: why a Job gets no pod, or a pod no volume, is said in
 * Events and nowhere else. Undefined when there is nothing, or it cannot be read: that changes no verdict.
 */
export async function lastWarning(client: KubeClient, object: KubeObject): Promise<string | undefined> {
  const { uid = '', namespace } = object.metadata;
  const query = { fieldSelector: `involvedObject.uid=${uid},type=Warning`, limit: LIMIT };
  const events = await client.list<Told>(EVENTS, query, namespace).catch(() => undefined);
  const newest = events?.items.toSorted((a, b) => timeOf(a) - timeOf(b)).at(-1);
  if (newest?.message === undefined) return undefined;
  return maskCredentials(`${newest.reason ?? 'Warning'}: ${newest.message}`.slice(0, LONGEST));
}

function timeOf({ lastTimestamp, eventTime, metadata }: Told): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
}
