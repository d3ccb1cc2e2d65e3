import { expect, test } from 'vitest';
import {
  CAPACITY,
  entriesOf,
  entryOf,
  headData,
  type LedgerPart,
  parseHead,
  recentOf,
  roomIn,
  withEntries,
} from '../../src/core/runs/ledger.ts';

const part = (name: string, data: Record<string, string>): LedgerPart => ({ name, data });

test('an entry stays what it is: clusters have records of it', () => {
  expect(entryOf('runs/flash.yaml')).toBe('SJmXirFBfc7N_tkg');
  expect(entryOf('runs/flash.yaml')).toHaveLength(16);
});

test('what is written is read back, with the NodeOps that were made', () => {
  const [a, b] = [entryOf('runs/a.yaml'), entryOf('runs/b.yaml')];
  const written = withEntries(new Map(), [{ entry: a, uid: 'uid-a' }, { entry: b }]);
  expect(written?.taken).toBe(2);
  const parts = written ? [written.part] : [];
  expect(entriesOf(parts)).toEqual(new Set([a, b]));
  expect(recentOf(parts)).toEqual(new Map([[a, 'uid-a']]));
  expect(roomIn(parts)).toBe(CAPACITY - 2);
});

test('a block that somebody cut off takes the room of what is left of its last entry', () => {
  const cut = [part('0', { b00: 'x'.repeat(24) })];
  expect(entriesOf(cut)).toEqual(new Set(['x'.repeat(16)]));
  expect(roomIn(cut)).toBe(CAPACITY - 2);
});

test('what is no part of the record says nothing', () => {
  const others = [
    part('head', { b00: 'x'.repeat(16), recent: 'x uid' }),
    part('32', { b00: 'y'.repeat(16) }),
  ];
  expect(entriesOf(others)).toEqual(new Set());
  expect(recentOf(others)).toEqual(new Map());
  expect(roomIn(others)).toBe(CAPACITY);
});

const waiting = [{ run: 'runs/a.yaml', reason: 'Queued', message: 'waits', until: undefined }];

test('the head is read back as it was written', () => {
  const head = {
    runs: 'a'.repeat(40),
    results: 'b'.repeat(40),
    signed: { key: 'c'.repeat(64), commit: 'd'.repeat(40) },
    waiting,
    waitingCount: 3,
    passedOver: 2,
    passedOverRuns: ['runs/b.yaml'],
    heldAt: 'e'.repeat(40),
    folders: { runs: 'runs', results: 'results/berlin' },
    misnamed: ['runs/c.yml~ is no run file'],
  };
  expect(parseHead(headData(head))).toEqual(head);
});

test.each([
  ['no list', '{"run":"runs/a.yaml"}', []],
  ['no JSON', '[{', []],
  [
    'entries that are none',
    '[null, 3, {"run": 7}, {"run": "runs/a.yaml"}]',
    [expect.objectContaining({ run: 'runs/a.yaml' })],
  ],
])('a head that somebody changed: %s', (_, text, expected) => {
  expect(parseHead({ waiting: text }).waiting).toEqual(expected);
});
