import type { Lease } from '../api/kubernetes.ts';
import { ANNOTATION_HOLD } from '../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { clusterHoldText } from '../core/holds.ts';
import { oneLine } from '../core/text/table.ts';
import { LEASES } from '../kube/resources.ts';
import type { ReadOnlyCluster } from './cluster.ts';

/** Where the agent's Lease lies and how it is called, unless the configuration says otherwise. */
const PLACE = { namespace: 'nodeop-system', name: 'nodeop-agent' };

/** By whom a NodeOp is held that goes on, as the agent tells it. */
export function heldText({ status }: NodeOp): string | undefined {
  if (isFinalPhase(status?.phase)) return undefined;
  const held = status?.conditions?.find(({ type }) => type === 'Held');
  return held && oneLine(held.message, 400);
}

/** The first line of a page, said once. */
export function heldHeading(text: string): string {
  return `Held: ${text.replace(/^held (?=by )/, '')}`;
}

/** By whom the whole cluster is held: as the Lease says now, and as the agent says of NodeOps that go on. */
export async function clusterHeld(
  cluster: ReadOnlyCluster,
  nodeOps: readonly NodeOp[],
  place = PLACE,
): Promise<string | undefined> {
  const said = nodeOps
    .filter((it) =>
      it.status?.conditions?.some(({ reason }) => reason === 'HeldByRepository' || reason === 'HeldByLease'),
    )
    .flatMap((it) => heldText(it) ?? []);
  const [first] = said;
  return first ?? clusterHoldText({ lease: await leaseHold(cluster, nodeOps, place) });
}

async function leaseHold(
  cluster: ReadOnlyCluster,
  nodeOps: readonly NodeOp[],
  { namespace: first, name }: typeof PLACE,
): Promise<string | undefined> {
  const namespaces = new Set([first, ...nodeOps.map(({ metadata }) => metadata.namespace ?? '')]);
  for (const namespace of [...namespaces].slice(0, 10)) {
    // Who may not read leases is told by the NodeOps that go on.
    const lease = await cluster.get<Lease>(LEASES, name, namespace).catch(() => undefined);
    const reason = lease?.metadata.annotations?.[ANNOTATION_HOLD];
    if (reason !== undefined) return reason;
  }
  return undefined;
}
