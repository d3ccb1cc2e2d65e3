import { InvalidError } from '../api/errors.ts';
import type { KubeObject } from '../api/kubernetes.ts';
import { labelValue } from '../core/rollout/names.ts';
import { isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { CONFIGMAPS } from './resources.ts';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

/** What one ConfigMap holds, by its own part of the name. */
export interface Part {
  name: string;
  version: string | undefined;
  data: Record<string, string>;
}

/** Keys to write, null to remove one; `version` as it was read, absent when it is not there yet. */
export interface PartChange {
  name: string;
  version?: string | undefined;
  data: Readonly<Record<string, string | null>>;
}

export interface PartsOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the agent's lease: agents that share a namespace keep apart by it. */
  lease: string;
  /** What they are for, as it stands in their names. */
  use: string;
  /** What the agent does with them, for messages: `the agent may not …`. */
  doing: string;
}

/** A lease may be called so that its name and ours still fit into that of an object. */
const LONGEST_LEASE = 200;

/** ConfigMaps of one use in the agent's own namespace. Each write is guarded by the version it was read at. */
export class ConfigMapParts {
  readonly #options: PartsOptions;
  readonly #prefix: string;

  constructor(options: PartsOptions) {
    const { lease, use } = options;
    this.#options = options;
    const own = lease.length > LONGEST_LEASE ? labelValue(lease).toLowerCase() : lease;
    this.#prefix = `${own}-${use}-`;
  }

  list(labelSelector: string): Promise<Part[]> {
    return this.#read({ labelSelector });
  }

  async get(name: string): Promise<Part | undefined> {
    const found = await this.#read({ fieldSelector: `metadata.name=${this.#prefix}${name}` });
    return found.find((it) => it.name === name);
  }

  /** 'conflict' when somebody else made, changed or removed it since it was read. */
  write(part: PartChange, labels: Record<string, string>): Promise<Part | 'conflict'> {
    return this.#allowed(async () => {
      try {
        return this.#partOf(await this.#put(part, labels));
      } catch (error) {
        const isGone = part.version !== undefined && isApiError(error, 404);
        if (isGone || isApiError(error, 409)) return 'conflict';
        throw error;
      }
    });
  }

  remove(name: string): Promise<void> {
    const { client, namespace } = this.#options;
    return this.#allowed(() => client.delete(CONFIGMAPS, `${this.#prefix}${name}`, namespace, {}));
  }

  #read(query: Record<string, string>): Promise<Part[]> {
    const { client, namespace } = this.#options;
    return this.#allowed(async () => {
      const { items } = await client.list<ConfigMap>(CONFIGMAPS, query, namespace);
      const own = items.filter(({ metadata }) => metadata.name?.startsWith(this.#prefix) === true);
      return own.map((it) => this.#partOf(it));
    });
  }

  #put({ name, version, data }: PartChange, labels: Record<string, string>): Promise<ConfigMap> {
    const { client, namespace } = this.#options;
    const fullName = `${this.#prefix}${name}`;
    if (version !== undefined) {
      const patch = { metadata: { resourceVersion: version }, data };
      return client.patch<ConfigMap>(CONFIGMAPS, fullName, patch, { namespace });
    }
    const given = Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== null);
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: fullName, namespace, labels },
      data: Object.fromEntries(given),
    };
    return client.create<ConfigMap>(CONFIGMAPS, body, namespace);
  }

  #partOf({ metadata, data = {} }: ConfigMap): Part {
    const name = (metadata.name ?? '').slice(this.#prefix.length);
    return { name, version: metadata.resourceVersion, data };
  }

  #allowed<T>(ask: () => Promise<T>): Promise<T> {
    const { namespace, doing } = this.#options;
    return allowed(`${doing} in ConfigMaps of the namespace ${namespace}`, ask);
  }
}

/** What `ask` answers; where the API server forbids it, an InvalidError that says what the agent may not do, and the way out. */
export async function allowed<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isApiError(error, 403)) throw error;
    const way = 'apply the RBAC rules of this version (manifests/base/rbac.yaml)';
    throw new InvalidError(`the agent may not ${doing}: ${way}: ${error.message}`, [], { cause: error });
  }
}
