import type { Lease } from '../api/kubernetes.ts';
import { ANNOTATION_HOLD } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { clusterHoldText, heldText } from '../core/holds.ts';
import { LEASES } from '../kube/resources.ts';
import type { ReadOnlyCluster } from './cluster.ts';

export { heldHeading, heldText } from '../core/holds.ts';

/** Where the agent's Lease lies and how it is called, unless the configuration says otherwise. */
const PLACE = { namespace: 'nodeop-system', name: 'nodeop-agent' };

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
