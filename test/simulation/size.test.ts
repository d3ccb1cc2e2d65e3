import { expect, test } from 'vitest';
import { type NodeScript, runToEnd, World } from '../support/world.ts';

const MIB = 1 << 20;
const fleet = (script: NodeScript): Record<string, NodeScript> =>
  Object.fromEntries(
    Array.from({ length: 5000 }, (_, i) => [`worker-${String(i).padStart(4, '0')}`, script]),
  );

/** The largest status of a rollout over 5,000 nodes, in bytes of JSON, and the last one's messages. */
function rollout(spec: object, script: NodeScript, prepare: (world: World) => void = () => {}) {
  const world = new World(spec, fleet(script));
  prepare(world);
  let largest = 0;
  runToEnd(world, () => {
    largest = Math.max(largest, Buffer.byteLength(JSON.stringify(world.status)));
  });
  const nodes = Object.values(world.status.nodeStatuses ?? {});
  return { largest, phase: world.status.phase, nodes, messages: nodes.map(({ message }) => message ?? '') };
}

test.each([
  ['all at once', {}, {}],
  [
    'all with a reboot and a cordon, 500 at once',
    { concurrency: 500, cordon: true, rebootOnSuccess: true },
    {},
  ],
])('the status of 5,000 nodes stays under 1 MiB: %s', (_, spec, script) => {
  const { largest, phase } = rollout(spec, script);
  expect(phase).toBe('Completed');
  expect(largest).toBeLessThan(MIB);
});

test('… when every node fails and stays cordoned; the first say why in full', () => {
  const { largest, phase, messages } = rollout({ concurrency: 500, cordon: true }, { command: 'fail' });
  expect(phase).toBe('Failed');
  expect(largest).toBeLessThan(MIB);
  const full = 'command failed: exit code 7: no space; the node stays cordoned';
  expect(messages.filter((it) => it === full).length).toBeGreaterThan(200);
});

test('… when every node fails with a long log: the first are told in full, with cause and log apart', () => {
  const said = `${'progress\n'.repeat(200)}no space`;
  const { largest, nodes } = rollout({ concurrency: 500, cordon: true }, { command: 'fail', said });
  expect(largest).toBeLessThan(MIB);
  const first = { cause: 'no space', cordoned: true, exitCode: 7 };
  const message = 'command failed: exit code 7: no space; the node stays cordoned';
  expect(nodes[0]).toMatchObject({ ...first, message });
  expect(nodes[0]?.log).toMatch(/progress\nprogress\nno space$/);
  expect(nodes.filter((it) => it.message?.includes('\n'))).toEqual([]);
});

test('… when every node is skipped with a long reason, or cancelled with one', () => {
  const skipped = rollout({ preflight: { command: ['check'] } }, { preflight: 'skip' });
  expect(skipped.largest).toBeLessThan(MIB);
  const cancelled = rollout({ concurrency: 1 }, {}, (world) => (world.cancelled = 'because '.repeat(200)));
  expect(cancelled.largest).toBeLessThan(MIB);
  expect(cancelled.messages[0]).toMatch(/^Cancelled: .* … .*because$/);
});

test('a hundred nodes have room for a long message each, cut in its middle', () => {
  const world = new World(
    { concurrency: 1 },
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`n${i}`, {}])),
  );
  world.troubles = new Map([['create-job/n0', `begin ${'x'.repeat(5000)} end`]]);
  // The targets, the rehearsal, the start, and what keeps failing.
  for (let i = 0; i < 4; i += 1) {
    world.pass();
    world.persist();
  }
  const message = world.status.nodeStatuses?.['n0']?.message ?? '';
  expect(message).toMatch(/^create-job keeps failing: begin x+ … x+ end$/);
  expect(message.length).toBeLessThanOrEqual(1024);
  expect(message.length).toBeGreaterThan(1000);
});

/** What an etcd takes in one object, with room for the spec and the annotations. */
const OBJECT = 1.5 * MIB - 32 * 1024;

test.each([
  ['all complete', { concurrency: 500, cordon: true, rebootOnSuccess: true }, {}],
  ['all fail', { concurrency: 500, cordon: true }, { command: 'fail', said: 'no space on device' }],
] as const)('5,000 nodes with names as long as names may be fit into one object: %s', (_, spec, script) => {
  const names = Array.from({ length: 5000 }, (_node, i) => `worker-${i}-`.padEnd(63, 'x'));
  const world = new World(spec, Object.fromEntries(names.map((name) => [name, script])));
  let largest = 0;
  runToEnd(world, () => {
    largest = Math.max(largest, Buffer.byteLength(JSON.stringify(world.status)));
  });
  expect(Object.keys(world.status.nodeStatuses ?? {})).toHaveLength(5000);
  expect(largest).toBeLessThan(OBJECT);
});
