import { describe, expect, test } from 'vitest';
import { NodeOpSpecSchema, type NodeStatus } from '../../../src/api/nodeop.ts';
import { tooManyNodes } from '../../../src/core/rollout/capacity.ts';
import { MessageRoom } from '../../../src/core/rollout/message-room.ts';
import {
  append,
  fail,
  type NodeContext,
  note,
  remark,
  stampUp,
} from '../../../src/core/rollout/node-status.ts';
import { World } from '../../support/world.ts';

const OP = { name: 'flash', uid: 'uid-1' };
const named = (count: number) =>
  Array.from({ length: count }, (_, i) => `worker-${String(i).padStart(5, '0')}`);
const room = (count: number, atOnce = 1) => new MessageRoom(OP, named(count), atOnce);
const failed = (message: string, more: Partial<NodeStatus> = {}): NodeStatus => ({
  phase: 'Failed',
  message,
  ...more,
});

/** Of so many that match about so many fit: the number that people are told. */
function most(spec: object, count = 20_000): number | undefined {
  const full = NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], concurrency: 1, ...spec });
  const text = tooManyNodes({ ...OP, spec: full }, named(count));
  return text === undefined ? undefined : Number(/about (\d+) of/.exec(text)?.[1]);
}

describe('how many nodes one NodeOp has room for', () => {
  test('is told in hundreds, and so many are taken', () => {
    const known = most({}) ?? 0;
    expect(known % 100).toBe(0);
    expect(known).toBeGreaterThan(5_000);
    expect(most({}, known)).toBeUndefined();
    expect(most({}, known + 100)).toBe(known);
    expect(most({}, 1)).toBeUndefined();
  });

  test('is less where more are in flight at once', () => {
    const [one = 0, all = 0, share = 0] = [{}, { concurrency: 0 }, { concurrency: '50%' }].map((it) =>
      most(it),
    );
    expect(all).toBeLessThan(share);
    expect(share).toBeLessThan(one);
    const steps = [
      { name: 'first', upTo: 1 },
      { name: 'all', concurrency: 0 },
    ];
    expect(most({ steps })).toBeLessThan(all);
  });

  test('is less by what the spec, steps and checks take', () => {
    const known = most({}) ?? 0;
    const said = { command: ['true', 'x'.repeat(100_000)] };
    // Thrice: as it is, as it is recorded, and as it was applied.
    const perNode = (1.5 * 1024 * 1024 - 32 * 1024) / known;
    expect(known - (most(said) ?? 0)).toBeGreaterThan(300_000 / perNode - 100);
    const steps = [{ name: 'first', upTo: 1 }];
    const checks = [{ http: { url: 'https://shop.example.org/healthz' } }];
    const [plain = 0, checked = 0] = [
      most({ steps }),
      most({ steps: [{ ...steps[0], checks: Array(10).fill(checks[0]) }] }),
    ];
    expect(plain).toBeLessThan(known);
    expect(checked).toBeLessThan(plain);
  });
});

