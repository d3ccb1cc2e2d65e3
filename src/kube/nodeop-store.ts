import { InvalidError, TransientError } from '../api/errors.ts';
import { type NodeOp, type NodeOpSpec, NodeOpSpecSchema } from '../api/nodeop.ts';
import { holdsBack } from '../core/definition.ts';
import type { LedgerStore, NodeOpStore } from '../core/ports.ts';
import { type ApiError, isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { commandLog } from './command-log.ts';
import { NODEOPS } from './resources.ts';
import { statusPatch } from './status-patch.ts';
import type { WatchCache } from './watch.ts';
import { own } from '../api/own.ts';

export interface NodeOpStoreOptions {
  client: KubeClient;
  ledger: LedgerStore;
  cache: WatchCache<NodeOp>;
  subscribe: (listener: () => void) => () => void;
  /** How a NodeOp is to be taken that came from the API server. */
  read?: (nodeOp: NodeOp) => NodeOp;
  /** Why no NodeOp may be made here. */
  obstacle?: () => string | undefined;
  /** Whether the cluster's definition of NodeOps may drop fields of a spec: one that is dropped is refused. */
  mayDrop?: () => boolean;
  /** Also one that has its default value, since whoever carries it out may have another. */
  exact?: boolean;
}

/** NodeOps as the repository loop sees them. */
export function nodeOpStore(options: NodeOpStoreOptions): NodeOpStore {
  const { client, ledger, cache, subscribe, read = (nodeOp) => nodeOp } = options;
  return {
    ledger,
    obstacle: () => options.obstacle?.(),
    list: () => [...cache.values()].map(read),
    get: async (namespace, name) => {
      const found = await client.get<NodeOp>(NODEOPS, name, namespace);
      return found && read(found);
    },
    create: async (manifest) => {
      const obstacle = options.obstacle?.();
      if (obstacle !== undefined) throw new TransientError(obstacle);
      try {
        const { namespace } = manifest.metadata;
        // Whatever is known of the definition: it may have been replaced a moment ago.
        if (options.mayDrop?.() === true || holdsBack(manifest.spec as NodeOpSpec))
          await refuseParts(client, manifest as NodeOp, options.exact === true);
        const created = await client.create(NODEOPS, manifest as NodeOp, namespace);
        cache.put(created);
        return read(created);
      } catch (error) {
        if (isApiError(error, 409)) return 'exists';
        if (isApiError(error, 400, 422)) throw rejected(error);
        throw error;
      }
    },
    patch: async (namespace, name, patch) => {
      try {
        const patched = await client.patch<NodeOp>(NODEOPS, name, patch, { namespace });
        cache.put(patched);
        return read(patched);
      } catch (error) {
        // The next attempt starts from what is there.
        const fresh = isApiError(error, 409) && (await client.get<NodeOp>(NODEOPS, name, namespace));
        if (fresh) cache.put(fresh);
        throw error;
      }
    },
    putStatus: async (nodeOp, status) => {
      const { name = '', namespace, resourceVersion } = nodeOp.metadata;
      const news = statusPatch(nodeOp.status ?? {}, status);
      const body = { metadata: { resourceVersion }, status: news };
      const put = await client.patch<NodeOp>(NODEOPS, name, body, { namespace, subresource: 'status' });
      cache.put(put);
      return read(put);
    },
    onChange: subscribe,
    log: async (nodeOp, node, limit) => (await commandLog(client, nodeOp, node, limit))?.text,
  };
}

/** API servers of all versions drop the fields a definition does not have; a rehearsal tells which, before anybody acts on the rest. */
async function refuseParts(client: KubeClient, manifest: NodeOp, exact: boolean): Promise<void> {
  const kept = await client.create(NODEOPS, manifest, manifest.metadata.namespace, { dryRun: true });
  const understood = NodeOpSpecSchema.safeParse(kept.spec).data;
  const problems = droppedFields(manifest.spec, kept.spec, [])
    .filter((path) => exact || !equalAt(manifest.spec, understood, path))
    .map((path) => ({
      path: ['spec', ...path],
      message: 'the definition of NodeOps in this cluster does not know this field',
    }));
  if (problems.length > 0) throw new InvalidError('the cluster would drop fields of the NodeOp', problems);
}

function droppedFields(sent: unknown, kept: unknown, path: (string | number)[]): (string | number)[][] {
  if (kept === undefined) return [path];
  if (typeof sent !== 'object' || sent === null) return [];
  const left = kept as Record<string, unknown>;
  return Object.entries(sent).flatMap(([key, value]) =>
    droppedFields(value, own(left, key), [...path, Array.isArray(sent) ? Number(key) : key]),
  );
}

function equalAt(a: unknown, b: unknown, path: readonly (string | number)[]): boolean {
  const at = (value: unknown): unknown =>
    path.reduce<unknown>(
      (it, key) => (typeof it === 'object' && it !== null ? Reflect.get(it, key) : undefined),
      value,
    );
  return JSON.stringify(at(a)) === JSON.stringify(at(b));
}

/** The API server's own refusal, each cause with its path. */
function rejected(error: ApiError): InvalidError {
  const causes = error.status.details?.causes ?? [];
  const problems = causes.map(({ field = '', message = '' }) => ({
    path: field.split('.').filter(Boolean),
    message,
  }));
  return new InvalidError(`the API server refused the NodeOp: ${error.message}`, problems, { cause: error });
}
