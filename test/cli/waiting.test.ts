import { expect, test } from 'vitest';
import { findPassedOver, findWaiting, othersPassedOver, waitingLines } from '../../src/cli/waiting.ts';
import { headData, parseHead, toldOf } from '../../src/core/runs/ledger.ts';

const head = (count: number) => ({
  runs: 'a'.repeat(40),
  results: undefined,
  waiting: Array.from({ length: count }, (_, i) => ({
    run: `runs/2030/${i}.yaml`,
    reason: 'NotBefore',
    message: 'not before 2190-01-01T00:00:00Z',
    until: '2190-01-01T00:00:00.000Z',
  })),
  waitingCount: count,
  passedOver: 4,
  passedOverRuns: ['runs/a.yaml', 'runs/b.yaml', 'runs/c.yaml', 'runs/d.yaml'],
});

test('runs that wait are shown with reason and time, and found by the end of their path', () => {
  const read = { ...parseHead(headData(head(1))), isKnown: true };
  expect(waitingLines(read).join('\n')).toMatchInlineSnapshot(`
    "
    Waiting to begin:
      runs/2030/0.yaml  NotBefore  not before 2190-01-01T00:00:00Z

    Passed over: 4 run files (runs/b.yaml, runs/c.yaml, runs/d.yaml, …), see .baseline.yaml of the results folder; to carry one out, add it under another name."
  `);
  expect(findWaiting(read, './0.yaml')?.run).toBe('runs/2030/0.yaml');
  expect(findWaiting(read, 'runs/1.yaml')).toBeUndefined();
});

test('of very many the first are told, and how many more there are', () => {
  const data = headData(head(5000));
  expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(512 * 1024);
  expect(waitingLines({ ...parseHead(data), isKnown: true }).join('\n')).toContain('… and 4800 more');
});

test('a run file that never begins is found by any of its paths, and is told how to be carried out', () => {
  const read = { ...parseHead(headData(head(0))), isKnown: true };
  for (const wanted of ['runs/c.yaml', './c.yaml', '/home/ada/ops/results/berlin/c.yaml'])
    expect(findPassedOver(read, wanted)).toBe('runs/c.yaml');
  expect(findPassedOver(read, 'runs/x.yaml')).toBeUndefined();
});

test('of very many that never begin the newest are told, however long their names', () => {
  const many = new Set(Array.from({ length: 20_000 }, (_, i) => `runs/${String(i).padStart(5, '0')}.yaml`));
  const told = toldOf(many);
  expect([told.length, told.at(-1)]).toEqual([200, 'runs/19999.yaml']);
  const long = Array.from({ length: 200 }, (_, i) => `runs/${i}${'x'.repeat(4000)}.yaml`);
  const some = toldOf(new Set(long));
  expect(some.at(-1)).toBe(long.at(-1));
  expect(Buffer.byteLength(JSON.stringify(some))).toBeLessThan(64 * 1024);
  const others = { waiting: [], waitingCount: 0, passedOver: 20_000, passedOverRuns: told, isKnown: true };
  expect(othersPassedOver(others)).toMatch(/^19800 more run files never begin, see \.baseline\.yaml/);
});

test('what people made of the record stops nobody', () => {
  for (const waiting of ['', '{', '7', '[null, 3, {"run": 4}]'])
    expect(parseHead({ waiting, passedOverRuns: waiting })).toMatchObject({
      waiting: [],
      passedOverRuns: [],
    });
  expect(parseHead({ runs: '../../x', waitingCount: 'x' })).toMatchObject({
    runs: undefined,
    waitingCount: 0,
  });
  expect(
    waitingLines({ waiting: [], waitingCount: 0, passedOver: 0, passedOverRuns: [], isKnown: false })[0],
  ).toContain('not shown');
});

test('files that are called nearly as those the agent looks for are told of', () => {
  const text = 'hold.yml is not hold.yaml';
  const read = { ...parseHead(headData({ ...head(0), misnamed: [text] })), isKnown: true };
  expect(waitingLines(read)).toContain(`\n${text}`);
});
