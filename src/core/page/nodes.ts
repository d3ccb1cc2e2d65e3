import type { Node } from '../../api/kubernetes.ts';
import { LABELS_CONTROL_PLANE } from '../../api/labels.ts';
import { isFinalNodePhase, type NodeOp, type NodeStatus } from '../../api/nodeop.ts';
import type { Steps } from '../../api/pieces.ts';
import type { NodesRow, PageViews, RunId } from '../../api/page.ts';
import { Cordons } from '../cordon.ts';
import { nameOf } from '../runs/identity.ts';
import { oneLine } from '../text/table.ts';
import { known, ms, type SeenFacts, topOf } from './facts.ts';
import { nodeOpsOf } from './row.ts';
import { mayReadLogs, maySee, withoutLog } from './sees.ts';

/** What is under way on a node, or was last. */
interface Last {
  id: RunId;
  nodeOp: NodeOp;
  status: NodeStatus;
}

const PIECE = 500;

/** Every node of the cluster. */
export function* nodesView(facts: SeenFacts): Steps<PageViews['nodes']> {
  const cordons = new Cordons(facts.nodeOps);
  yield;
  const last = yield* lastOf(facts);
  const rows: NodesRow[] = [];
  for (const node of facts.nodes.values()) {
    rows.push(rowOf(node, cordons, last.get(node.metadata.name ?? ''), facts));
    if (rows.length % PIECE === 0) yield;
  }
  const count = (is: (row: NodesRow) => boolean | undefined) => rows.filter((row) => is(row) === true).length;
  const head = {
    ...topOf(facts),
    total: rows.length,
    ready: count(({ ready }) => ready),
    cordoned: count(({ cordoned }) => cordoned),
    leftCordoned: count(({ leftCordoned }) => leftCordoned),
  };
  return { head, rows };
}

/** By node: the newest NodeOp that began with it. */
function* lastOf({ nodeOps, nodes, layout, sees }: SeenFacts): Steps<Map<string, Last>> {
  const last = new Map<string, Last>();
  const own = [...nodeOpsOf(nodeOps, layout)].toReversed();
  for (const [id, nodeOp] of own) {
    if (last.size >= nodes.size) break;
    if (!maySee(sees, nodeOp.metadata.namespace)) continue;
    for (const [name, status] of Object.entries(nodeOp.status?.nodeStatuses ?? {})) {
      if (status.startedAt === undefined || last.has(name) || !nodes.has(name)) continue;
      last.set(name, { id, nodeOp, status });
    }
    yield;
  }
  return last;
}

function rowOf(node: Node, cordons: Cordons, last: Last | undefined, facts: SeenFacts): NodesRow {
  const { name = '', labels = {} } = node.metadata;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const isCordoned = node.spec?.unschedulable === true;
  const isLeft = isCordoned && cordons.left(node) !== undefined;
  return known<NodesRow>({
    key: name,
    ready: ready?.status === 'True',
    readySince: ms(ready?.lastTransitionTime),
    cordoned: isCordoned,
    leftCordoned: isLeft ? true : undefined,
    cordon: isCordoned ? cordonText(node, cordons, facts) : undefined,
    zone: labels[ZONE],
    controlPlane: LABELS_CONTROL_PLANE.some((label) => label in labels) ? true : undefined,
    last: last && lastRow(last, facts),
  });
}

/** Label of the zone that a node is in. */
export const ZONE = 'topology.kubernetes.io/zone';

/** Without the name of a NodeOp that the reader may not see, and without what containers said where that may not be seen. */
export function cordonText(node: Node, cordons: Cordons, { sees }: SeenFacts): string {
  const by = cordons.of(node)?.by;
  const namespace = by?.slice(0, by.indexOf('/'));
  if (!maySee(sees, namespace)) return 'It is cordoned by a NodeOp of another namespace.';
  const text = cordons.text(node);
  return mayReadLogs(sees, namespace) ? text : withoutLog(text);
}

function lastRow({ id, nodeOp, status }: Last, { sees }: SeenFacts): NonNullable<NodesRow['last']> {
  const { phase, startedAt, finishedAt, message } = status;
  const seen =
    message === undefined || mayReadLogs(sees, nodeOp.metadata.namespace) ? message : withoutLog(message);
  return known<NonNullable<NodesRow['last']>>({
    run: id,
    name: nameOf(nodeOp),
    phase,
    at: ms(isFinalNodePhase(phase) ? finishedAt : startedAt),
    message: seen && oneLine(seen, 200),
  });
}
