import { describe, expect, test } from 'vitest';
import { estimateOf } from '../../../src/core/page/estimate.ts';
import { pausesOf } from '../../../src/core/page/pauses.ts';
import { withoutLog } from '../../../src/core/page/sees.ts';

const MIN = 60_000;

describe('stretches in which no node was worked on', () => {
  const times = { began: 0, end: 100 * MIN, now: undefined };

  test.each([
    [
      'nodes that follow each other have none',
      [
        { from: 0, to: 50 * MIN },
        { from: 50 * MIN, to: 100 * MIN },
      ],
      [],
    ],
    [
      'nor do nodes beside each other',
      [
        { from: 0, to: 100 * MIN },
        { from: 10 * MIN, to: 20 * MIN },
      ],
      [],
    ],
    [
      'what was waited for longest gives it its name',
      [
        { from: 0, to: 10 * MIN },
        { from: 60 * MIN, to: 100 * MIN },
      ],
      [{ from: 10 * MIN, to: 60 * MIN, text: 'step canary was watched' }],
    ],
    [
      'nobody knows what the last one was for',
      [{ from: 0, to: 50 * MIN }],
      [{ from: 50 * MIN, to: 100 * MIN, text: 'no node was in flight' }],
    ],
  ])('%s', (_, spans, pauses) => {
    const waits = [
      { from: 10 * MIN, to: 40 * MIN, text: 'step canary was watched' },
      { from: 40 * MIN, to: 45 * MIN, text: 'step canary was checked' },
    ];
    expect(pausesOf(spans, waits, times)).toEqual(pauses);
  });

  test('one that goes on is for what the run waits for', () => {
    const now = 'waiting for the window';
    expect(pausesOf([{ from: 0, to: MIN }], [], { began: 0, end: undefined, now })).toEqual([
      { from: MIN, text: now },
    ]);
    expect(pausesOf([{ from: 0 }], [], { began: 0, end: undefined, now })).toEqual([]);
  });

  test('what was waited for before is not told of one that goes on', () => {
    const waits = [{ from: MIN, to: 30 * MIN, text: 'step canary was watched' }];
    const now = 'waiting for the window';
    expect(pausesOf([{ from: 0, to: MIN }], waits, { began: 0, end: undefined, now })).toEqual([
      { from: MIN, text: now },
    ]);
  });
});

describe('the estimate', () => {
  const at = (minute: number) => new Date(minute * MIN).toISOString();
  const done = (minute: number) => ({ phase: 'Completed' as const, finishedAt: at(minute) });

  test.each([
    ['nothing is finished', { 'node-1': { phase: 'Running' as const } }, undefined],
    ['nothing is left', { 'node-1': done(20) }, undefined],
    [
      'as far as it went',
      { 'node-1': done(15), 'node-2': done(20), 'node-3': { phase: 'Pending' as const } },
      25 * MIN,
    ],
    [
      'nodes that were given up took no time',
      {
        'node-1': done(20),
        'node-2': { phase: 'Cancelled' as const },
        'node-3': { phase: 'Pending' as const },
      },
      30 * MIN,
    ],
  ])('%s', (_, nodeStatuses, estimate) => {
    expect(estimateOf({ phase: 'Running', startedAt: at(10), nodeStatuses })).toBe(estimate);
  });
});

test.each([
  ['command failed: exit code 3: write protected', 'command failed: exit code 3'],
  [
    'command failed: exit code 137, OOMKilled: killed; the node stays cordoned',
    'command failed: exit code 137, OOMKilled; the node stays cordoned',
  ],
  [
    '1 of 2 nodes completed, 1 failed: node-1: preflight failed: exit code 1: no disk',
    '1 of 2 nodes completed, 1 failed: node-1: preflight failed: exit code 1',
  ],
  ['Skipped by preflight: up to date', 'Skipped by preflight: up to date'],
  ['command failed: exit code 3', 'command failed: exit code 3'],
])('without what the container said: %s', (message, quiet) => {
  expect(withoutLog(message)).toBe(quiet);
});
