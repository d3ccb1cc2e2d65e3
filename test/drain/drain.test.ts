import { afterEach, beforeEach, expect, test } from 'vitest';
import { NODEOPS } from '../../src/kube/resources.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start(
    { nodes: 1, script: (pod) => (pod.metadata.labels?.['job-name'] ? { durationMs: 5 } : undefined) },
    'default/agent',
  );
});

afterEach(() => cluster.stop());

const drain = (options: object = {}) => cluster.nodeOp({ drainOptions: { enabled: true, ...options } });
const left = () =>
  cluster.sim.store
    .all('pods')
    .filter(
      ({ metadata }) =>
        metadata.labels?.['kairos.io/nodeop-uid'] === undefined &&
        metadata.labels?.['job-name'] === undefined,
    )
    .map(({ metadata }) => metadata.name);
const node = () => cluster.sim.store.get('nodes', 'node-1');
const running = async (name: string) => {
  await expect.poll(() => cluster.sim.store.get('pods', name, 'default')?.status?.['phase']).toBe('Running');
};

test('a budget blocks the drain, says so, and lets it go on when it is freed', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const name = await drain();
  const blocked = await cluster.until(
    name,
    (op) => op.status?.nodeStatuses?.['node-1']?.message?.includes('blocked') === true,
  );
  expect(blocked.status?.nodeStatuses?.['node-1']?.message).toContain(
    'default/web-1 (The disruption budget web needs 1',
  );
  cluster.sim.store.remove(
    'poddisruptionbudgets.policy',
    cluster.sim.store.read('poddisruptionbudgets.policy', 'web', 'default'),
  );
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Completed');
  expect(left()).toEqual([]);
});

test('two budgets on one pod fail the node, which is uncordoned again', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('one', 0);
  cluster.budget('two', 0);
  const op = await cluster.ended(await drain());
  expect(op.status?.nodeStatuses?.['node-1']).toMatchObject({
    phase: 'Failed',
    message: expect.stringContaining('default/web-1') as string,
  });
  expect(node()?.spec?.['unschedulable']).toBeUndefined();
  expect(left()).toEqual(['web-1']);
});

test('a drain that takes too long names what it waited for and uncordons', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const op = await cluster.ended(await drain({ timeoutSeconds: 1 }));
  expect(op.status?.nodeStatuses?.['node-1']?.message).toMatch(
    /drain timed out after 1 s: .*web-1.*budget web/,
  );
  expect(node()?.spec?.['unschedulable']).toBeUndefined();
});

test('a bare pod forbids the drain before anything is evicted', async () => {
  cluster.pod('web-1');
  cluster.pod('bare', { ownerReferences: [] });
  const op = await cluster.ended(await drain());
  expect(op.status?.nodeStatuses?.['node-1']?.message).toContain('default/bare');
  expect(left()).toEqual(['web-1', 'bare']);
});

test('300 pods go; the agent’s own pod and those of other NodeOps stay', async () => {
  for (let i = 0; i < 300; i += 1) cluster.pod(`web-${i}`);
  cluster.pod('agent');
  cluster.pod('other', { labels: { 'kairos.io/nodeop': 'other' } });
  const op = await cluster.ended(await drain());
  expect(op.status?.phase, JSON.stringify(op.status?.nodeStatuses)).toBe('Completed');
  expect(left()).toEqual(['agent', 'other']);
});

test('a node that somebody else cordoned is neither claimed nor uncordoned', async () => {
  const known = cluster.sim.store.read('nodes', 'node-1');
  cluster.sim.store.update('nodes', { ...known, spec: { unschedulable: true } });
  const op = await cluster.ended(await drain());
  expect(op.status?.phase).toBe('Completed');
  expect(node()?.spec?.['unschedulable']).toBe(true);
  expect(node()?.metadata.annotations ?? {}).toEqual({});
});

test('of two NodeOps on one node the later waits and says for whom', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const first = await drain();
  await cluster.until(first, (op) => op.status?.nodeStatuses?.['node-1']?.phase === 'Draining');
  const second = await cluster.nodeOp({});
  const waiting = await cluster.until(
    second,
    (op) => op.status?.conditions?.some(({ message }) => message?.includes('busy')) === true,
  );
  expect(waiting.status?.conditions?.[0]?.message).toContain(`node-1 (busy with default/${first})`);
  cluster.sim.store.remove(
    'poddisruptionbudgets.policy',
    cluster.sim.store.read('poddisruptionbudgets.policy', 'web', 'default'),
  );
  const ends = await Promise.all([cluster.ended(first), cluster.ended(second)]);
  expect(ends.map(({ status }) => status?.phase)).toEqual(['Completed', 'Completed']);
});

test('no node matches', async () => {
  const op = await cluster.ended(await cluster.nodeOp({ nodeSelector: { matchLabels: { absent: 'yes' } } }));
  expect(op.status).toMatchObject({ phase: 'Failed', nodeStatuses: {} });
  expect(op.status?.conditions?.[0]?.reason).toBe('NoNodesMatched');
});

test('a NodeOp deleted in mid-run finishes what it began, uncordons, and lets go', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const name = await drain({ timeoutSeconds: 1 });
  await cluster.until(name, (op) => op.status?.nodeStatuses?.['node-1']?.phase === 'Draining');
  await cluster.client.delete(NODEOPS, name, 'default', {});
  await expect
    .poll(() => cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default'), { timeout: 20_000 })
    .toBeUndefined();
  expect(node()?.spec?.['unschedulable']).toBeUndefined();
});

test('a spec changed in mid-run is not acted on, and the status says so', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const name = await drain({ timeoutSeconds: 2 });
  await cluster.until(name, (op) => op.status?.nodeStatuses?.['node-1']?.phase === 'Draining');
  await cluster.client.patch(
    NODEOPS,
    name,
    { spec: { drainOptions: { timeoutSeconds: 0 } } },
    { namespace: 'default' },
  );
  const op = await cluster.ended(name);
  expect(op.status?.conditions?.map(({ type }) => type)).toContain('SpecChanged');
  expect(op.status?.nodeStatuses?.['node-1']?.message).toContain('timed out after 2 s');
});
