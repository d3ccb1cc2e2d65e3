import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { Cluster } from '../support/cluster.ts';

const MARK = 'operator.kairos.io/cordoned-by';
let cluster: Cluster;

/** No Job is made meanwhile. */
let held: boolean;
let exit: number;

beforeEach(async () => {
  held = false;
  exit = 1;
  cluster = await Cluster.virtual({
    nodes: 2,
    refuse: ({ verb, resource, dryRun }) =>
      held && dryRun === false && verb === 'create' && resource === 'jobs' ? 'not yet' : undefined,
    script: () => ({ durationMs: 5, exitCode: exit }),
  });
});

afterEach(() => cluster.stop());

const selector = { nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'node-1' } } };

function create(name: string, spec: object = {}): Promise<string> {
  const common = { image: 'busybox', command: ['true'], backoffLimit: 0, cordon: true, ...selector };
  return cluster.create({ metadata: { name }, spec: { ...common, ...spec } });
}

const node = () => cluster.sim.store.read('nodes', 'node-1');
const owner = () => node().metadata.annotations?.[MARK]?.split('@')[0];
const isCordoned = () => (node()['spec'] as { unschedulable?: boolean }).unschedulable === true;
const remove = (name: string) => cluster.client.delete(NODEOPS, name, 'default', {});
const isGone = (name: string) =>
  cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default') === undefined;
const runs = (op: NodeOp) => op.status?.nodeStatuses?.['node-1']?.phase === 'Running';

/** The command of the second one begins only now. */
function go(exitCode: number): void {
  exit = exitCode;
  held = false;
}

describe('a node that a failed NodeOp left cordoned, while a second one works on it', () => {
  beforeEach(async () => {
    await cluster.ended(await create('first'));
    held = true;
  });

  test('stays cordoned when the first is deleted, until the second is done', async () => {
    await cluster.until(await create('second'), runs);
    await remove('first');
    await cluster.eventually(() => expect(isGone('first')).toBe(true));
    expect([isCordoned(), owner()]).toEqual([true, 'default/second']);
    go(0);
    await cluster.ended('second');
    expect([isCordoned(), owner()]).toEqual([false, undefined]);
  });

  test('stays cordoned by the first when the second is done', async () => {
    await cluster.until(await create('second'), runs);
    go(0);
    await cluster.ended('second');
    expect([isCordoned(), owner()]).toEqual([true, 'default/first']);
  });

  test("is the second one's when that fails and the first is deleted; both gone, it is uncordoned", async () => {
    await cluster.until(await create('second'), runs);
    go(1);
    await cluster.ended('second');
    expect(owner()).toBe('default/first');
    await remove('first');
    await cluster.eventually(() => expect(owner()).toBe('default/second'));
    expect(isCordoned()).toBe(true);
    await remove('second');
    await cluster.eventually(() => expect(isCordoned()).toBe(false));
    expect(owner()).toBeUndefined();
  });

  test('is uncordoned in the end when the second needs no cordon, also when that fails', async () => {
    await cluster.until(await create('second', { cordon: false }), runs);
    await remove('first');
    await cluster.eventually(() => expect(isGone('first')).toBe(true));
    expect([isCordoned(), owner()]).toEqual([true, 'default/second']);
    go(1);
    await cluster.ended('second');
    expect([isCordoned(), owner()]).toEqual([false, undefined]);
  });

  test('stays cordoned when the first is removed by force', async () => {
    await cluster.until(await create('second'), runs);
    await cluster.client.patch(
      NODEOPS,
      'first',
      { metadata: { finalizers: null } },
      { namespace: 'default' },
    );
    await remove('first');
    await cluster.eventually(() => expect(owner()).toBe('default/second'));
    expect(isCordoned()).toBe(true);
    go(0);
    await cluster.ended('second');
    expect(isCordoned()).toBe(false);
  });
});

test('a mark without a reason is undone, whoever its NodeOp is', async () => {
  exit = 0;
  const done = await cluster.ended(await create('third'));
  const annotations = { [MARK]: `default/third@${done.metadata.uid}` };
  await cluster.client.patch(
    { base: '/api/v1', plural: 'nodes' },
    'node-1',
    { metadata: { annotations }, spec: { unschedulable: true } },
    {},
  );
  await cluster.eventually(() => expect(isCordoned()).toBe(false));
  expect(owner()).toBeUndefined();
});
