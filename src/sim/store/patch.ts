import { badRequest, StatusError } from './errors.ts';
import { isRecord } from './object.ts';

/** JSON merge patch, RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Lists that a strategic merge patch merges by a key of their items, as the built-in types declare them. */
const MERGE_KEYS: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  ownerReferences: 'uid',
  taints: 'key',
  addresses: 'type',
};

export function strategicMerge(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeList(target, patch, field);
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace')
    return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$patch'));
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else result[key] = strategicMerge(result[key], value, key);
  }
  return result;
}

function mergeList(target: unknown, patch: unknown[], field: string): unknown[] {
  const old = Array.isArray(target) ? (target as unknown[]) : [];
  if (field === 'finalizers') return [...new Set([...old, ...patch])];
  const key = MERGE_KEYS[field];
  if (key === undefined) return patch;
  const result = [...old];
  for (const item of patch) {
    if (!isRecord(item)) continue;
    const index = result.findIndex((known) => isRecord(known) && known[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMerge(result[index], item);
    else result.push(item);
  }
  return result;
}

interface Operation {
  op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  path: string;
  from?: string;
  value?: unknown;
}

/** JSON patch, RFC 6902. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list of operations');
  const root = { document: structuredClone(target) };
  for (const operation of operations as Operation[]) apply(root, operation);
  return root.document;
}

function apply(root: { document: unknown }, { op, path, from, value }: Operation): void {
  const failed = () =>
    new StatusError(422, 'Invalid', `the server rejected our request: ${op} ${path} failed`);
  const target = locate(root, path, failed);
  switch (op) {
    case 'test':
      if (JSON.stringify(target.get()) !== JSON.stringify(value)) throw failed();
      return;
    case 'add':
      return target.set(value, true);
    case 'replace':
      if (target.get() === undefined) throw failed();
      return target.set(value, false);
    case 'remove':
      if (target.get() === undefined) throw failed();
      return target.remove();
    case 'move':
    case 'copy': {
      const source = locate(root, from ?? '', failed);
      const moved = structuredClone(source.get());
      if (op === 'move') source.remove();
      return target.set(moved, true);
    }
  }
}

function locate(root: { document: unknown }, path: string, failed: () => Error) {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  let parent: unknown = root;
  let last = 'document';
  for (const key of keys) {
    parent = (parent as Record<string, unknown>)[last];
    last = key;
    if (typeof parent !== 'object' || parent === null) throw failed();
  }
  const holder = parent as Record<string, unknown>;
  const list = Array.isArray(parent) ? (parent as unknown[]) : undefined;
  const index = last === '-' ? (list?.length ?? 0) : Number(last);
  return {
    get: () => holder[last],
    set: (value: unknown, insert: boolean) => {
      if (list) list.splice(index, insert ? 0 : 1, value);
      else holder[last] = value;
    },
    remove: () => {
      if (list) list.splice(index, 1);
      else delete holder[last];
    },
  };
}
