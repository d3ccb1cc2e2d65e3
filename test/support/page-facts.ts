import type { Node } from '../../src/api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY, ANNOTATION_RUN } from '../../src/api/labels.ts';
import { type NodeOp, type NodeOpSpec, NodeOpSpecSchema, type NodeOpStatus } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { cardOf } from '../../src/core/page/card.ts';
import type { SeenFacts } from '../../src/core/page/facts.ts';
import { all } from '../../src/core/page/sees.ts';
import { summarise } from '../../src/core/rollout/summary.ts';

export const NOW = Date.parse('2030-01-31T22:10:00Z');

export function aNode(
  name: string,
  { by, zone = 'zone-a', ready = true }: { by?: string; zone?: string; ready?: boolean } = {},
): Node {
  return {
    metadata: {
      name,
      labels: { 'topology.kubernetes.io/zone': zone, 'kubernetes.io/hostname': name },
      ...(by !== undefined && { annotations: { [ANNOTATION_CORDONED_BY]: by } }),
    },
    spec: by === undefined ? {} : { unschedulable: true },
    status: {
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2030-01-01T00:00:00Z' },
      ],
    },
  };
}

export function aNodeOp(
  name: string,
  status: NodeOpStatus,
  {
    spec = {},
    run,
    namespace = 'ops',
  }: { spec?: Partial<NodeOpSpec>; run?: string; namespace?: string } = {},
): NodeOp {
  const { nodeStatuses } = status;
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: '2030-01-31T21:59:00Z',
      annotations: run === undefined ? {} : { [ANNOTATION_RUN]: `:${run}` },
    },
    spec: NodeOpSpecSchema.parse({ image: 'tools:1', command: ['true'], ...spec }),
    status: { ...status, ...(nodeStatuses && { summary: summarise(Object.values(nodeStatuses)) }) },
  };
}

export function aReport(
  path: string,
  status: NodeOpReport['status'],
  more: Partial<NodeOpReport> = {},
): NodeOpReport {
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: path },
    run: { path, author: 'Ada <ada@example.org>', committedAt: '2030-01-31T21:00:00Z' },
    ...more,
    status,
  };
}

export function facts({
  nodeOps = [],
  nodes = [],
  reports = [],
  ...more
}: Partial<Omit<SeenFacts, 'nodes' | 'reports'>> & {
  nodes?: readonly Node[];
  reports?: readonly NodeOpReport[];
} = {}): SeenFacts {
  const cards = reports
    .map((it, i) => cardOf(it, { report: it.run.path.replace(/^runs/, 'results'), blob: `${i}` }))
    .toSorted((a, b) => b.at - a.at);
  return {
    now: NOW,
    layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
    nodeOps,
    nodes: new Map(nodes.map((it) => [it.metadata.name ?? '', it])),
    reports: { cards, total: cards.length, state: 'read' },
    record: { waiting: [], waitingCount: 0, passedOver: 0, passedOverRuns: [], misnamed: [] },
    lease: {},
    agent: { servedBy: 'leader', version: '1.0.0', problems: [] },
    git: undefined,
    gitOfResults: undefined,
    access: { own: '', kubectl: '' },
    sees: all('ops'),
    ...more,
  };
}
