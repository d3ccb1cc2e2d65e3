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
  together,
  toldOf,
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

test('of a record that began without a tip, and of names that somebody changed, the rest is read', () => {
  const signed = { key: 'c'.repeat(64) };
  const head = parseHead(
    headData({ signed, waiting: [], waitingCount: 0, passedOver: 0, passedOverRuns: [] }),
  );
  expect(head.signed).toEqual(signed);
  expect(parseHead({ misnamed: '[1, "a"]', passedOverRuns: '[null, "b"]' })).toMatchObject({
    misnamed: ['a'],
    passedOverRuns: ['b'],
  });
});

const FULL = 'x'.repeat(16 * 1024);
const full = (name: string, blocks = 31) =>
  part(
    name,
    Object.fromEntries(Array.from({ length: blocks }, (_, i) => [`b${String(i).padStart(2, '0')}`, FULL])),
  );

test('entries go where there is room, and what is there stays', () => {
  const entries = ['a', 'b', 'c'].map((it) => ({ entry: entryOf(it) }));
  const begun = part('0', { b00: FULL, b01: FULL.slice(0, -32) });
  const written = withEntries(new Map([['0', begun]]), entries);
  expect(written?.taken).toBe(3);
  // A write takes what changes alone.
  expect(written?.part.data).toEqual({
    b01: FULL.slice(0, -32) + entryOf('a') + entryOf('b'),
    b02: entryOf('c'),
    recent: '',
  });
  expect(withEntries(new Map([['0', full('0')]]), entries)?.part.name).toBe('1');
});

test('a part is as full as an object may be, and when all are there is room for no more', () => {
  const one = full('0');
  const bytes = Object.entries(one.data).reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  expect(bytes).toBeLessThan(512 * 1024);
  const parts = Array.from({ length: 32 }, (_, i) => full(String(i)));
  expect(roomIn(parts)).toBe(0);
  expect(withEntries(new Map(parts.map((it) => [it.name, it])), [{ entry: entryOf('a') }])).toBeUndefined();
  expect(roomIn(parts.slice(1))).toBe(31 * 1024);
});

test('of more entries than a part takes the rest is left for the next', () => {
  const entries = Array.from({ length: 3 }, (_, i) => ({ entry: entryOf(`${i}`), uid: `uid-${i}` }));
  const nearly = full('0', 30);
  nearly.data = { ...nearly.data, b30: FULL.slice(0, -16) };
  const written = withEntries(new Map([['0', nearly]]), entries);
  expect(written?.taken).toBe(1);
  expect(recentOf(written ? [written.part] : [])).toEqual(new Map([[entryOf('0'), 'uid-0']]));
});

test('of which NodeOps the newest entries were written for is known, not of all', () => {
  let data: LedgerPart['data'] = {};
  for (let i = 0; i < 70; i += 1) {
    const written = withEntries(new Map([['0', part('0', data)]]), [
      { entry: entryOf(`${i}`), uid: `uid-${i}` },
    ]);
    data = { ...data, ...written?.part.data };
  }
  expect([...recentOf([part('0', data)]).values()]).toEqual(
    Array.from({ length: 64 }, (_, i) => `uid-${i + 6}`),
  );
  expect(entriesOf([part('0', data)]).size).toBe(70);
});

test('what several agents tell of runs that wait is told together, and the same word once', () => {
  const head = (name: string, misnamed?: string[]) => ({
    waiting: [{ run: `runs/${name}.yaml`, reason: 'Queued', message: 'waits' }],
    waitingCount: 2,
    passedOver: 3,
    passedOverRuns: [name],
    ...(misnamed && { misnamed }),
  });
  expect(together([head('a', ['x', 'y']), head('b'), head('c', ['y'])])).toMatchObject({
    waiting: [{ run: 'runs/a.yaml' }, { run: 'runs/b.yaml' }, { run: 'runs/c.yaml' }],
    waitingCount: 6,
    passedOver: 9,
    passedOverRuns: ['a', 'b', 'c'],
    misnamed: ['x', 'y'],
  });
});

test('the newest are told of, as many as an object has room for', () => {
  const names = Array.from({ length: 300 }, (_, i) => `runs/${String(i).padStart(3, '0')}.yaml`);
  expect(toldOf(new Set(names))).toEqual(names.slice(100));
  const long = names.map((it) => `${it}${'x'.repeat(1024 - it.length)}`);
  expect(toldOf(new Set(long))).toEqual(long.slice(-32));
  const head = { waiting: names.map((run) => ({ run, reason: 'Queued', message: '' })), waitingCount: 300 };
  const told = parseHead(headData({ ...head, passedOver: 0, passedOverRuns: [], misnamed: names }));
  expect([told.waiting.length, told.waitingCount, told.misnamed?.length]).toEqual([200, 300, 20]);
});
