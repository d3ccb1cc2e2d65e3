import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { assemble } from '../../src/core/preview/preview.ts';
import { tooManyNodes } from '../../src/core/rollout/capacity.ts';
import { runToEnd, World } from '../support/world.ts';

/** What one object cannot hold is refused before a node is touched, and what is not refused fits. */

/** What an etcd takes by default, of a request with the object in it. */
const MOST = 1.5 * 1024 * 1024;

const named = (count: number, name = 'worker') =>
  Array.from({ length: count }, (_, i) => `${name}-${String(i).padStart(5, '0')}`);
const worldOf = (spec: object, names: readonly string[]) =>
  new World(spec, Object.fromEntries(names.map((name) => [name, {}])));

test('a rollout over 20,000 nodes is refused, with what to do, and touches none of them', () => {
  const world = worldOf({ concurrency: 500, cordon: true }, named(20_000));
  const done = new Set<string>();
  for (let i = 0; i < 5; i += 1) {
    for (const { type } of world.pass().actions) done.add(type);
    world.persist();
  }
  expect(world.status.phase).toBe('Failed');
  expect(world.status.nodeStatuses).toBeUndefined();
  expect(world.status.conditions).toContainEqual(
    expect.objectContaining({
      type: 'Stalled',
      status: 'True',
      reason: 'TooManyNodes',
      message: expect.stringMatching(
        /^20000 nodes match, and one NodeOp has room for the statuses of about \d{4} of them: take several with a nodeSelector each/,
      ) as string,
    }),
  );
  expect([...done]).toEqual(['adopt', 'release']);
});

test.each([
  ['all at once', { concurrency: 0 }],
  ['all at once, with a reboot', { concurrency: 0, cordon: true, rebootOnSuccess: true }],
  [
    'all of a step at once, with a reboot',
    { concurrency: 1, cordon: true, rebootOnSuccess: true, steps: [{ name: 'all', concurrency: 0 }] },
  ],
])('as many nodes as are taken fit into one object: %s', (_, spec) => {
  const full = NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], ...spec });
  const op = { name: 'flash', uid: 'uid-1', spec: full };
  const most = Number(/about (\d+) of/.exec(tooManyNodes(op, named(20_000)) ?? '')?.[1]);
  expect(most).toBeGreaterThan(4_500);
  expect(tooManyNodes(op, named(most)), 'the number that is named is taken').toBeUndefined();
  const world = worldOf(spec, named(most));
  let largest = 0;
  runToEnd(world, () => {
    largest = Math.max(largest, Buffer.byteLength(JSON.stringify(world.status)));
  });
  expect(world.status.phase).toBe('Completed');
  expect(largest + 3 * JSON.stringify(full).length).toBeLessThan(MOST);
});

/** 20 steps with 10 checks each, of which each is passed with as much to say as fits. */
const CHECKED = Array.from({ length: 20 }, (_, i) => ({
  name: `step-${i}`,
  upTo: i + 1,
  checks: Array.from({ length: 10 }, () => ({ http: { url: 'https://shop.example.org/healthz' } })),
}));

test('what checks have seen fits beside as many nodes', () => {
  const full = NodeOpSpecSchema.parse({
    image: 'busybox',
    command: ['true'],
    concurrency: 300,
    steps: CHECKED,
  });
  const op = { name: 'flash', uid: 'uid-1', spec: full };
  const most = Number(/about (\d+) of/.exec(tooManyNodes(op, named(20_000)) ?? '')?.[1]);
  expect(most).toBeGreaterThan(4_500);
  const world = worldOf({ concurrency: 300, steps: CHECKED }, named(most));
  for (let i = 0; i < 200; i += 1) world.tries.push({ passed: true, seen: '好'.repeat(300) });
  runToEnd(world);
  expect(world.status.phase).toBe('Completed');
  const size = Buffer.byteLength(JSON.stringify(world.status));
  expect(size + 3 * JSON.stringify(full).length).toBeLessThan(MOST);
});

test('a plan says so too', () => {
  const spec = NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'] });
  const places = named(20_000).map((name) => ({ name, batch: 1, reason: '', waitsFor: undefined }));
  const facts = { nodes: new Map(), agentNode: undefined };
  const manifest = { metadata: { namespace: 'ops', name: 'flash' }, spec };
  const { blockers } = assemble({
    run: 'runs/flash.yaml',
    manifest,
    cluster: undefined,
    facts: facts as never,
    places,
    drains: new Map(),
    nodeSeconds: 1,
    blockers: [],
    notes: [],
  });
  expect(blockers).toEqual([expect.stringMatching(/^20000 nodes match/)]);
});

test('verdicts that wait for what they end take no more room than they do in the end', () => {
  const said = 'x'.repeat(16_000);
  const names = named(5000);
  const world = new World(
    { concurrency: 0, startTimeoutSeconds: 60 },
    Object.fromEntries(names.map((name) => [name, { startsAfter: 'no pod', warning: said } as const])),
  );
  let largest = 0;
  runToEnd(world, () => {
    largest = Math.max(largest, JSON.stringify(world.status).length);
  });
  expect(world.status.phase).toBe('Failed');
  expect(largest).toBeLessThan(MOST);
});
