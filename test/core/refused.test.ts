import { expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { refused } from '../../src/core/rollout/refusal.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const REFUSAL = { reason: 'InvalidSpec', message: 'spec.command: is missing' } as const;
const over: NodeOpStatus = {
  phase: 'Completed',
  observedGeneration: 1,
  completedAt: '2029-12-31T00:00:00Z',
  nodeStatuses: { a: { phase: 'Completed' } },
};

test('a refusal fails the whole, and says why in each condition', () => {
  const status = refused({}, REFUSAL, 2, NOW);
  expect(status).toMatchObject({
    phase: 'Failed',
    observedGeneration: 2,
    completedAt: '2030-01-01T00:00:00Z',
  });
  expect(status.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
    'Ready=False',
    'Reconciling=False',
    'Stalled=True',
  ]);
  for (const condition of status.conditions ?? []) expect(condition).toMatchObject(REFUSAL);
});

test('said again it is the same status: nothing is written', () => {
  const status = refused({}, REFUSAL, 2, NOW);
  expect(refused(status, REFUSAL, 2, NOW + 60_000)).toBe(status);
  expect(refused(status, REFUSAL, 3, NOW + 60_000)).not.toBe(status);
});

test('an end that is on record stands', () => {
  expect(refused(over, REFUSAL, 2, NOW)).toBe(over);
});

test('of a copy the end stays as a record, and what went on does not', () => {
  const copied = { reason: 'Copied', message: 'it was copied' } as const;
  expect(refused(over, copied, 2, NOW)).toMatchObject({
    phase: 'Completed',
    completedAt: over.completedAt,
    nodeStatuses: over.nodeStatuses,
    conditions: [{ reason: 'Copied' }, { reason: 'Copied' }, { reason: 'Copied' }],
  });
  const running: NodeOpStatus = { phase: 'Running', nodeStatuses: { a: { phase: 'Running' } } };
  const status = refused(running, copied, 2, NOW);
  expect(status.phase).toBe('Failed');
  expect(status.nodeStatuses).toBeUndefined();
});
