import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import type { AccessRequest } from '../../src/sim/api/rbac.ts';
import type { Script } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;

/** Jobs are scripted: they succeed, unless their command says otherwise. */
const outcome: Script = (pod) => {
  if (pod.metadata.labels?.['job-name'] === undefined) return undefined;
  const fails = JSON.stringify(pod.spec?.['containers']).includes('"fail"');
  return { durationMs: 5, exitCode: fails ? 3 : 0 };
};

/** Happens before each request. */
let before: (request: AccessRequest) => void | string;
/** What pods were given, in the order of their deletion. */
let graces: unknown[];

beforeEach(async () => {
  before = () => {};
  graces = [];
  const refuse = (request: AccessRequest) => {
    return before(request) ?? undefined;
  };
  cluster = await Cluster.virtual({ nodes: 1, script: outcome, refuse }, { agentPod: 'default/agent' });
  cluster.sim.store.watch('pods', undefined, ({ object: { metadata }, before: was }) => {
    const marked = metadata.deletionTimestamp !== undefined && !was?.metadata.deletionTimestamp;
    if (marked) graces.push(metadata.deletionGracePeriodSeconds);
  });
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
const running = (name: string) =>
  cluster.passes(() => cluster.sim.store.get('pods', name, 'default')?.status?.['phase'] === 'Running');

test('an eviction that is forbidden for a moment is asked for again, and fails no node', async () => {
  cluster.pod('web-1');
  await running('web-1');
  let refusals = 0;
  before = ({ resource }) => {
    if (resource !== 'pods/eviction' || refusals > 0) return undefined;
    refusals += 1;
    return 'pods "web-1" is forbidden: RBAC: not yet synced';
  };
  const name = await drain();
  const waiting = await cluster.until(
    name,
    (op) => op.status?.nodeStatuses?.['node-1']?.message?.includes('forbidden') === true,
  );
  expect(waiting.status?.nodeStatuses?.['node-1']?.phase).toBe('Draining');
  expect((await cluster.ended(name)).status?.phase).toBe('Completed');
  expect(refusals).toBe(1);
});

test('a drain without a time-out whose pods may not be watched any more says so, and has a bound', async () => {
  cluster.pod('web-1');
  await running('web-1');
  cluster.budget('web', 1);
  const name = await cluster.nodeOp({ startTimeoutSeconds: 60, drainOptions: { enabled: true } });
  const message = (op: NodeOp) => op.status?.nodeStatuses?.['node-1']?.message ?? '';
  await cluster.until(name, (op) => message(op).includes('blocked'));
  before = ({ resource, verb, namespace }) =>
    resource === 'pods' && namespace === undefined && (verb === 'list' || verb === 'watch')
      ? 'cannot list resource "pods"'
      : undefined;
  const told = await cluster.until(name, (op) => message(op).includes('watch-pods keeps failing'));
  expect(told.status?.nodeStatuses?.['node-1']?.phase).toBe('Draining');
  const stalled = told.status?.conditions?.find(({ type }) => type === 'Stalled');
  expect(stalled?.message).toContain('node-1: watch-pods keeps failing: ');
  const op = await cluster.ended(name);
  expect(message(op)).toMatch(
    /^it was not seen which pods are to be evicted within 60 s: the list of its pods is refused: .*cannot list/,
  );
  expect(node()?.spec?.['unschedulable']).toBeUndefined();
});

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

test('a blocked eviction is asked for again after a pause, and keeps no other pod from going', async () => {
  const held = Array.from({ length: 10 }, (_, i) => `web-${i}`);
  for (const name of held) cluster.pod(name);
  await Promise.all(held.map(running));
  cluster.budget('web', 10);
  for (let i = 0; i < 20; i += 1) cluster.pod(`free-${i}`, { labels: { app: 'free' } });
  cluster.sim.takeStats();
  const op = await cluster.ended(await drain({ timeoutSeconds: 3 }));
  expect(op.status?.nodeStatuses?.['node-1']?.message).toMatch(
    /timed out after 3 s: eviction blocked: .*web-1/,
  );
  expect(left()).toEqual(held);
  const evictions = Object.entries(cluster.sim.takeStats()).filter(([call]) => call.includes('eviction'));
  expect(evictions.reduce((sum, [, { requests }]) => sum + requests, 0)).toBe(30);
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
  const op = await cluster.ended(await drain({ timeoutSeconds: 3 }));
  expect(op.status?.nodeStatuses?.['node-1']?.message).toMatch(
    /drain timed out after 3 s: .*web-1.*budget web/,
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
  const name = await drain({ timeoutSeconds: 3 });
  await cluster.until(name, (op) => op.status?.nodeStatuses?.['node-1']?.phase === 'Draining');
  await cluster.client.delete(NODEOPS, name, 'default', {});
  await cluster.passes(() => !cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default'));
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

const setStatus = (name: string, status: Record<string, unknown>) => {
  const known = cluster.sim.store.read('pods', name, 'default');
  cluster.sim.store.update('pods', { ...known, status }, { subresource: 'status' });
};

describe('one case of `kubectl drain` each', () => {
  const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agents', uid: 'ds', controller: true };
  const message = (op: NodeOp) => op.status?.nodeStatuses?.['node-1']?.message;

  test('a pod stuck in terminating is waited for, by name, until the time is over', async () => {
    cluster.pod('stuck', { finalizers: ['example.com/never'] });
    const op = await cluster.ended(await drain({ timeoutSeconds: 3 }));
    expect(message(op)).toBe('drain timed out after 3 s: waiting for pods to end: default/stuck');
    expect(left()).toEqual(['stuck']);
    expect(node()?.spec?.['unschedulable']).toBeUndefined();
  });

  test('work starts only when the last pod is really gone', async () => {
    cluster.pod('stuck', { finalizers: ['example.com/later'] });
    const name = await drain();
    await cluster.until(name, (op) => message(op)?.includes('waiting for pods to end') === true);
    expect(cluster.sim.store.all('jobs.batch')).toEqual([]);
    const stuck = cluster.sim.store.read('pods', 'stuck', 'default');
    cluster.sim.store.update('pods', { ...stuck, metadata: { ...stuck.metadata, finalizers: [] } });
    expect((await cluster.ended(name)).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  test('a namesake that comes up elsewhere, as of a StatefulSet, is neither waited for nor evicted', async () => {
    const first = cluster.pod('web-0');
    const stop = cluster.sim.store.watch('pods', undefined, ({ type, object }) => {
      if (type !== 'DELETED' || object.metadata.uid !== first.metadata.uid) return;
      setImmediate(() => cluster.pod('web-0', {}, { nodeName: 'elsewhere' }));
    });
    const op = await cluster.ended(await drain());
    stop();
    expect(op.status?.phase).toBe('Completed');
    const second = cluster.sim.store.read('pods', 'web-0', 'default');
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.metadata.deletionTimestamp).toBeUndefined();
  });

  test.each([
    ['one that tolerates the cordon stays', [{ operator: 'Exists' }], ['web-2']],
    ['one that the scheduler let slip through goes', [], []],
  ])('of pods that come while the node is drained, %s', async (_, tolerations, expected) => {
    let hasCome = false;
    const first = cluster.pod('web-1', {}, { tolerations });
    const stop = cluster.sim.store.watch('pods', undefined, ({ type, object }) => {
      if (type !== 'DELETED' || object.metadata.uid !== first.metadata.uid) return;
      setImmediate(() => (hasCome = cluster.pod('web-2', {}, { tolerations }) !== undefined));
    });
    // What keeps the drain from ending before the second one is there.
    cluster.pod('slow', { finalizers: ['example.com/later'] });
    const name = await drain();
    await cluster.eventually(() => {
      expect(hasCome).toBe(true);
      expect(new Set(left())).toEqual(new Set(['slow', ...expected]));
    });
    const slow = cluster.sim.store.read('pods', 'slow', 'default');
    cluster.sim.store.update('pods', { ...slow, metadata: { ...slow.metadata, finalizers: [] } });
    expect((await cluster.ended(name)).status?.phase).toBe('Completed');
    stop();
    expect(left()).toEqual(expected);
  });

  test.each([
    { minAvailable: 1, phase: 'Completed', said: /^undefined$/ },
    { minAvailable: 2, phase: 'Failed', said: /budget web needs 2 healthy pods and has 1/ },
  ])(
    'an unhealthy pod beside a healthy one where $minAvailable are wanted: $phase',
    async ({ minAvailable, phase, said }) => {
      cluster.pod('healthy', {}, { nodeName: 'elsewhere' });
      cluster.pod('sick');
      await running('sick');
      setStatus('healthy', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
      setStatus('sick', { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] });
      cluster.budget('web', minAvailable);
      const op = await cluster.ended(await drain({ timeoutSeconds: 4 }));
      expect(op.status?.phase).toBe(phase);
      expect(String(message(op))).toMatch(said);
      expect(left()).toEqual(phase === 'Completed' ? ['healthy'] : ['healthy', 'sick']);
    },
  );

  test.each([
    [7, 7],
    [-1, 19],
  ])('gracePeriodSeconds %i: a pod is given %i seconds', async (gracePeriodSeconds, given) => {
    cluster.pod('slow', { finalizers: ['example.com/later'] }, { terminationGracePeriodSeconds: 19 });
    const name = await drain({ gracePeriodSeconds });
    const slow = () => cluster.sim.store.read('pods', 'slow', 'default');
    await cluster.passes(() => slow().metadata.deletionTimestamp !== undefined);
    expect(graces).toEqual([given]);
    cluster.sim.store.update('pods', { ...slow(), metadata: { ...slow().metadata, finalizers: [] } });
    expect((await cluster.ended(name)).status?.phase).toBe('Completed');
  });

  test('a pod that goes just before its eviction is no failure', async () => {
    cluster.pod('fleeting');
    cluster.pod('web-1');
    before = ({ verb, resource }) => {
      const pod = cluster.sim.store.get('pods', 'fleeting', 'default');
      if (verb === 'create' && resource === 'pods/eviction' && pod) cluster.sim.store.remove('pods', pod);
    };
    expect((await cluster.ended(await drain())).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  test('the pods of other nodes are not asked for', async () => {
    for (let i = 0; i < 500; i += 1) cluster.pod(`far-${i}`, {}, { nodeName: 'elsewhere' });
    cluster.pod('web-1');
    cluster.sim.takeStats();
    expect((await cluster.ended(await drain())).status?.phase).toBe('Completed');
    const lists = Object.entries(cluster.sim.takeStats()).filter(([call]) => call.startsWith('GET pods'));
    expect(lists).toHaveLength(1);
    expect(lists[0]?.[1].bytesOut).toBeLessThan(5_000);
  });

  test('a mirror pod stays', async () => {
    cluster.pod('static', {
      ownerReferences: [],
      annotations: { 'kubernetes.io/config.mirror': 'hash' },
    });
    expect((await cluster.ended(await drain())).status?.phase).toBe('Completed');
    expect(left()).toEqual(['static']);
  });

  test('a DaemonSet’s pod stays, or refuses the drain when told to', async () => {
    const template = { metadata: { labels: { app: 'agents' } }, spec: { containers: [{ name: 'main' }] } };
    cluster.sim.store.create('daemonsets.apps', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agents', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'agents' } }, template },
    });
    await cluster.passes(() => onNode().length === 1);
    const [pod] = onNode();
    expect((await cluster.ended(await drain())).status?.phase).toBe('Completed');
    expect(onNode()).toEqual([pod]);
    const op = await cluster.ended(await drain({ ignoreDaemonSets: false }));
    expect(message(op)).toContain('DaemonSet-managed Pods');
    expect(onNode()).toEqual([pod]);
  });

  test('the pod of a DaemonSet that is gone needs force', async () => {
    cluster.pod('orphan', { ownerReferences: [daemonSet] });
    expect(message(await cluster.ended(await drain()))).toContain('default/orphan');
    expect(left()).toEqual(['orphan']);
    expect((await cluster.ended(await drain({ force: true }))).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  test('local data is lost only when that is allowed', async () => {
    cluster.pod('scratch', {}, { volumes: [{ name: 'tmp', emptyDir: {} }] });
    cluster.pod('web-1');
    expect(message(await cluster.ended(await drain()))).toContain('default/scratch');
    expect(left()).toEqual(['scratch', 'web-1']);
    expect((await cluster.ended(await drain({ deleteEmptyDirData: true }))).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  test('a finished pod goes, with local data and without a controller', async () => {
    cluster.pod('done', { ownerReferences: [] }, { volumes: [{ name: 'tmp', emptyDir: {} }] });
    await running('done');
    setStatus('done', { phase: 'Succeeded' });
    expect((await cluster.ended(await drain())).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  test('a bare pod goes with force', async () => {
    cluster.pod('bare', { ownerReferences: [] });
    expect((await cluster.ended(await drain({ force: true }))).status?.phase).toBe('Completed');
    expect(left()).toEqual([]);
  });

  const onNode = () =>
    cluster.sim.store
      .podsOn('node-1')
      .filter(({ metadata }) => metadata.labels?.['app'] === 'agents')
      .map(({ metadata }) => metadata.uid);
});

describe('who uncordons', () => {
  const cordonedBy = (mark: string) => {
    const known = cluster.sim.store.read('nodes', 'node-1');
    const annotations = { 'operator.kairos.io/cordoned-by': mark };
    cluster.sim.store.update('nodes', {
      ...known,
      metadata: { ...known.metadata, annotations },
      spec: { unschedulable: true },
    });
  };

  test('a cordon whose NodeOp does not exist any more is undone', async () => {
    cordonedBy('default/forgotten@11111111-2222-3333-4444-555555555555');
    await cluster.passes(() => node()?.spec?.['unschedulable'] === undefined);
    expect(node()?.metadata.annotations ?? {}).toEqual({});
  });

  test('a failed node stays cordoned as long as its NodeOp says why, and no longer', async () => {
    const name = await cluster.nodeOp({ cordon: true, command: ['fail'] });
    await cluster.ended(name);
    expect(node()?.spec?.['unschedulable']).toBe(true);
    await cluster.client.delete(NODEOPS, name, 'default', {});
    await cluster.passes(() => node()?.spec?.['unschedulable'] === undefined);
    await cluster.passes(() => !cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default'));
  });

  test('with uncordonOnFailure it is uncordoned before the end is on record', async () => {
    const name = await cluster.nodeOp({ cordon: true, uncordonOnFailure: true, command: ['fail'] });
    expect((await cluster.ended(name)).status?.phase).toBe('Failed');
    expect(node()?.spec?.['unschedulable']).toBeUndefined();
  });
});
