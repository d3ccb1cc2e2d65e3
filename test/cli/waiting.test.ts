import { expect, test } from 'vitest';
import { findWaiting, waitingLines } from '../../src/cli/waiting.ts';
import { headData, parseHead } from '../../src/core/runs/ledger.ts';

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
  passedOver: 3,
});

test('runs that wait are shown with reason and time, and found by the end of their path', () => {
  const read = { ...parseHead(headData(head(1))), isKnown: true };
  expect(waitingLines(read).join('\n')).toMatchInlineSnapshot(`
    "
    Waiting to begin:
      runs/2030/0.yaml  NotBefore  2190-01-01T00:00:00.000Z  not before 2190-01-01T00:00:00Z

    Passed over: 3 run files, listed in .baseline.yaml of the results folder."
  `);
  expect(findWaiting(read, './0.yaml')?.run).toBe('runs/2030/0.yaml');
  expect(findWaiting(read, 'runs/1.yaml')).toBeUndefined();
});

test('of very many the first are told, and how many more there are', () => {
  const data = headData(head(5000));
  expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(512 * 1024);
  expect(waitingLines({ ...parseHead(data), isKnown: true }).join('\n')).toContain('… and 4800 more');
});

test('what people made of the record stops nobody', () => {
  for (const waiting of ['', '{', '7', '[null, 3, {"run": 4}]'])
    expect(parseHead({ waiting }).waiting).toEqual([]);
  expect(parseHead({ runs: '../../x', waitingCount: 'x' })).toMatchObject({
    runs: undefined,
    waitingCount: 0,
  });
  expect(waitingLines({ waiting: [], waitingCount: 0, passedOver: 0, isKnown: false })[0]).toContain(
    'not shown',
  );
});
