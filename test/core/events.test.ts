import { expect, test } from 'vitest';
import type { NodeStatus } from '../../src/api/nodeop.ts';
import { newsOf } from '../../src/core/rollout/events.ts';

const change = (before: NodeStatus, after: NodeStatus) =>
  newsOf(
    { phase: 'Running', nodeStatuses: { a: before } },
    { phase: 'Running', nodeStatuses: { a: after } },
    new Map([['a', before]]),
  );

test.each([
  ['Preflight', 'PreflightFailed'],
  ['Draining', 'DrainFailed'],
  ['Running', 'JobFailed'],
  ['Rebooting', 'RebootTimedOut'],
] as const)('a failure in %s is told as %s', (phase, reason) => {
  expect(change({ phase }, { phase: 'Failed', message: 'why' })).toEqual([
    { type: 'Warning', reason, message: 'why', node: 'a' },
  ]);
});

test('a blocked drain is told once, not at each look', () => {
  const blocked: NodeStatus = { phase: 'Draining', message: 'eviction blocked: default/a (budget)' };
  expect(change({ phase: 'Draining' }, blocked)[0]?.reason).toBe('DrainBlocked');
  expect(change(blocked, { ...blocked, message: 'eviction blocked: default/b (budget)' })).toEqual([]);
});

test('nothing changed is no news', () => {
  const status: NodeStatus = { phase: 'Running' };
  expect(change(status, status)).toEqual([]);
});
