import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip, fitted, reflowed, someOf, wrap } from '../../src/core/text/fit.ts';

const RED = (text: string) => `\u001b[31m${text}\u001b[39m`;
// eslint-disable-next-line no-control-regex -- colours begin with a control character
const bare = (text: string) => text.replaceAll(/\u001b\[\d+m/g, '');
const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 20 });

test('without a width every text stays as it is', () => {
  const text = 'a '.repeat(300).trim();
  for (const it of [clip, wrap, fitted, reflowed]) expect(it(text, undefined)).toBe(text);
});

test('what is clipped is as wide as there is room, and says that it was', () => {
  expect(clip('abcdef', 6)).toBe('abcdef');
  expect(clip('abcdef', 5)).toBe('abcd…');
  expect(clip('abcdef', 0)).toBe('…');
  expect(clip('abc\u{1F600}', 4).isWellFormed()).toBe(true);
});

describe('lines broken between words', () => {
  test('lose none of them, hold no more than they may, and are as full as they can be', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 10, max: 40 }), (all, width) => {
        const lines = wrap(all.join(' '), width).split('\n');
        expect(lines.flatMap((it) => it.trim().split(' '))).toEqual(all);
        for (const [i, line] of lines.entries()) {
          expect(line.length).toBeLessThanOrEqual(width);
          const next = lines[i + 1]?.trim().split(' ')[0];
          if (next !== undefined) expect(`${line} ${next}`.length).toBeGreaterThan(width);
          expect(line.startsWith('  ')).toBe(i > 0);
        }
      }),
    );
  });

  test('are broken by what is seen of them: colours take no room', () => {
    expect(wrap(`${RED('abc')} def`, 7)).toBe(`${RED('abc')} def`);
    expect(wrap(`${RED('abc')} ${RED('def')} ghi`, 7)).toBe(`${RED('abc')} ${RED('def')}\n  ghi`);
    expect(wrap(`abc ${RED('def')} gh ij`, 7, '')).toBe(`abc ${RED('def')}\ngh ij`);
  });

  test('keep a word that is too long whole', () => {
    expect(wrap('abcdefghij kl', 5)).toBe('abcdefghij\n  kl');
    // Nor is a line left empty by blanks at its beginning.
    expect(wrap('abcdef  ghijklmnop', 8)).toBe('abcdef \n  ghijklmnop');
  });
});

test('of names as many are told as there is room for, with how many there are besides', () => {
  const names = ['node-1', 'node-2', 'node-3'];
  expect(someOf(names, 22)).toBe('node-1, node-2, node-3');
  expect(someOf(names, 21)).toBe('node-1 and 2 more');
  expect(someOf([...names, 'node-4'], 26)).toBe('node-1, node-2 and 2 more');
  expect(someOf([...names, 'node-4'], 24)).toBe('node-1 and 3 more');
  // One is told in any case.
  expect(someOf(names, 1)).toBe('node-1 and 2 more');
  fc.assert(
    fc.property(words, fc.integer({ min: 24, max: 60 }), (all, width) => {
      const text = someOf(all, width);
      const more = Number(/ and (\d+) more$/.exec(text)?.[1] ?? 0);
      expect(text.replace(/ and \d+ more$/, '').split(', ')).toEqual(all.slice(0, all.length - more));
      expect(text.length).toBeLessThanOrEqual(width);
    }),
  );
});

describe('lines that fit a terminal', () => {
  test('stay when they are short enough, and go on a little to the right', () => {
    expect(fitted('short\na line that is too long for this\nshort', 20)).toBe(
      'short\na line that is too\n  long for this\nshort',
    );
    expect(fitted('    a line that is too long', 20)).toBe('    a line that is\n      too long');
  });

  test('go on under the last column of a table', () => {
    expect(fitted('node-1  Failed  the command ended with exit code 3', 34)).toBe(
      ['node-1  Failed  the command ended', '                with exit code 3'].join('\n'),
    );
    // A column too far to the right leaves no room beside it.
    expect(fitted('node-1  Failed with a long phase  why', 34)).toBe(
      ['node-1  Failed with a long phase', '        why'].join('\n'),
    );
  });

  test('stay whole when they are copied whole', () => {
    const command = '  kubectl get nodeops --all-namespaces --watch';
    expect(fitted(command, 20)).toBe(command);
    expect(fitted(command.trim(), 20)).not.toBe(command.trim());
  });

  test('hold no more than they may, whatever is in them', () => {
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 30, max: 80 }),
        (all, lead, width) => {
          const line = `${' '.repeat(lead)}${all.slice(0, 3).join('  ')}  ${all.map(RED).join(' ')}`;
          for (const it of fitted(line, width).split('\n'))
            expect(bare(it).length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test('paragraphs are made as wide as there is room; what is indented, and what parts them, stays', () => {
  const text = 'one two\nthree four\n\nfive\n  six\n  seven\neight';
  expect(reflowed(text, 40)).toBe('one two three four\n\nfive\n  six\n  seven\neight');
  expect(reflowed(text, 9)).toBe('one two\nthree\nfour\n\nfive\n  six\n  seven\neight');
});
