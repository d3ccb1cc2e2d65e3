import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Holds } from '../../src/agent/holds.ts';
import type { Obj } from '../../src/sim/index.ts';
import { Cluster, type VirtualCluster } from '../support/cluster.ts';

/** How many runs may have nodes in flight at once, by what goes on rather than by what is on record. */

const NODEOPS = 'nodeops.operator.kairos.io';
const HOLD = 'agent.nodeop.dev/hold';
const RUN = 'agent.nodeop.dev/run';

let cluster: VirtualCluster;

beforeEach(async () => {
  const holds = new Holds(createLogger('silent'));
  holds.set('repository', undefined);
  cluster = await Cluster.virtual(
    { nodes: 2, script: () => ({ durationMs: 60_000 }) },
    { holds, maxConcurrent: 1 },
  );
});

afterEach(() => cluster.stop());

const jobsOf = (name: string) =>
  cluster.sim.store
    .all('jobs.batch')
    .filter(({ metadata }) => metadata.ownerReferences?.some((it) => it.name === name));

async function run(name: string, node?: string): Promise<void> {
  const nodeSelector = node && { matchLabels: { 'kubernetes.io/hostname': node } };
  const spec = { image: 'busybox', command: ['true'], concurrency: 1, ...(nodeSelector && { nodeSelector }) };
  await cluster.create({ metadata: { name, annotations: { [RUN]: `:runs/${name}.yaml` } }, spec });
}

function change(name: string, edit: (op: Obj) => void, subresource?: 'status'): void {
  const op = structuredClone(cluster.sim.store.get(NODEOPS, name, 'default'));
  if (op === undefined) throw new Error('no NodeOp');
  edit(op);
  cluster.sim.store.update(NODEOPS, op, { subresource });
}

test('a run that began a node of which nothing is on record yet takes its place all the same', async () => {
  await run('older');
  await cluster.passes(() => jobsOf('older').length === 1);
  change('older', (op) => (op.metadata.annotations = { ...op.metadata.annotations, [HOLD]: 'later' }));
  await cluster.until('older', (op) => op.status?.summary?.completed === 1);
  await run('newer', 'node-1');
  let idle: unknown;
  await cluster.until('newer', (op) => {
    idle ??= op.status?.nodeStatuses === undefined ? undefined : structuredClone(op.status);
    return op.status?.summary?.inFlight === 1;
  });
  await cluster.passes(() => jobsOf('newer').length === 1);
  await cluster.restart(() => {
    // The agent was killed before it could write more.
    change('newer', (op) => (op.status = idle as NonNullable<Obj['status']>), 'status');
    change('older', (op) => delete op.metadata.annotations?.[HOLD]);
  });
  let most = 0;
  const stop = cluster.sim.store.watch('jobs.batch', undefined, () => {
    const active = [...jobsOf('newer'), ...jobsOf('older')].filter(
      ({ status }) => status?.['completionTime'] === undefined,
    );
    most = Math.max(most, active.length);
  });
  for (const name of ['newer', 'older']) expect((await cluster.ended(name)).status?.phase).toBe('Completed');
  stop();
  expect(most).toBe(1);
});
