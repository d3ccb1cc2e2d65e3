import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import type { Obj, Outcome } from '../../src/sim/index.ts';
import { Cluster, type VirtualCluster } from '../support/cluster.ts';

let cluster: VirtualCluster;
let outcome: Outcome;
/** The API server refuses Jobs and pods. */
let refused: boolean;
/** What else it refuses, each as `<verb> <resource>`. */
let denied: string[];

beforeEach(async () => {
  outcome = { hang: true };
  refused = false;
  denied = [];
  cluster = await Cluster.virtual({
    nodes: 2,
    refuse: ({ verb, resource, dryRun }) =>
      denied.includes(`${verb} ${resource}`) ||
      (verb === 'create' && (resource === 'jobs' || resource === 'pods') && dryRun === false && refused)
        ? 'privileged containers are denied'
        : undefined,
    script: (pod) => (pod.metadata.labels?.['kairos.io/nodeop'] === undefined ? undefined : outcome),
  });
});

afterEach(() => cluster.stop());

const nodeStatus = (op: NodeOp) => op.status?.nodeStatuses?.['node-1'];
const isRunning = (op: NodeOp) => nodeStatus(op)?.phase === 'Running';
const cordoned = () =>
  cluster.sim.store
    .all('nodes')
    .filter((node) => node.spec?.['unschedulable'] === true)
    .map(({ metadata }) => metadata.name);
const work = () => [...cluster.sim.store.all('jobs.batch'), ...cluster.sim.store.all('pods')];
const exists = (name: string) => cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default');

async function takeBack(name: string): Promise<void> {
  const metadata = { annotations: { 'agent.nodeop.dev/cancel': 'the run file was removed' } };
  await cluster.client.patch(NODEOPS, name, { metadata }, { namespace: 'default' });
}

async function unlessGone(name: string): Promise<void> {
  await cluster.client.delete(NODEOPS, name, 'default', {});
  await cluster.eventually(() => expect(exists(name)).toBeUndefined());
}

test('a NodeOp that is deleted while its command runs ends it, uncordons the node and goes', async () => {
  const name = await cluster.nodeOp({ concurrency: 1, cordon: true });
  await cluster.until(name, (op) => isRunning(op) && nodeStatus(op)?.attempts === 1);
  await cluster.eventually(() => expect(cordoned()).toEqual(['node-1']));
  await cluster.eventually(() => expect(work().length).toBe(2));
  await unlessGone(name);
  expect(cordoned()).toEqual([]);
  expect(work()).toEqual([]);
  const told = cluster.sim.store.all('events').map((event) => String(event['reason']));
  expect(told).toContain('Uncordoned');
});

test.each(['taken back', 'deleted'])('a Job whose container does not start is ended: %s', async (how) => {
  const image = 'registry.invalid/tool:1';
  const name = await cluster.nodeOp({ concurrency: 1, cordon: true, image });
  await cluster.until(name, (op) => nodeStatus(op)?.message?.includes('Pull') === true);
  if (how === 'deleted') await unlessGone(name);
  else {
    await takeBack(name);
    const op = await cluster.ended(name);
    expect(op.status?.phase).toBe('Cancelled');
    expect(nodeStatus(op)).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: the run file was removed',
    });
  }
  await cluster.eventually(() => expect(cordoned()).toEqual([]));
  expect(work()).toEqual([]);
});

test('a container that does not start fails its node, with the reason of the kubelet', async () => {
  const image = 'registry.invalid/tool:1';
  const began = cluster.clock.wall();
  const op = await cluster.ended(await cluster.nodeOp({ concurrency: 1, image, startTimeoutSeconds: 2 }));
  expect(cluster.clock.wall() - began).toBeGreaterThanOrEqual(2_000);
  expect(nodeStatus(op)?.phase).toBe('Failed');
  expect(nodeStatus(op)?.message).toMatch(
    /^the command did not start within 2 s: (ErrImagePull|ImagePullBackOff)/,
  );
  expect(work()).toEqual([]);
});

test('a Job that gets no pod fails its node, with the reason of the Job controller', async () => {
  cluster.sim.store.create('resourcequotas', {
    metadata: { name: 'none', namespace: 'default' },
    spec: { hard: { pods: '0' } },
  });
  const op = await cluster.ended(await cluster.nodeOp({ concurrency: 1, startTimeoutSeconds: 1 }));
  expect(nodeStatus(op)?.message).toMatch(
    /^the command did not start within 1 s: FailedCreate: Error creating: pods ".*" is forbidden: exceeded quota/,
  );
  expect(work()).toEqual([]);
});

test.each([
  ['the command', 'its Job', {}],
  ['the preflight', 'its pod', { preflight: { command: ['check'] } }],
] as const)(
  'what the API server refuses to make for %s fails its node, which is left as it was found',
  async (what, object, spec) => {
    refused = true;
    const op = await cluster.ended(
      await cluster.nodeOp({
        concurrency: 1,
        cordon: true,
        startTimeoutSeconds: 1,
        stopOnFailure: true,
        ...spec,
      }),
    );
    expect(nodeStatus(op)).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(
        new RegExp(
          `^${what} did not start within 1 s: ${object} is refused: .*privileged containers are denied`,
        ),
      ) as string,
    });
    expect(op.status?.phase).toBe('Failed');
    await expect.poll(cordoned).toEqual([]);
    expect(work()).toEqual([]);
  },
);

