import { expect, test } from 'vitest';
import type { Node, Pod } from '../../src/api/kubernetes.ts';
import { Moments } from '../../src/agent/rollouts/moments.ts';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { fromRecord, toRecord, wallOffset } from '../../src/core/rollout/record.ts';
import { FakeClock } from '../support/fake-clock.ts';

const NOW = Date.parse('2030-01-01T12:00:00Z');
const HOUR = 3_600_000;

const status = (at: string): NodeOpStatus => ({
  phase: 'Running',
  startedAt: at,
  conditions: [{ type: 'Ready', status: 'False', reason: 'startedAt', message: at, lastTransitionTime: at }],
  nodeStatuses: { startedAt: { phase: 'Running', message: at, phaseStartedAt: at, attempts: 1 } },
});

test('what is recorded has the times of the wall clock, and nothing else of it changes', () => {
  expect(toRecord(status('2030-01-01T12:00:00Z'), -HOUR)).toEqual({
    ...status('2030-01-01T11:00:00Z'),
    conditions: [
      { ...status('2030-01-01T12:00:00Z').conditions?.[0], lastTransitionTime: '2030-01-01T11:00:00Z' },
    ],
    nodeStatuses: {
      startedAt: {
        phase: 'Running',
        message: '2030-01-01T12:00:00Z',
        phaseStartedAt: '2030-01-01T11:00:00Z',
        attempts: 1,
      },
    },
  });
  const patch = { nodeStatuses: { a: { phaseStartedAt: null } } };
  expect(toRecord(patch, HOUR)).toEqual(patch);
  expect(toRecord(patch, 0)).toBe(patch);
});

test('what is read counts from then on by the steady clock, the future as now; with exact clocks it stays as it is', () => {
  const past = status('2030-01-01T10:00:00Z');
  expect(fromRecord(past, 0, NOW)).toBe(past);
  expect(fromRecord(past, -HOUR, NOW).startedAt).toBe('2030-01-01T11:00:00Z');
  expect(fromRecord(status('2030-01-01T15:00:00Z'), 0, NOW).nodeStatuses?.['startedAt']?.phaseStartedAt).toBe(
    '2030-01-01T12:00:00Z',
  );
  expect(wallOffset(NOW + 400, NOW)).toBe(0);
  expect(wallOffset(NOW - HOUR + 400, NOW)).toBe(-HOUR);
});

test('a node in flight whose phase has no time on record is in it from now on', () => {
  const statuses = { a: { phase: 'Rebooting' }, b: { phase: 'Pending' }, c: { phase: 'Completed' } } as const;
  expect(fromRecord({ nodeStatuses: statuses }, 0, NOW).nodeStatuses).toEqual({
    ...statuses,
    a: { phase: 'Rebooting', phaseStartedAt: '2030-01-01T12:00:00Z' },
  });
});

const pod = (uid: string, creationTimestamp: string): Pod => ({ metadata: { uid, creationTimestamp } });
const nodeAt = (lastTransitionTime: string): Node => ({
  metadata: { name: 'node-1' },
  status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] },
});
const created = (moments: Moments, one: Pod) =>
  Date.parse(moments.created(one, false).metadata.creationTimestamp ?? '');

test('what was there before began when its stamp says, but not in the future, and does not move with the looks', async () => {
  const clock = new FakeClock();
  const moments = new Moments(clock);
  const start = clock.steady();
  expect(created(moments, pod('a', new Date(start - HOUR).toISOString()))).toBe(start - HOUR);
  expect(created(moments, pod('b', new Date(start + HOUR).toISOString()))).toBe(start);
  await clock.advance(60_000);
  expect(created(moments, pod('b', new Date(start + HOUR).toISOString()))).toBe(start);
});

test.each([-HOUR, HOUR])(
  'what begins while it looks on begins now, whatever the clocks say (%i ms)',
  (by) => {
    const clock = new FakeClock();
    const moments = new Moments(clock);
    moments.looksOn = true;
    clock.set(by);
    expect(created(moments, pod('a', new Date(clock.wall() - 2 * HOUR).toISOString()))).toBe(clock.steady());
    const ready = moments.ready(nodeAt(new Date(clock.wall() + HOUR).toISOString()), false);
    expect(Date.parse(ready.status?.conditions?.[0]?.lastTransitionTime ?? '')).toBe(clock.steady());
  },
);
