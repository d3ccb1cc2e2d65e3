import { expect, test } from 'vitest';
import { filterOf } from '../../../src/core/notify/filter.ts';
import { standing, T0, target } from './support.ts';

const wants = (
  fields: object,
  name: 'started' | 'ended' = 'started',
  changes: Parameters<typeof standing>[0] = {},
) => filterOf(target(fields), 'berlin')({ name, at: T0, standing: standing(changes) });

test.each<[string, object, boolean]>([
  ['its runs, by any of their patterns', { only: { runs: ['^runs/x', '^runs/firm'] } }, true],
  ['others', { only: { runs: ['^runs/x'] } }, false],
  ['its clusters', { only: { clusters: ['paris', 'berlin'] } }, true],
  ['other clusters', { only: { clusters: ['paris'] } }, false],
  ['its namespaces', { only: { namespaces: ['ops', 'edge'] } }, true],
  ['other namespaces', { only: { namespaces: ['edge'] } }, false],
  ['its labels', { only: { labels: { team: 'edge' } } }, true],
  ['labels of which one is another', { only: { labels: { team: 'edge', site: 'a' } } }, false],
  ['other events', { events: ['ended'] }, false],
])('a receiver that asks for %s is told of a run, or not', (_, fields, expected) => {
  expect(wants({ events: ['started'], ...fields })).toBe(expected);
});

test('outcomes are for ends alone', () => {
  const asks = { events: ['started', 'ended'], only: { outcomes: ['Failed', 'Invalid'] } };
  expect(wants(asks)).toBe(true);
  expect(wants(asks, 'ended', { phase: 'Failed' })).toBe(true);
  expect(wants(asks, 'ended', { phase: 'Completed' })).toBe(false);
  expect(wants({ events: ['ended'] }, 'ended', { phase: 'Completed' })).toBe(true);
});

test('a run without a file is none that a pattern of paths asks for', () => {
  expect(wants({ events: ['started'], only: { runs: ['.*'] } }, 'started', { run: undefined })).toBe(false);
});
