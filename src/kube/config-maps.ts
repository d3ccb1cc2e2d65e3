import { InvalidError } from '../api/errors.ts';
import type { KubeObject } from '../api/kubernetes.ts';
import { isApiError, type KubeClient } from './client.ts';
import { CONFIGMAPS } from './resources.ts';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

interface Written {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  /** As it was read; absent when it is not there yet. */
  version: string | undefined;
  /** The keys to write; null removes one. */
  data: Readonly<Record<string, string | null>>;
}

/** What was asked, or what the agent lacks the right to do. */
export async function allowed<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isApiError(error, 403)) throw error;
    const way = 'apply the RBAC rules of this version (manifests/base/rbac.yaml)';
    throw new InvalidError(`the agent may not ${doing}: ${way}: ${error.message}`, [], { cause: error });
  }
}

/** Makes it, or writes these keys; 'conflict' when it is gone, there already, or was changed by another one since it was read. */
export async function writeConfigMap(
  client: KubeClient,
  { namespace, name, labels, version, data }: Written,
): Promise<ConfigMap | 'conflict'> {
  try {
    if (version !== undefined) {
      const patch = { metadata: { resourceVersion: version }, data };
      return await client.patch<ConfigMap>(CONFIGMAPS, name, patch, { namespace });
    }
    const given = Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== null);
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels },
      data: Object.fromEntries(given),
    };
    return await client.create<ConfigMap>(CONFIGMAPS, body, namespace);
  } catch (error) {
    if (isApiError(error, 409) || (version !== undefined && isApiError(error, 404))) return 'conflict';
    throw error;
  }
}
