import type { Command } from 'commander';
import type { KubeList, KubeObject } from '../api/kubernetes.ts';
import { InvalidError, TransientError } from '../api/errors.ts';
import { backoffMs, pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { ApiError } from '../kube/api-error.ts';
import { KubeClient } from '../kube/client.ts';
import { minorOf } from '../kube/server-version.ts';
import type { Resource } from '../kube/resources.ts';
import { reasonOf } from './system-error.ts';
import { shellWord } from './terminal.ts';

/** How a command that only reads finds its cluster. */
export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

/** @param namespace what it is good for */
export function clusterOptions(command: Command, namespace = 'only NodeOps of this namespace'): Command {
  return command
    .option('--kubeconfig <file>', "kubeconfig; $KUBECONFIG, ~/.kube/config or the pod's own when absent")
    .option('--context <name>', 'context of the kubeconfig; its current one when absent')
    .option('-n, --namespace <name>', namespace);
}

/** The same flags for commands that are proposed to people, so that they mean the same cluster. */
export interface Access {
  /** Of commands of ours. */
  own: string;
  /** Of kubectl, which is told the namespace of each object. */
  kubectl: string;
}

export function accessOf({ kubeconfig, context, namespace }: ClusterFlags): Access {
  const text = (flags: Record<string, string | undefined>) =>
    Object.entries(flags)
      .map(([name, value]) => (value === undefined ? '' : ` --${name} ${shellWord(value)}`))
      .join('');
  return { own: text({ kubeconfig, context, namespace }), kubectl: text({ kubeconfig, context }) };
}

/** Throws InvalidError when the kubeconfig is missing, unreadable or names no such context. */
export function connect({ kubeconfig, context }: ClusterFlags, mayWrite: () => boolean): KubeClient {
  try {
    return new KubeClient({ kubeconfig, context, timeoutMs: 15_000, mayWrite });
  } catch (error) {
    const what =
      kubeconfig === undefined ? 'no usable kubeconfig' : `cannot use the kubeconfig ${kubeconfig}`;
    const way = 'name one with --kubeconfig and --context';
    throw new InvalidError(`${what}: ${reasonOf(error)}; ${way}`, [], { cause: error });
  }
}

/** A cluster for reading: the client refuses every write, and errors say what to do about them. */
export class ReadOnlyCluster {
  readonly client: KubeClient;

  /** Throws InvalidError as `connect` does. */
  constructor(flags: ClusterFlags) {
    this.client = connect(flags, () => false);
  }

  /** Every object of a resource, page by page. */
  async *list<T extends KubeObject>(
    resource: Resource,
    query: Record<string, string> = {},
    namespace?: string,
  ): AsyncGenerator<T> {
    let token: string | undefined;
    do {
      const page: KubeList<T> = await this.ask(`list ${resource.plural}`, () =>
        this.client.list<T>(resource, { ...query, limit: PAGE, continue: token }, namespace),
      );
      yield* page.items;
      token = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (token !== undefined);
  }

  async all<T extends KubeObject>(resource: Resource, namespace?: string): Promise<T[]> {
    const objects: T[] = [];
    for await (const object of this.list<T>(resource, {}, namespace)) objects.push(object);
    return objects;
  }

  get<T extends KubeObject>(resource: Resource, name: string, namespace?: string): Promise<T | undefined> {
    return this.ask(`get ${resource.plural}`, () => this.client.get<T>(resource, name, namespace));
  }

  /** A resource in the version of its group that the server prefers: `policy/v1` came with Kubernetes 1.22. */
  async served(group: string, plural: string): Promise<Resource> {
    const { preferredVersion } = await this.ask(`read the versions of ${group}`, async () => {
      const answer = await this.client.request('GET', `/apis/${group}`);
      return answer as { preferredVersion: { groupVersion: string } };
    });
    return { base: `/apis/${preferredVersion.groupVersion}`, plural };
  }

  /** Of the server's version, 20 of `1.20`; undefined when it tells none. */
  minor(): Promise<number | undefined> {
    return this.ask('read the version', () => minorOf(this.client));
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** An API server that is busy is asked again, as it asks for; whatever else is wrong is said at once. */
  private async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        return await request();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!BUSY.has(error.code) || attempt === ATTEMPTS) throw explained(what, error);
        // oxlint-disable-next-line no-await-in-loop
        await pause(
          systemClock,
          Math.min(error.retryAfterMs ?? backoffMs(systemClock, attempt), LONGEST_WAIT_MS),
        );
      }
    }
  }
}

const BUSY = new Set([429, 503, 504]);
const ATTEMPTS = 4;
const LONGEST_WAIT_MS = 10_000;
const PAGE = 500;

/** The API server's answer as something a person can act on. */
export function explained(what: string, error: ApiError): Error {
  const options = { cause: error };
  switch (error.code) {
    case 0:
      return new TransientError(
        `cannot ${what}: ${error.message}; is this the right cluster? See --kubeconfig and --context`,
        options,
      );
    case 401:
      return new InvalidError(`cannot ${what}: the cluster does not accept the credentials`, [], options);
    case 403:
      return new InvalidError(
        `not allowed to ${what}: ${error.message}; examples/plan-role.yaml is a role for reading`,
        [],
        options,
      );
    case 404:
      return new InvalidError(
        `cannot ${what}: the cluster does not know them; is the agent installed? (kubectl apply -k manifests)`,
        [],
        options,
      );
    default:
      return new TransientError(`cannot ${what}: ${error.message}`, options);
  }
}
