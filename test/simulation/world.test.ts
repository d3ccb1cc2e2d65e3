import { expect, test } from 'vitest';
import { History } from './world/history.ts';
import type { Plan } from './world/plan.ts';
import { planOf } from './world/plans/chance.ts';

const quick = { startMs: 300, runMs: 1_000, exitCode: 0 };

/** Three nodes that do as they are told. */
const calm: Plan = {
  seed: 1,
  repository: false,
  nodes: [1, 2, 3].map((i) => ({
    name: `node-${i}`,
    zone: 'zone-1',
    make: { bootMs: 5_000, lagMs: 10, reboots: 'once', endMs: 500 },
    command: quick,
    preflight: quick,
    workload: true,
  })),
  ops: [
    {
      at: 1_000,
      name: 'op-1',
      spec: {
        image: 'alpine:3.20',
        command: ['flash'],
        concurrency: 1,
        rebootOnSuccess: true,
        drainOptions: { enabled: true },
      },
    },
  ],
  events: [],
};

test('without a fault each node runs the command and reboots, one after the other', async () => {
  const { violations, log } = await new History(calm).run();
  expect(violations).toEqual([]);
  const told = log
    .map((line) => line.replace(/^[\d.]+ /, ''))
    .filter((line) => /^node-\d (starts command|reboots)/.test(line));
  expect(told.map((line) => line.replace(/ op-.*/, ''))).toEqual(
    ['node-1', 'node-2', 'node-3'].flatMap((node) => [`${node} starts command`, `${node} reboots`]),
  );
});

test('a plan gives the same history again, whatever the machine is doing', async () => {
  const plan = planOf(14);
  const [first, second] = [await new History(plan).run(), await new History(plan).run()];
  expect(first.log.length).toBeGreaterThan(20);
  expect(second.log).toEqual(first.log);
});

test('what breaks a promise is seen: a second start of a command', async () => {
  const history = new History(calm);
  const made = history.cluster.store.watch('pods', 0, ({ type, object }) => {
    const isCommand = object.metadata.labels?.['kairos.io/nodeop'] !== undefined;
    if (type !== 'MODIFIED' || !isCommand || object.status?.['phase'] !== 'Succeeded') return;
    made();
    const { name, uid: _, resourceVersion: __, ownerReferences: ___, ...metadata } = object.metadata;
    history.cluster.store.create('pods', {
      metadata: { ...metadata, name: `${name}-again`, finalizers: [] },
      spec: object.spec ?? {},
      status: { phase: 'Pending' },
    });
  });
  const { violations } = await history.run();
  expect(violations.join('\n')).toContain('command started 2 times on node-1');
});
