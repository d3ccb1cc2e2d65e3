import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { endOf } from '../../src/kube/command-log.ts';

/** As an API server reads it: the last lines, and of these the first bytes. */
function reader(lines: readonly string[], bytes: number) {
  const asked: number[] = [];
  const read = (tail: number) => {
    asked.push(tail);
    const text = lines.slice(-tail).map((it) => `${it}\n`);
    return Promise.resolve(Buffer.from(text.join('')).subarray(0, bytes).toString());
  };
  return { asked, read };
}

test('a log that fits is asked for once', async () => {
  const { asked, read } = reader(['one', 'two'], 100);
  expect(await endOf(read, { lines: 10, bytes: 100 })).toEqual({ text: 'one\ntwo\n', isCut: false });
  expect(asked).toEqual([10]);
});

test('of one with long lines the end is read, which says why it failed', async () => {
  const lines = [
    ...Array.from({ length: 5_000 }, (_, i) => `${i} ${'x'.repeat(1_000)}`),
    'no space left on device',
  ];
  const { asked, read } = reader(lines, 256 * 1024);
  const { text, isCut } = await endOf(read, { lines: 1_000, bytes: 256 * 1024 });
  expect(text.endsWith('no space left on device\n')).toBe(true);
  expect(text.length).toBeGreaterThan(100 * 1024);
  expect(isCut).toBe(true);
  expect(asked.length).toBeLessThan(4);
});

test('where fewer lines never fit, as of a log that ends in long ones, the last one is asked for in the end', async () => {
  const lines = [
    ...Array.from({ length: 900 }, () => 'begins'),
    ...Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(20_000)}`),
  ];
  const { asked, read } = reader(lines, 10_000);
  const { text, isCut } = await endOf(read, { lines: 1_000, bytes: 10_000 });
  expect(text.startsWith('99 x')).toBe(true);
  expect(isCut).toBe(true);
  expect(asked.at(-1)).toBe(1);
  expect(asked.length).toBeLessThanOrEqual(6);
});

test('a line that is longer than all that is read is cut at its end', async () => {
  const { read } = reader(['a', 'x'.repeat(500)], 100);
  expect(await endOf(read, { lines: 10, bytes: 100 })).toEqual({ text: 'x'.repeat(100), isCut: true });
});

test('whatever the lines are, it ends with the last one, and is asked for six times at most', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 300 }),
      async (lengths) => {
        const lines = lengths.map((length, i) => `${i}:${'y'.repeat(length)}`);
        const { asked, read } = reader(lines, 1_000);
        const { text, isCut } = await endOf(read, { lines: 200, bytes: 1_000 });
        expect(text.endsWith(`${lines.at(-1)}\n`)).toBe(true);
        expect(isCut || text === lines.map((it) => `${it}\n`).join('')).toBe(true);
        expect(asked.length).toBeLessThanOrEqual(6);
      },
    ),
  );
});
