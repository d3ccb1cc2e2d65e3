import { afterEach, expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { mainJob } from '../../src/core/rollout/manifests.ts';
import { type Obj, type Script, type Sim, startSim } from '../../src/sim/index.ts';
import type { EventType, StoreEvent } from '../../src/sim/store/store.ts';

/** What becomes of a NodeOp's command whose node goes down under it. */

let sim: Sim;
afterEach(() => sim.stop());

const owner = { namespace: 'default', name: 'flash', uid: 'u' };
const JOBS = 'jobs.batch';

async function start(script: Script, spec: object = {}): Promise<void> {
  sim = await startSim({ nodes: 1, script, bootMs: 50, jobBackoffMs: 20 });
  const parsed = NodeOpSpecSchema.parse({ image: 'busybox', command: ['flash'], ...spec });
  const { ownerReferences: _, ...metadata } = mainJob(owner, parsed, 'node-1').metadata;
  const job = { ...mainJob(owner, parsed, 'node-1'), metadata };
  const response = await fetch(`${sim.url}/apis/batch/v1/namespaces/default/jobs`, {
    method: 'POST',
    body: JSON.stringify(job),
  });
  expect(response.status).toBe(201);
}

const pods = (): Obj[] => sim.store.all('pods');
const phases = () => pods().map(({ status }) => status?.['phase']);
const conditions = () =>
  (sim.store.all(JOBS)[0]?.status?.['conditions'] ?? []) as { type: string; reason: string }[];

test('a power cut: nothing is heard until the node is back; then the command is lost, and not run again', async () => {
  await start(() => ({ hang: true }));
  await expect.poll(phases).toEqual(['Running']);
  sim.node('node-1').powerOff();
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  expect(phases()).toEqual(['Running']);
  expect(conditions()).toEqual([]);
  sim.node('node-1').powerOn();
  await expect
    .poll(conditions)
    .toMatchObject([{ type: 'FailureTarget' }, { type: 'Failed', reason: 'PodFailurePolicy' }]);
  expect(pods()).toMatchObject([
    { status: { containerStatuses: [{ state: { terminated: { exitCode: 255 } } }] } },
  ]);
});

test('a command that reboots its node by itself is lost with it, and not run again', async () => {
  await start(() => ({ reboot: true }));
  await expect
    .poll(conditions)
    .toMatchObject([{ type: 'FailureTarget' }, { type: 'Failed', reason: 'PodFailurePolicy' }]);
  expect(pods()).toMatchObject([
    { status: { containerStatuses: [{ state: { terminated: { exitCode: 137 } } }] } },
  ]);
});

test('with retryAfterDisruption it is run again', async () => {
  let runs = 0;
  const script: Script = () => ((runs += 1) === 1 ? { reboot: true } : {});
  await start(script, { retryAfterDisruption: true });
  await expect.poll(conditions).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
  expect(runs).toBe(2);
});

test('a pod that is deleted on a node without power stays until the node is back, and is never started', async () => {
  await start(() => ({ hang: true }));
  await expect.poll(phases).toEqual(['Running']);
  sim.node('node-1').powerOff();
  const [pod] = pods();
  await fetch(`${sim.url}/api/v1/namespaces/default/pods/${pod?.metadata.name}`, { method: 'DELETE' });
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  // podReplacementPolicy: no second pod while the first is terminating.
  expect(pods()).toMatchObject([{ metadata: { uid: pod?.metadata.uid, deletionGracePeriodSeconds: 10 } }]);
  sim.node('node-1').powerOn();
  await expect.poll(() => pods().some(({ metadata }) => metadata.uid === pod?.metadata.uid)).toBe(false);
});

test('a kubelet without room refuses a pod that was bound past the scheduler', async () => {
  sim = await startSim({ nodes: 1, script: () => ({ hang: true }) });
  const node = sim.store.read('nodes', 'node-1');
  const allocatable = { pods: '1' };
  sim.store.update('nodes', { ...node, status: { ...node.status, allocatable } }, { subresource: 'status' });
  for (const name of ['first', 'second']) {
    const spec = { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox' }] };
    const body = JSON.stringify({ metadata: { name }, spec });
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await fetch(`${sim.url}/api/v1/namespaces/default/pods`, { method: 'POST', body });
  }
  await expect.poll(phases).toEqual(['Running', 'Failed']);
  expect(pods()[1]?.status).toMatchObject({ reason: 'OutOfpods' });
});

test('a cluster goes on from what an earlier one told: what ran is lost, what had ended stands, what was made is done', async () => {
  const past: { key: string; type: EventType; object: Obj }[] = [];
  const told = (key: string, { type, object }: StoreEvent) => past.push({ key, type, object });
  const script: Script = () => ({ hang: true });
  sim = await startSim({ nodes: 1, script, bootMs: 50, told });
  const kubelet = sim.node('node-1');
  const pod = (name: string) => ({
    metadata: { name, namespace: 'default' },
    spec: { nodeName: 'node-1', restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] },
    status: { phase: 'Pending' },
  });
  sim.store.create('pods', pod('runs'));
  await expect.poll(phases).toEqual(['Running']);
  const boot = kubelet.name;
  const ended = sim.store.create('pods', pod('ended'));
  sim.store.update('pods', { ...ended, status: { phase: 'Succeeded' } }, { subresource: 'status' });
  const { version } = sim.store;
  await sim.stop();
  const made = { ...pod('made'), apiVersion: 'v1', kind: 'Pod' };
  const metadata = { ...made.metadata, uid: 'made', resourceVersion: String(version + 1) };
  const all = [...past, { key: 'pods', type: 'ADDED' as const, object: { ...made, metadata } }];

  sim = await startSim({ nodes: 1, script, bootMs: 50, past: all.filter(({ object }) => !isLater(object)) });
  const stored = () =>
    Object.fromEntries(pods().map(({ metadata: { name = '' }, status }) => [name, status]));
  await expect.poll(() => stored()['made']?.['phase']).toBe('Running');
  expect(stored()['ended']).toEqual({ phase: 'Succeeded' });
  expect(stored()['runs']).toMatchObject({
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode: 255, reason: 'Unknown' } } }],
  });
  expect(sim.store.all('nodes').map(({ metadata: { name } }) => name)).toEqual([boot]);
  expect(sim.store.version).toBeGreaterThan(version + 1);

  function isLater({ metadata: { resourceVersion, uid } }: Obj): boolean {
    return uid !== 'made' && Number(resourceVersion) > version;
  }
});
