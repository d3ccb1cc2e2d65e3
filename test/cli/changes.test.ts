import { expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { changesOf } from '../../src/cli/watch/changes.ts';

const NOW = new Date('2030-01-01T00:00:00Z');
const time = NOW.toISOString();
const status = (nodeStatuses: NodeOpStatus['nodeStatuses'], more: NodeOpStatus = {}): NodeOpStatus => ({
  phase: 'Running',
  summary: { total: 2, pending: 0, inFlight: 1, completed: 1, failed: 0, cancelled: 0, done: '1/2' },
  ...(nodeStatuses && { nodeStatuses }),
  ...more,
});

test('only what is new is told, and nothing of nodes that wait for their turn', () => {
  const before = status({
    a: { phase: 'Completed' },
    b: { phase: 'Draining', message: 'x' },
    c: { phase: 'Pending' },
  });
  const after = status({
    a: { phase: 'Completed' },
    b: { phase: 'Draining', message: 'y' },
    c: { phase: 'Pending' },
  });
  expect(changesOf(before, after, NOW)).toEqual([
    { type: 'node', time, node: 'b', phase: 'Draining', message: 'y' },
  ]);
  expect(changesOf(after, structuredClone(after), NOW)).toEqual([]);
});

test('the first look tells the whole and all that has begun', () => {
  const first = status({ a: { phase: 'Running' }, b: { phase: 'Pending' } });
  expect(changesOf(undefined, first, NOW)).toEqual([
    { type: 'node', time, node: 'a', phase: 'Running', message: '' },
    { type: 'rollout', time, phase: 'Running', done: '1/2', failed: 0, message: '' },
  ]);
});

test('of what was over before anybody looked the times are those of the nodes, in their order', () => {
  const [early, late, end] = [
    '2029-12-31T10:00:00.000Z',
    '2029-12-31T11:00:00.000Z',
    '2029-12-31T12:00:00.000Z',
  ];
  const over = status(
    { a: { phase: 'Completed', finishedAt: late }, b: { phase: 'Failed', finishedAt: early } },
    { phase: 'Failed', completedAt: end },
  );
  expect(changesOf(undefined, over, NOW).map((it) => it.time)).toEqual([early, late, end]);
});

test('a new reason of the whole is news', () => {
  const conditions = [{ type: 'Ready', status: 'False', message: 'waiting for node-1' } as const];
  expect(changesOf(status({}), status({}, { conditions }), NOW)).toEqual([
    { type: 'rollout', time, phase: 'Running', done: '1/2', failed: 0, message: 'waiting for node-1' },
  ]);
});

test('steps are told as they go on', () => {
  const step = { name: 'canary', phase: 'Running', nodes: 1, finished: 0, failed: 0 } as const;
  const rest = { ...step, name: 'rest', phase: 'Pending' } as const;
  const soaking = { ...step, phase: 'Soaking', message: 'soaks for 60 s' } as const;
  const [before, after] = [step, soaking].map((it) => status({}, { steps: [it, rest] }));
  expect(changesOf(before, after ?? {}, NOW)).toEqual([
    { type: 'step', time, step: 'canary', phase: 'Soaking', message: 'soaks for 60 s' },
  ]);
});
