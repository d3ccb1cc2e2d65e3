import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATION_SPEC } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import type { Obj, Outcome } from '../../src/sim/index.ts';
import { Cluster, type VirtualCluster } from '../support/cluster.ts';

let cluster: VirtualCluster;
/** What the main Job's container of a node does; a pod without an entry is a workload. */
let outcomes: Record<string, Outcome>;
/** The resource nobody may create. */
let forbidden: string | undefined;

beforeEach(async () => {
  outcomes = {};
  forbidden = undefined;
  cluster = await Cluster.virtual({
    nodes: 3,
    refuse: ({ verb, resource }) =>
      verb === 'create' && resource === forbidden ? 'not in this namespace' : undefined,
    script: (pod, node) => {
      const { labels = {} } = pod.metadata;
      if (labels['kairos.io/reboot'] !== undefined) return { durationMs: 5, reboot: true };
      return labels['kairos.io/nodeop'] === undefined ? undefined : (outcomes[node] ?? { durationMs: 5 });
    },
  });
});

afterEach(() => cluster.stop());

const nodeStatus = (op: NodeOp, node = 'node-1') => op.status?.nodeStatuses?.[node];

describe('what the CRD cannot refuse and the agent cannot carry out', () => {
  const invalid = { nodeSelector: { matchLabels: { 'not a key': 'x' } } };

  test('is Stalled with the field that is wrong, and nothing is done', async () => {
    const op = await cluster.ended(await cluster.nodeOp(invalid));
    expect(op.status?.phase).toBe('Failed');
    const stalled = op.status?.conditions?.find(({ type }) => type === 'Stalled');
    expect(stalled).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
    expect(stalled?.message).toContain('spec.nodeSelector.matchLabels["not a key"]: ');
    expect(cluster.sim.store.all('jobs.batch')).toEqual([]);
  });

  test('does not keep the next one from being carried out', async () => {
    await cluster.ended(await cluster.nodeOp(invalid));
    expect((await cluster.ended(await cluster.nodeOp({}))).status?.phase).toBe('Completed');
  });

  test('changes nothing of an end that is on record, as of a later version that knew the field', async () => {
    const { metadata } = await cluster.ended(await cluster.nodeOp({}));
    const { name = '' } = metadata;
    const read = () => cluster.sim.store.read('nodeops.operator.kairos.io', name, 'default');
    const { status } = read();
    await cluster.restart(() => {
      const executed = JSON.stringify({ ...(read().spec as object), later: 1 });
      const { annotations } = read().metadata;
      cluster.sim.store.update('nodeops.operator.kairos.io', {
        ...read(),
        metadata: { ...read().metadata, annotations: { ...annotations, [ANNOTATION_SPEC]: executed } },
      });
    });
    await cluster.ended(await cluster.nodeOp({}));
    expect(read()['status']).toEqual(status);
  });

  test('an object whose status cannot be written is told of by an event', async () => {
    // Stored before the rules of the CRD were what they are: no write to it is admitted any more.
    cluster.sim.store.create('nodeops.operator.kairos.io', {
      apiVersion: 'operator.kairos.io/v1alpha1',
      kind: 'NodeOp',
      metadata: { name: 'old', namespace: 'default' },
      spec: { image: 'busybox', command: [] },
    });
    const told = () => cluster.sim.store.all('events').find((event) => event['reason'] === 'StatusRefused');
    await cluster.eventually(() =>
      expect(told()).toMatchObject({ type: 'Warning', involvedObject: { name: 'old' } }),
    );
    expect((await cluster.ended(await cluster.nodeOp({}))).status?.phase).toBe('Completed');
  });
});

test('a null that an API server stored is no field', async () => {
  const op = await cluster.ended(await cluster.nodeOp({ env: [{ name: 'A', value: null }] }));
  expect(op.status?.phase).toBe('Completed');
});

