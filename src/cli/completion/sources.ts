import { join, relative } from 'node:path';
import type { KubeList, KubeObject, Node } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { naturally } from '../../core/text/order.ts';
import { contextNames } from '../../kube/kubeconfig.ts';
import { NAMESPACES, NODEOPS, NODES, type Resource } from '../../kube/resources.ts';
import { systemClock } from '../../time/clock.ts';
import { type ClusterFlags, ReadOnlyCluster } from '../cluster.ts';
import { candidates, labelOf, runPathOf } from '../find-run.ts';
import { walk } from '../repository-files.ts';
import type { Candidate, Sources, Typed } from './complete.ts';
import type { Kind } from './kinds.ts';

/** Somebody waits for it with a finger on the key. */
const PATIENCE_MS = 2_000;
const MOST = 500;

/** What the machine and the cluster know; it offers nothing that it cannot find out in time. */
export const valuesHere: Sources = async (kind, line) => {
  const none = Promise.withResolvers<Candidate[]>();
  const cancel = systemClock.after(PATIENCE_MS, () => none.resolve([]));
  const find = FINDERS[kind];
  const found = find ? Promise.resolve().then(() => find(line)) : none.promise;
  if (!find) none.resolve([]);
  try {
    return await Promise.race([found.catch(() => []), none.promise]);
  } finally {
    cancel();
  }
};

const FINDERS: Readonly<Partial<Record<Kind, (line: Typed) => Candidate[] | Promise<Candidate[]>>>> = {
  context: ({ options }) => contextNames(options['kubeconfig']).map((value) => ({ value, description: '' })),
  namespace: async (line) => plain(await listed(line, NAMESPACES)),
  run: async (line) => {
    const nodeOps = await listed<NodeOp>(line, NODEOPS);
    return nodeOps.map((it) => ({
      value: runPathOf(it) ?? labelOf(it),
      description: `${labelOf(it)}, ${it.status?.phase ?? 'Pending'}`,
    }));
  },
  runFile: runFiles,
  node: nodes,
};

/** Names begin with their day as a rule, so the newest come first. */
async function runFiles({ options }: Typed): Promise<Candidate[]> {
  const root = options['root'] ?? '.';
  const files = await walk(join(root, options['runs'] ?? 'runs'), false);
  const newest = files.toReversed().slice(0, MOST);
  return newest.map((file) => ({ value: root === '.' ? relative(root, file) : file, description: '' }));
}

/** The nodes of the run that stands before on the line; without one, those of the cluster. */
async function nodes(line: Typed): Promise<Candidate[]> {
  const [run] = line.args;
  if (run === undefined) return plain(await listed<Node>(line, NODES));
  const [nodeOp] = candidates(await listed<NodeOp>(line, NODEOPS), run);
  const statuses = Object.entries(nodeOp?.status?.nodeStatuses ?? {});
  return statuses
    .toSorted(([a], [b]) => naturally(a, b))
    .map(([value, { phase }]) => ({ value, description: phase }));
}

function plain(objects: readonly KubeObject[]): Candidate[] {
  const names = objects.map(({ metadata }) => metadata.name ?? '');
  return names.toSorted(naturally).map((value) => ({ value, description: '' }));
}

async function listed<T extends KubeObject>({ options }: Typed, resource: Resource): Promise<T[]> {
  const { kubeconfig, context, namespace } = options;
  const flags: ClusterFlags = {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  };
  const cluster = new ReadOnlyCluster(flags);
  try {
    const isSpaced = resource === NODEOPS;
    const query = { limit: MOST };
    const page: KubeList<T> = await cluster.client.list<T>(resource, query, isSpaced ? namespace : undefined);
    return page.items;
  } finally {
    await cluster.close();
  }
}