test.each([
  [
    'patch nodes',
    { cordon: true },
    'the node was not cordoned within 1 s: the change of the node is refused',
  ],
  [
    'list pods',
    { drainOptions: { enabled: true } },
    'it was not seen which pods are to be evicted within 1 s: the list of its pods is refused',
  ],
])('a right that is missing fails the node instead of keeping it: %s', async (right, spec, said) => {
  const name = await cluster.nodeOp({ concurrency: 1, startTimeoutSeconds: 1, stopOnFailure: true, ...spec });
  denied = [right];
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Failed');
  expect(nodeStatus(op)?.message).toContain(said);
  expect(nodeStatus(op)?.message).toContain('privileged containers are denied');
  denied = [];
  await cluster.eventually(() => expect(cordoned()).toEqual([]));
});

test('what is carried out after the end is ended as well', async () => {
  outcome = { durationMs: 5 };
  const op = await cluster.ended(await cluster.nodeOp({ concurrency: 1 }));
  await cluster.eventually(() =>
    expect(exists(op.metadata.name ?? '')?.metadata.finalizers ?? []).toEqual([]),
  );
  const [job] = cluster.sim.store.all('jobs.batch');
  if (job === undefined) throw new Error('no Job');
  cluster.sim.store.remove('jobs.batch', job);
  outcome = { hang: true };
  const { name, labels, annotations, ownerReferences } = job.metadata;
  const metadata = { name, namespace: 'default', labels, annotations, ownerReferences };
  cluster.sim.store.create('jobs.batch', JSON.parse(JSON.stringify({ metadata, spec: job.spec })) as Obj);
  const again = () => cluster.sim.store.all('jobs.batch').some((it) => it.metadata.name === name);
  await cluster.eventually(() => expect(again()).toBe(false));
});

test('a Job that is refused and taken back never runs, also when it is no longer refused', async () => {
  refused = true;
  const name = await cluster.nodeOp({ concurrency: 1, cordon: true });
  await cluster.until(name, (op) => isRunning(op));
  await takeBack(name);
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Cancelled');
  await cluster.eventually(() => expect(cordoned()).toEqual([]));
  refused = false;
  outcome = { durationMs: 5 };
  // Another one after it is carried out, so there was time for the first.
  await cluster.ended(await cluster.nodeOp({}));
  const owners = work().map(({ metadata }) => metadata.ownerReferences?.[0]?.name);
  expect(owners).not.toContain(name);
});

test('a command that runs may finish when its run is taken back; what is told then is the truth', async () => {
  outcome = { durationMs: 2_000 };
  const name = await cluster.nodeOp({ concurrency: 1, cordon: true });
  await cluster.until(name, (op) => isRunning(op) && nodeStatus(op)?.attempts === 1);
  await cluster.eventually(() =>
    expect(work().some(({ status }) => status?.['phase'] === 'Running')).toBe(true),
  );
  await takeBack(name);
  const op = await cluster.ended(name);
  expect(nodeStatus(op)?.phase).toBe('Completed');
  expect(op.status).toMatchObject({
    phase: 'Cancelled',
    summary: { completed: 1, cancelled: 1, inFlight: 0 },
  });
});

test('a NodeOp that is deleted and may not end its Job says why it stays, and goes once it may', async () => {
  const name = await cluster.nodeOp({ concurrency: 1, cordon: true, startTimeoutSeconds: 60 });
  await cluster.until(name, (op) => isRunning(op) && nodeStatus(op)?.attempts === 1);
  denied = ['delete jobs', 'delete pods'];
  await cluster.client.delete(NODEOPS, name, 'default', {});
  const blocked = ({ status }: NodeOp) =>
    status?.conditions?.find(({ type }) => type === 'DeletionBlocked')?.message;
  const op = await cluster.until(name, (it) => blocked(it) !== undefined);
  expect(op.status?.phase).toBe('Failed');
  expect(blocked(op)).toMatch(/^Job \S+ on node-1 is not deleted: .*privileged containers are denied/);
  expect(blocked(op)).toContain('take the finalizer operator.kairos.io/undo off');
  expect(cordoned(), 'its command runs').toEqual(['node-1']);
  expect(Object.fromEntries(cluster.troubles())).toEqual({ 'delete-job': 1 });
  const reasons = () => cluster.sim.store.all('events').map((event) => String(event['reason']));
  await cluster.eventually(() =>
    expect(reasons()).toEqual(expect.arrayContaining(['ActionFailing', 'DeletionBlocked'])),
  );
  denied = [];
  await cluster.eventually(() => expect(exists(name)).toBeUndefined());
  expect(cordoned()).toEqual([]);
  expect(work()).toEqual([]);
  expect(cluster.troubles().size).toBe(0);
});
