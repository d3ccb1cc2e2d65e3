import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.virtual({
    nodes: 2,
    script: (_, node) => ({ durationMs: 5, ...(node === 'node-2' && { exitCode: 1 }) }),
  });
});

afterEach(() => cluster.stop());

type Changes = Partial<NodeOp['metadata']> & { status?: NodeOp['status'] };

/** What `kubectl get -o yaml | kubectl create` makes of it; with a status, what a backup tool does. */
async function copyOf(original: NodeOp, { status, ...changes }: Changes = {}): Promise<string> {
  const { labels, annotations, finalizers, namespace } = original.metadata;
  const metadata = {
    name: 'copy',
    namespace,
    labels,
    annotations,
    finalizers,
    ...changes,
  } as NodeOp['metadata'];
  const copy = { metadata, spec: original.spec };
  const created = await cluster.client.create<NodeOp>(NODEOPS, copy, metadata.namespace);
  const name = created.metadata.name ?? '';
  if (status !== undefined) {
    const options = { namespace: metadata.namespace, subresource: 'status' };
    await cluster.client.patch(NODEOPS, name, { status }, options);
  }
  return name;
}

const jobs = () => cluster.sim.store.all('jobs.batch').length;
const stalled = (op: NodeOp) => op.status?.conditions?.find(({ type }) => type === 'Stalled');
const isRefused = (op: NodeOp) => stalled(op)?.status === 'True' && stalled(op)?.reason === 'Copied';

describe('a copy of a NodeOp that was carried out is never carried out', () => {
  let original: NodeOp;

  beforeEach(async () => {
    original = await cluster.ended(await cluster.nodeOp({ cordon: true, backoffLimit: 0 }));
  });

  test('under another name, and says how to run it again', async () => {
    const copy = await cluster.until(await copyOf(original), isRefused);
    expect(copy.status?.phase).toBe('Failed');
    expect(stalled(copy)?.message).toContain(`copy of a NodeOp that was carried out before`);
    expect(stalled(copy)?.message).toContain(
      'without status and agent.nodeop.dev/executed-spec, agent.nodeop.dev/uid',
    );
    expect(jobs()).toBe(2);
    const told = () => cluster.sim.store.all('events').map((event) => event['reason']);
    await cluster.eventually(() => expect(told()).toContain('Copied'));
  });

  test('in another namespace', async () => {
    cluster.sim.store.create('namespaces', { metadata: { name: 'other' } });
    const name = await copyOf(original, { namespace: 'other' });
    const read = () => cluster.sim.store.read('nodeops.operator.kairos.io', name, 'other');
    await cluster.passes(() => isRefused(read() as unknown as NodeOp));
    expect(jobs()).toBe(2);
  });

  test('with the end that a backup restored, which is left as a record', async () => {
    const { status } = original;
    const hasAll = (op: NodeOp) => isRefused(op) && op.status?.nodeStatuses !== undefined;
    const copy = await cluster.until(await copyOf(original, { status }), hasAll);
    expect(copy.status?.phase).toBe(status?.phase);
    expect(copy.status?.nodeStatuses).toEqual(status?.nodeStatuses);
    expect(jobs()).toBe(2);
  });

  test('with a status of nodes in flight: they are not touched, and others may work on them', async () => {
    const nodeStatuses = {
      'node-1': { phase: 'Draining' as const },
      'node-2': { phase: 'Pending' as const },
    };
    const status = { phase: 'Running' as const, nodeStatuses };
    const isCleared = (op: NodeOp) => isRefused(op) && op.status?.nodeStatuses === undefined;
    const copy = await cluster.until(await copyOf(original, { status }), isCleared);
    expect(copy.status?.phase).toBe('Failed');
    expect(jobs()).toBe(2);
    await cluster.ended(await cluster.nodeOp({}));
    expect(jobs()).toBe(4);
  });

  test('with the executed spec alone, as versions before wrote it', async () => {
    const { 'agent.nodeop.dev/executed-spec': spec = '' } = original.metadata.annotations ?? {};
    const annotations = { 'agent.nodeop.dev/executed-spec': spec };
    await cluster.until(await copyOf(original, { annotations }), isRefused);
    expect(jobs()).toBe(2);
  });

  test('it can be deleted although the finalizer came with it, and the original keeps its cordon', async () => {
    const name = await copyOf(original, { finalizers: ['operator.kairos.io/undo'] });
    const copy = await cluster.until(name, isRefused);
    await cluster.client.delete(NODEOPS, name, 'default', {});
    const read = () => cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default');
    await cluster.eventually(() => expect(read()).toBeUndefined());
    const node = cluster.sim.store.read('nodes', 'node-2');
    expect(node.metadata.annotations?.['operator.kairos.io/cordoned-by']).toContain(original.metadata.uid);
    expect(node['spec']).toMatchObject({ unschedulable: true });
    expect(copy.metadata.uid).not.toBe(original.metadata.uid);
  });

  test('it can be deleted before anybody has looked at it, also when only the finalizer came along', async () => {
    const finalizers = ['operator.kairos.io/undo'];
    const name = await copyOf(original, { annotations: {}, finalizers });
    await cluster.client.delete(NODEOPS, name, 'default', {});
    const read = () => cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default');
    await cluster.eventually(() => expect(read()).toBeUndefined());
  });

  test('a clean manifest of it is a NodeOp like any other', async () => {
    await cluster.ended(await copyOf(original, { annotations: {}, finalizers: [] }));
    expect(jobs()).toBe(4);
  });
});

test('what a version before had begun goes on under its own UID', async () => {
  const name = await cluster.nodeOp({ suspend: true });
  await cluster.until(name, (op) => op.status?.nodeStatuses !== undefined);
  await cluster.client.patch(
    NODEOPS,
    name,
    { metadata: { annotations: { 'agent.nodeop.dev/uid': null } }, spec: { suspend: false } },
    { namespace: 'default' },
  );
  const op = await cluster.ended(name);
  expect(op.status?.summary?.total).toBe(2);
  expect(jobs()).toBe(2);
});