test.each([
  [{ concurrency: -1 }, /concurrency/],
  [{ activeDeadlineSeconds: 0 }, /activeDeadlineSeconds/],
  [{ preflight: { command: ['x'], activeDeadlineSeconds: 0 } }, /activeDeadlineSeconds/],
  [{ command: [] }, /command/],
  [{ preflight: { command: [] } }, /command/],
  [{ hostMountPath: 'host' }, /hostMountPath/],
  [{ hostMountPath: '/' }, /hostMountPath/],
  [{ nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }, /matchExpressions/],
  [
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
    /matchExpressions/,
  ],
  [{ nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Has' }] } }, /operator/],
])('%j is refused at admission', async (spec, field) => {
  await expect(cluster.nodeOp(spec)).rejects.toThrow(field);
});

test('activeDeadlineSeconds ends a command that takes too long', async () => {
  outcomes['node-1'] = { hang: true };
  const op = await cluster.ended(await cluster.nodeOp({ activeDeadlineSeconds: 1, backoffLimit: 0 }));
  expect(nodeStatus(op)).toMatchObject({ phase: 'Failed', jobName: expect.any(String) as string });
  expect(nodeStatus(op)?.message).toContain('command ran into its deadline');
  expect(nodeStatus(op, 'node-2')?.phase).toBe('Completed');
});

test('suspend is live: it pauses and resumes a rollout that goes on', async () => {
  const name = await cluster.nodeOp({ concurrency: 1, suspend: true });
  await cluster.until(name, (op) => op.status?.conditions?.[0]?.message?.includes('suspended') === true);
  expect(cluster.sim.store.all('jobs.batch')).toEqual([]);
  await cluster.client.patch(NODEOPS, name, { spec: { suspend: false } }, { namespace: 'default' });
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Completed');
  expect(op.status?.conditions?.map(({ type }) => type)).not.toContain('SpecChanged');
});

test('a spec changed after the end is answered, and changes nothing else', async () => {
  const before = await cluster.ended(await cluster.nodeOp({}));
  const name = before.metadata.name ?? '';
  await cluster.client.patch(NODEOPS, name, { spec: { command: ['other'] } }, { namespace: 'default' });
  const after = await cluster.until(name, (op) => op.status?.observedGeneration === 2);
  const kept = (op: NodeOp) => op.status?.conditions?.filter(({ type }) => type !== 'SpecChanged');
  expect(kept(after)).toEqual(kept(before));
  expect(after.status?.conditions?.at(-1)).toMatchObject({ type: 'SpecChanged', status: 'True' });
  expect(after.status?.nodeStatuses).toEqual(before.status?.nodeStatuses);
  expect(cluster.sim.store.all('jobs.batch')).toHaveLength(3);
  const told = () => cluster.sim.store.all('events').map((event) => event['reason']);
  await cluster.eventually(() => expect(told()).toContain('SpecChanged'));
});

test('a command that fails is told with exit code and its last words, and its retries are counted', async () => {
  outcomes['node-1'] = { exitCode: 7, log: 'first\nno space left on device\n' };
  const op = await cluster.ended(await cluster.nodeOp({ backoffLimit: 1 }));
  expect(nodeStatus(op)).toMatchObject({ phase: 'Failed', exitCode: 7, attempts: 2 });
  expect(nodeStatus(op)?.message).toContain('no space left on device');
});

const reconciling = (op: NodeOp) => op.status?.conditions?.find(({ type }) => type === 'Reconciling');

test('what the API server forbids keeps the rollout from beginning, which goes on when it is granted', async () => {
  forbidden = 'jobs';
  const name = await cluster.nodeOp({ cordon: true });
  const stuck = await cluster.until(name, (op) => reconciling(op)?.reason === 'Waiting');
  expect(nodeStatus(stuck)).toMatchObject({ phase: 'Pending' });
  expect(reconciling(stuck)?.message).toBe(
    'the API server refuses the Job: jobs is forbidden: not in this namespace',
  );
  forbidden = undefined;
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Completed');
  expect(nodeStatus(op)?.message).toBeUndefined();
});

test('a node that vanishes in mid-run is failed, and the others go on', async () => {
  outcomes['node-1'] = { hang: true };
  const name = await cluster.nodeOp({ concurrency: 1 });
  await cluster.until(name, (op) => nodeStatus(op)?.phase === 'Running');
  cluster.sim.store.remove('nodes', cluster.sim.store.read('nodes', 'node-1'));
  const op = await cluster.ended(name);
  expect(nodeStatus(op)?.message).toBe('node is gone');
  expect(op.status?.summary).toMatchObject({ completed: 2, failed: 1 });
});

test('while nothing ends the status is written at most once a second', async () => {
  for (const node of ['node-1', 'node-2', 'node-3']) outcomes[node] = { durationMs: 2_500 };
  cluster.sim.takeStats();
  const began = cluster.clock.wall();
  await cluster.ended(await cluster.nodeOp({ cordon: true, preflight: { command: ['check'] } }));
  const seconds = (cluster.clock.wall() - began) / 1000;
  const writes = Object.entries(cluster.sim.takeStats())
    .filter(([call]) => call.startsWith('PATCH nodeops') && call.includes('/status'))
    .reduce((sum, [, { requests }]) => sum + requests, 0);
  // The targets, the end of all, and what lies between.
  expect(writes).toBeLessThanOrEqual(Math.ceil(seconds) + 3);
});

test('a rollout that has ended causes no further requests', async () => {
  const op = await cluster.ended(await cluster.nodeOp({}));
  await cluster.eventually(() =>
    expect(
      cluster.sim.store.read('nodeops.operator.kairos.io', op.metadata.name ?? '', 'default').metadata
        .finalizers ?? [],
    ).toEqual([]),
  );
  await cluster.eventually(() => expect(requests()).toEqual([]));
});

/** Calls since the last time, without those that only wait. */
const requests = () => Object.keys(cluster.sim.takeStats()).filter((call) => !call.startsWith('WATCH'));

describe('events', () => {
  const events = (kind: string) =>
    cluster.sim.store
      .all('events')
      .filter((event) => (event['involvedObject'] as { kind?: string } | undefined)?.kind === kind);
  const reasons = (list: Obj[]) => new Set(list.map((event) => String(event['reason'])));

  test('tell each step on the node, and gathered on the NodeOp', async () => {
    const op = await cluster.ended(
      await cluster.nodeOp({ drainOptions: { enabled: true }, rebootOnSuccess: true }),
    );
    expect(op.status?.phase).toBe('Completed');
    const steps = ['Cordoned', 'Draining', 'Started', 'Rebooting', 'Uncordoned', 'Succeeded'];
    await cluster.eventually(() => expect(reasons(events('Node'))).toEqual(new Set(steps)));
    await cluster.eventually(() =>
      expect(reasons(events('NodeOp'))).toEqual(new Set([...steps, 'RolloutCompleted'])),
    );
    const started = events('NodeOp').filter((event) => event['reason'] === 'Started');
    expect(started.reduce((sum, event) => sum + Number(event['count']), 0)).toBe(3);
  });

  test('warn of what failed, with the reason', async () => {
    outcomes['node-1'] = { exitCode: 3, log: 'bad flash\n' };
    await cluster.ended(await cluster.nodeOp({ backoffLimit: 0, concurrency: 1, stopOnFailure: true }));
    const failed = () => events('Node').find((event) => event['reason'] === 'JobFailed');
    await cluster.eventually(() =>
      expect(failed()).toMatchObject({ type: 'Warning', involvedObject: { name: 'node-1' } }),
    );
    expect(String(failed()?.['message'])).toContain('bad flash');
  });
});