describe('how long messages may be', () => {
  test('is bounded for few nodes, and smaller for many', () => {
    expect(room(3)).toMatchObject({ inFlight: 1024, untouched: 1024 });
    expect(room(3).failed()).toBe(1024);
    expect(room(5_000, 5_000)).toMatchObject({ untouched: 40 });
    expect(room(5_000, 5_000).inFlight).toBeLessThan(room(4_000, 4_000).inFlight);
    expect(room(1_000, 10).inFlight).toBe(1024);
  });

  test('is nothing where there is no room for a word', () => {
    expect(room(20_000, 20_000)).toMatchObject({ inFlight: 0 });
    expect(room(20_000).failed()).toBe(0);
  });

  test('of nodes that failed is a part of what those before have left, and comes back with them', () => {
    const shared = room(5_100);
    const before = shared.failed();
    for (let i = 0; i < 10; i += 1) shared.exchange({ phase: 'Running' }, failed('x'.repeat(1000)));
    const after = shared.failed();
    expect(after).toBeLessThan(before);
    for (let i = 0; i < 10; i += 1) shared.exchange(failed('x'.repeat(1000)), { phase: 'Pending' });
    expect(shared.failed()).toBe(before);
  });

  test.each<[string, NodeStatus, NodeStatus]>([
    ['its log', failed('why'), failed('why', { log: 'x'.repeat(900) })],
    ['its cause', failed('why'), failed('why', { cause: 'x'.repeat(900) })],
    ['that it stays cordoned', failed('why'), failed('why', { cordoned: true })],
    [
      'a verdict that waits',
      { phase: 'Running' },
      { phase: 'Running', ending: { phase: 'Failed', message: 'x'.repeat(900) } },
    ],
  ])('is less by %s', (_, without, other) => {
    const [plain, taken] = [room(5_100), room(5_100)];
    for (let i = 0; i < 10; i += 1) {
      plain.exchange(undefined, without);
      taken.exchange(undefined, other);
    }
    expect(taken.failed()).toBeLessThan(plain.failed());
  });

  test('nothing is taken by nodes that are done', () => {
    const shared = room(5_100);
    const before = shared.failed();
    for (let i = 0; i < 10; i += 1)
      shared.exchange(undefined, { phase: 'Completed', message: 'x'.repeat(40) });
    expect(shared.failed()).toBe(before);
  });
});

describe('what an entry says', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  const facts = new World({}, { a: {} }).facts();
  const [roomy, tight] = [room(1), room(20_000)].map((it): NodeContext => ({ facts, now, room: it }));
  const context = (it: NodeContext | undefined) => it as NodeContext;

  test('is cut in the middle, on one line', () => {
    const long = `begin${'x'.repeat(2_000)}end`;
    const { message = '' } = fail(context(roomy), { phase: 'Running' }, long);
    expect(message).toHaveLength(1024);
    expect(message).toMatch(/^beginx+ … x+end$/);
    expect(fail(context(roomy), { phase: 'Running' }, 'a\nb').message).toBe('a b');
    expect(fail(context(tight), { phase: 'Running' }, 'why')).not.toHaveProperty('message');
  });

  test('is added to what was said, which is cut first', () => {
    expect(append(context(roomy), failed('why'), 'stays').message).toBe('why; stays');
    const { message = '' } = append(context(roomy), failed('x'.repeat(1024)), 'stays cordoned');
    expect(message).toHaveLength(1024);
    expect(message).toMatch(/x; stays cordoned$/);
    const silent: NodeStatus = { phase: 'Failed' };
    expect(append(context(roomy), silent, 'stays')).toBe(silent);
    const said = failed('why');
    expect(append(context(tight), said, 'stays')).toBe(said);
  });

  test('stays the first remark', () => {
    const done: NodeStatus = { phase: 'Completed' };
    expect(remark(context(roomy), done, 'was lost').message).toBe('was lost');
    const said: NodeStatus = { phase: 'Completed', message: 'skipped' };
    expect(remark(context(roomy), said, 'was lost')).toBe(said);
  });

  test('is the very same entry where it says that already, and goes where nothing is to be said', () => {
    const runs: NodeStatus = { phase: 'Running', message: 'waits' };
    expect(note(context(roomy), runs, 'waits')).toBe(runs);
    expect(note(context(roomy), runs, undefined)).toEqual({
      phase: 'Running',
      lastUpdated: '2030-01-01T00:00:00Z',
    });
  });
});

test('moments are told in whole seconds, and none too early', () => {
  expect(stampUp(Date.parse('2030-01-01T00:00:00Z'))).toBe('2030-01-01T00:00:00Z');
  expect(stampUp(Date.parse('2030-01-01T00:00:00.001Z'))).toBe('2030-01-01T00:00:01Z');
});
