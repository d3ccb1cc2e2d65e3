import type { Job, Node } from '../api/kubernetes.ts';
import { InvalidError } from '../api/errors.ts';
import { LABEL_NODEOP } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { isOthers } from '../core/external/status.ts';
import { ExternalView } from '../core/external/view.ts';
import type { WaitingRun } from '../core/runs/ledger.ts';
import { JOBS, NODEOPS, NODES } from '../kube/resources.ts';
import type { ReadOnlyCluster } from './cluster.ts';
import { findRun, isMeant, runPathOf } from './find-run.ts';
import {
  findPassedOver,
  findWaiting,
  othersPassedOver,
  passedOverSentence,
  readWaiting,
  type Waiting,
  waitingSentence,
} from './waiting.ts';

/** What a cluster knows of a run: it has begun, it waits to begin, or it never will. */
export type Known =
  | { kind: 'nodeOp'; nodeOp: NodeOp }
  | { kind: 'waiting'; run: WaitingRun }
  | { kind: 'passedOver'; run: string };

/** All NodeOps; those that another controller carries out as the reports tell of them. */
export async function readNodeOps(cluster: ReadOnlyCluster, namespace?: string): Promise<NodeOp[]> {
  const nodeOps = await cluster.all<NodeOp>(NODEOPS, namespace);
  if (!nodeOps.some(isOthers)) return nodeOps;
  const view = new ExternalView();
  for await (const node of cluster.list<Node>(NODES)) view.node(node);
  for await (const job of cluster.list<Job>(JOBS, { labelSelector: LABEL_NODEOP }, namespace)) view.job(job);
  return nodeOps.map((it) => (isOthers(it) ? view.read(it) : it));
}

/** The run of a file, by its path in the repository; undefined where the cluster knows of none. */
export async function lookUpFile(
  cluster: ReadOnlyCluster,
  path: string,
  namespace?: string,
): Promise<Known | undefined> {
  const nodeOp = (await readNodeOps(cluster, namespace)).find((it) => runPathOf(it) === path);
  return nodeOp ? { kind: 'nodeOp', nodeOp } : notBegun(await readWaiting(cluster), path);
}

function notBegun(others: Waiting, wanted: string): Known | undefined {
  const run = findWaiting(others, wanted);
  if (run !== undefined) return { kind: 'waiting', run };
  const never = findPassedOver(others, wanted);
  return never === undefined ? undefined : { kind: 'passedOver', run: never };
}

/** The run that is meant. Throws InvalidError when there is none, or several. */
export async function lookUp(cluster: ReadOnlyCluster, wanted: string, namespace?: string): Promise<Known> {
  const nodeOps = await readNodeOps(cluster, namespace);
  // A beginning of a name may mean one that has begun, as long as no other is called so in full.
  if (nodeOps.some((it) => isMeant(it, wanted))) return { kind: 'nodeOp', nodeOp: findRun(nodeOps, wanted) };
  const others = await readWaiting(cluster);
  const { waiting, passedOverRuns } = others;
  return (
    notBegun(others, wanted) ?? {
      kind: 'nodeOp',
      nodeOp: findRun(nodeOps, wanted, {
        known: [...waiting.map(({ run }) => run), ...passedOverRuns],
        more: othersPassedOver(others),
      }),
    }
  );
}

/** The same for those who need one that has begun. Throws InvalidError with what is known of it otherwise. */
export async function lookUpBegun(
  cluster: ReadOnlyCluster,
  wanted: string,
  namespace?: string,
): Promise<NodeOp> {
  const known = await lookUp(cluster, wanted, namespace);
  if (known.kind === 'nodeOp') return known.nodeOp;
  if (known.kind === 'waiting') throw new InvalidError(`it has not begun: ${waitingSentence(known.run)}`);
  throw new InvalidError(passedOverSentence(known.run));
}
