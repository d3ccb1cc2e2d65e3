import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { ApiError } from '../../src/kube/api-error.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { Cluster, type VirtualCluster } from '../support/cluster.ts';

/** Steps, postflight and shares on an embedded cluster, with the definition as it is delivered. */

let cluster: VirtualCluster;
/** What the postflight of a node ends with. */
const verify = new Map<string, { exitCode: number; terminationMessage?: string }>();

beforeAll(async () => {
  cluster = await Cluster.virtual({
    nodes: 4,
    script: ({ metadata, spec }) => {
      const node = String((spec as { nodeName?: string }).nodeName);
      const own = metadata.labels?.['kairos.io/postflight'] === undefined ? undefined : verify.get(node);
      return {
        durationMs: 1000,
        reboot: metadata.labels?.['kairos.io/reboot'] !== undefined,
        ...own,
      };
    },
  });
});

afterAll(() => cluster.stop());

const at = (time: string | undefined) => Date.parse(time ?? '');
const statusOf = (op: NodeOp, node: string) => op.status?.nodeStatuses?.[node];

test('a canary soaks on record before the others begin', async () => {
  const steps = [{ name: 'canary', upTo: 1, soakSeconds: 600 }];
  const name = await cluster.nodeOp({ steps, concurrency: '50%' });
  const soaking = await cluster.until(name, ({ status }) => status?.steps?.[0]?.phase === 'Soaking');
  expect(soaking.status).toMatchObject({ phase: 'Running', stepOf: '0111', summary: { completed: 1 } });
  const op = await cluster.ended(name);
  expect(op.status).toMatchObject({
    phase: 'Completed',
    stepOf: '0111',
    steps: [
      { name: 'canary', phase: 'Passed', nodes: 1, finished: 1, failed: 0 },
      { name: 'rest', phase: 'Passed', nodes: 3, finished: 3, failed: 0 },
    ],
  });
  const soaked = at(statusOf(op, 'node-2')?.startedAt) - at(statusOf(op, 'node-1')?.finishedAt);
  expect(soaked).toBeGreaterThanOrEqual(600_000);
  expect(soaked).toBeLessThan(660_000);
});

test('the API server keeps what was written, and refuses other text', async () => {
  const name = await cluster.nodeOp({ concurrency: '100%', maxFailures: '0%', suspend: true });
  const stored = cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default') as unknown as NodeOp;
  expect(stored.spec).toMatchObject({ concurrency: '100%', maxFailures: '0%' });
  expect(stored.spec.steps).toBeUndefined();
  const plain = await cluster.nodeOp({ suspend: true, steps: [{ name: 'a' }] });
  const defaulted = cluster.sim.store.get('nodeops.operator.kairos.io', plain, 'default');
  expect(defaulted).toMatchObject({
    spec: { concurrency: 0, steps: [{ name: 'a', maxFailures: 0, soakSeconds: 0, soakGraceSeconds: 60 }] },
  });
});

test.each<object>([
  { concurrency: '0%' },
  { concurrency: '101%' },
  { concurrency: '5' },
  { concurrency: -1 },
  { concurrency: 1.5 },
  { concurrency: true },
  { maxFailures: '00%' },
  { steps: [] },
  { steps: [{}] },
  { steps: [{ name: 'Canary' }] },
  { steps: [{ name: 'a', upTo: 0 }] },
  { steps: [{ name: 'a', upTo: '0%' }] },
  { steps: Array.from({ length: 21 }, (_, i) => ({ name: `s${i}` })) },
  { postflight: {} },
])('%j is refused by the definition', async (spec) => {
  const error = await cluster.nodeOp(spec).catch((it: unknown) => it as ApiError);
  expect(error).toMatchObject({ code: 422 });
});

test.each<[object, RegExp]>([
  [{ steps: [{ name: 'rest' }] }, /spec\.steps\[0\]\.name: "rest" has a meaning of its own/],
  [{ steps: [{ name: 'a' }, { name: 'a' }] }, /spec\.steps\[1\]\.name: steps\[0\] has the name "a" too/],
  [
    {
      steps: [
        { name: 'a', upTo: 3 },
        { name: 'b', upTo: 1 },
      ],
    },
    /spec\.steps\[1\]\.upTo: must not go down/,
  ],
])('%j is told by the controller, and nothing begins', async (spec, expected) => {
  const op = await cluster.ended(await cluster.nodeOp(spec));
  const ready = op.status?.conditions?.find(({ type }) => type === 'Ready');
  expect(ready).toMatchObject({ reason: 'InvalidSpec', message: expect.stringMatching(expected) as string });
  expect(op.status?.nodeStatuses).toBeUndefined();
});

const isCordoned = (node: string) =>
  (cluster.sim.store.read('nodes', node)['spec'] as { unschedulable?: boolean }).unschedulable === true;

test('a postflight that fails leaves its node cordoned and says why; the others are completed', async () => {
  verify.set('node-2', { exitCode: 3, terminationMessage: 'service is down' });
  const op = await cluster.ended(
    await cluster.nodeOp({
      cordon: true,
      rebootOnSuccess: true,
      concurrency: '50%',
      postflight: { command: ['verify'], activeDeadlineSeconds: 30 },
    }),
  );
  verify.clear();
  expect(op.status).toMatchObject({ phase: 'Failed', summary: { completed: 3, failed: 1 } });
  expect(statusOf(op, 'node-2')).toMatchObject({ phase: 'Failed', exitCode: 3, rebootStatus: 'completed' });
  expect(statusOf(op, 'node-2')?.message).toMatch(
    /^postflight failed: exit code 3, DeadlineExceeded: service is down; the node stays cordoned$/,
  );
  expect(['node-1', 'node-2', 'node-3'].map(isCordoned)).toEqual([false, true, false]);
  const left = cluster.sim.store
    .all('pods')
    .filter(({ metadata }) => metadata.labels?.['kairos.io/postflight']);
  expect(left).toEqual([]);
});

test('deleting a NodeOp ends a postflight under way', async () => {
  const never = { exitCode: 1 };
  verify.set('node-1', never);
  const one = { matchLabels: { 'kubernetes.io/hostname': 'node-1' } };
  const name = await cluster.nodeOp({ nodeSelector: one, postflight: { command: ['verify'] } });
  await cluster.until(name, (op) => statusOf(op, 'node-1')?.phase === 'Postflight');
  await cluster.client.delete(NODEOPS, name, 'default', {});
  await cluster.passes(
    () => cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default') === undefined,
  );
  const left = cluster.sim.store
    .all('pods')
    .filter(({ metadata }) => metadata.labels?.['kairos.io/postflight']);
  expect(left).toEqual([]);
  verify.clear();
});
