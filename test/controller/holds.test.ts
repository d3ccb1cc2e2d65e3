import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Holds } from '../../src/agent/holds.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { Cluster } from '../support/cluster.ts';

const HOLD = 'agent.nodeop.dev/hold';
const CANCEL = 'agent.nodeop.dev/cancel';
let cluster: Cluster;
let holds: Holds;
/** No Job is made meanwhile. */
let blocked: boolean;

beforeEach(async () => {
  blocked = false;
  holds = new Holds(createLogger('silent'));
  cluster = await Cluster.virtual(
    {
      nodes: 2,
      refuse: ({ verb, resource, dryRun }) =>
        blocked && dryRun === false && verb === 'create' && resource === 'jobs' ? 'not yet' : undefined,
      script: () => ({ durationMs: 5 }),
    },
    { holds, maxConcurrent: 1 },
  );
});

afterEach(() => cluster.stop());

const jobs = () => cluster.sim.store.all('jobs.batch').length;
const message = (op: NodeOp, type = 'Ready') =>
  op.status?.conditions?.find((it) => it.type === type)?.message;
const annotate = (name: string, annotations: Record<string, string | null>) =>
  cluster.client.patch(NODEOPS, name, { metadata: { annotations } }, { namespace: 'default' });
const phaseOf = (op: NodeOp, node: string) => op.status?.nodeStatuses?.[node]?.phase;

describe('the annotation hold', () => {
  test('starts no new node, is the first thing that is told, and goes on by itself once it is taken away', async () => {
    blocked = true;
    const name = await cluster.nodeOp({ concurrency: 1 });
    await cluster.until(name, (op) => phaseOf(op, 'node-1') === 'Running');
    await annotate(name, { [HOLD]: 'call Ada' });
    await cluster.until(name, (op) => message(op, 'Held') !== undefined);
    blocked = false;
    const held = await cluster.until(name, (op) => phaseOf(op, 'node-1') === 'Completed');
    expect(phaseOf(held, 'node-2')).toBe('Pending');
    expect(message(held)).toMatch(/^held by the annotation agent.nodeop.dev\/hold: call Ada/);
    expect(message(held, 'Held')).toBe('held by the annotation agent.nodeop.dev/hold: call Ada');
    await annotate(name, { [HOLD]: null });
    const ended = await cluster.ended(name);
    expect(ended.status?.phase).toBe('Completed');
    expect(message(ended, 'Held')).toBeUndefined();
  });

  test('holds without a reason, also what was held from its start', async () => {
    const base = { image: 'busybox', command: ['true'] };
    const name = await cluster.create({ metadata: { name: 'op', annotations: { [HOLD]: '' } }, spec: base });
    const held = await cluster.until(name, (op) => message(op, 'Held') !== undefined);
    expect(message(held)).toMatch(/^held by the annotation agent.nodeop.dev\/hold/);
    expect(jobs()).toBe(0);
  });
});

test('a hold of the whole cluster holds every NodeOp', async () => {
  holds.set('lease', 'storage is on fire');
  const names = [await cluster.nodeOp({}), await cluster.nodeOp({})];
  for (const name of names) {
    const held = await cluster.until(name, (op) => message(op, 'Held') !== undefined);
    expect(message(held)).toMatch(/^the whole cluster is held by .* on the Lease: storage is on fire/);
  }
  expect(jobs()).toBe(0);
});

test.each(['', 'the wrong firmware'])('the annotation cancel ends it, with the value %j', async (reason) => {
  const name = await cluster.nodeOp({ suspend: true });
  await cluster.until(name, (op) => op.status?.nodeStatuses !== undefined);
  await annotate(name, { [CANCEL]: reason });
  const op = await cluster.ended(name);
  expect(op.status?.phase).toBe('Cancelled');
  const why = reason === '' ? `by the annotation ${CANCEL}` : reason;
  expect(op.status?.nodeStatuses?.['node-1']?.message).toContain(why);
});

test('one that is held and cancelled ends', async () => {
  const name = await cluster.nodeOp({});
  await annotate(name, { [HOLD]: '', [CANCEL]: '' });
  expect(['Cancelled', 'Completed']).toContain((await cluster.ended(name)).status?.phase);
});
