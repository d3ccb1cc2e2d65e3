import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffLines, specText } from '../../../src/core/page/details.ts';

test('a spec is shown without what its environment holds, and without credentials', () => {
  const text = specText({
    image: 'tools:1',
    command: ['curl', 'https://ada:hunter2@example.org/x'],
    env: [
      { name: 'TOKEN', value: 'abc' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
  });
  expect(text).not.toMatch(/hunter2|abc/);
  expect(text).toContain('name: TOKEN');
  expect(text).toContain('fieldPath: metadata.name');
  expect(specText('whatever')).toBeUndefined();
});

test('what was changed stands beside what it was', () => {
  expect(
    diffLines('a: 1\nb: 2\nc: 3', 'a: 1\nb: 4\nc: 3').map(({ kind, text }) => `${kind} ${text}`),
  ).toEqual(['same a: 1', 'removed b: 2', 'added b: 4', 'same c: 3']);
});

test('the lines of both can be read off it, in their order', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 }).map((it) => it.join('\n'));
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const diff = diffLines(before, after);
      const side = (without: string) =>
        diff
          .filter(({ kind }) => kind !== without)
          .map(({ text }) => text)
          .join('\n');
      expect([side('added'), side('removed')]).toEqual([before, after]);
    }),
  );
});

test('of long ones one stands after the other', () => {
  const long = Array.from({ length: 2_000 }, (_, i) => `${i}`).join('\n');
  expect(diffLines(long, long).length).toBe(4_000);
});

test('as many lines as can stay are told as the same', () => {
  const kinds = (before: string, after: string) =>
    diffLines(before.split('').join('\n'), after.split('').join('\n'))
      .map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`)
      .join('');
  expect(kinds('abcabba', 'cbabac')).toMatch(/^(.* .){4}/);
  expect(kinds('abc', 'abc')).toBe(' a b c');
  expect(kinds('abcd', 'acbd')).toBe(' a-b c+b d');
  expect(kinds('ab', 'xab')).toBe('+x a b');
  expect(kinds('abx', 'ab')).toBe(' a b-x');
});
