import type { NodeOpStatus, NodeStatus } from '../api/nodeop.ts';
import { own } from '../api/own.ts';

type Patch = Record<string, unknown>;

/** With the nodes whose entries differ, if any do. */
export type StatusPatch = Patch & { nodeStatuses?: object | null };

/**
 * The JSON merge patch (RFC 7386) that turns one status into another, with only what differs: rewriting
 * 5,000 nodes for each of them would be gigabytes. Undefined when nothing differs.
 */
export function statusPatch(from: NodeOpStatus, to: NodeOpStatus): StatusPatch | undefined {
  const patch: StatusPatch = shallow(
    { ...from, nodeStatuses: undefined },
    { ...to, nodeStatuses: undefined },
  );
  if (from.nodeStatuses !== to.nodeStatuses) {
    const nodes = to.nodeStatuses === undefined ? null : nodePatches(from.nodeStatuses, to.nodeStatuses);
    if (nodes !== undefined) patch.nodeStatuses = nodes;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function nodePatches(
  from: Record<string, NodeStatus> | undefined,
  to: Record<string, NodeStatus>,
): Patch | undefined {
  // An empty map must be written too: it says that the targets are known and none.
  if (from === undefined) return to;
  const patch: Patch = {};
  for (const name in to) {
    const [a, b] = [own(from, name), to[name]];
    if (a === b || b === undefined) continue;
    const change = shallow(a ?? {}, b);
    if (Object.keys(change).length > 0) patch[name] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function shallow(from: object, to: object): Patch {
  const patch: Patch = {};
  const [a, b] = [from as Patch, to as Patch];
  for (const key in a) if (a[key] !== undefined && b[key] === undefined) patch[key] = null;
  for (const key in b) {
    if (b[key] === undefined || a[key] === b[key]) continue;
    if (JSON.stringify(a[key]) !== JSON.stringify(b[key])) patch[key] = b[key];
  }
  return patch;
}
