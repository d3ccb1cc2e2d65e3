import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, test, vi } from 'vitest';
import { atOnce } from '../../src/api/pieces.ts';
import { signersAt } from '../../src/core/runs/allowed-signers.ts';

const readAt = (text: string, now?: Date) => atOnce(signersAt(text, now));

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVuZ2luZWVy';
const NOW = new Date('2030-06-15T12:00:00Z');
const isKept = (line: string) => readAt(`${line}\n`, NOW).text.includes(KEY);

describe('keys that are valid now', () => {
  test.each([
    ['without options', `ada@example.org ${KEY}`],
    ['with a comment', `ada@example.org ${KEY} AAAA is a comment`],
    ['for a namespace', `ada@example.org namespaces="git" ${KEY}`],
    ['until later', `ada@example.org valid-before="20300616" ${KEY}`],
    ['until later to the minute', `ada@example.org valid-before="203006151201Z" ${KEY}`],
    ['since earlier', `ada@example.org valid-after="20300615115959Z" ${KEY}`],
    [
      'between',
      `ada@example.org namespaces="git,file",valid-after="20300101Z",valid-before="20310101Z" ${KEY}`,
    ],
    ['of an authority', `*@example.org cert-authority,valid-before="20310101Z" ${KEY}`],
    ['with options in capitals', `ada@example.org Valid-Before="20310101Z" ${KEY}`],
    ['of quoted principals', `"ada lovelace@example.org" namespaces="git" ${KEY}`],
    ['parted by tabs', `ada@example.org\tnamespaces="git"\t${KEY}\r`],
    ['of principals that look like an option', `valid-before="2000",ada@example.org ${KEY}`],
  ])('%s', (_, line) => {
    expect(isKept(line)).toBe(true);
  });
});

describe('keys that are not', () => {
  test.each<[string, string, RegExp]>([
    ['over', 'valid-before="20300614"', /^is not valid any more \(valid-before 20300614\)$/],
    ['over for a second', 'valid-before="20300615115959Z"', /not valid any more/],
    [
      'over behind other options',
      'cert-authority,namespaces="git",valid-before="2030060100Z"',
      /cannot be read/,
    ],
    ['not begun', 'valid-after="20300616"', /^is not valid yet \(valid-after 20300616\)$/],
    ['a time that is none', 'valid-before="someday"', /cannot be read, someday/],
    ['a time without quotes', 'valid-before=20310101', /line of the allowed signers that cannot be read/],
    ['an option nobody knows', 'valid-until="20310101"', /line of the allowed signers that cannot be read/],
    ['an escaped quote', 'namespaces="g\\"it",valid-before="20200101"', /not valid any more/],
  ])('%s', (_, options, reason) => {
    const line = `ada@example.org ${options} ${KEY}`;
    expect(isKept(line)).toBe(false);
    expect([...readAt(line, NOW).keys.values()]).toEqual([expect.stringMatching(reason)]);
    expect(readAt(line).text, 'without a moment all are left to ssh-keygen').toBe(line);
  });
});

test('quoted principals end with their quote, as ssh-keygen reads them', () => {
  const line = `"ada@example.org"valid-before="20200101" ${KEY}`;
  expect(isKept(line)).toBe(false);
  expect([...readAt(line, NOW).keys.values()]).toEqual([expect.stringMatching('not valid any more')]);
});

test('other lines and other keys stay as they are', () => {
  const text = `# people\n\nold valid-before="20200101" ${KEY}\nnew ${KEY}\n`;
  const { text: left, keys } = readAt(text, NOW);
  expect(left).toBe(`# people\n\nnew ${KEY}\n`);
  // One of its lines is valid.
  expect([...keys.values()]).toEqual([undefined]);
});

test('a long file costs no more than it is long', () => {
  const begun = performance.now();
  readAt(`a ${'namespaces="git",'.repeat(20_000)} ${KEY}\n${'"'.repeat(200_000)}\n`, NOW);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

describe('keys that sign no commit at any time', () => {
  const useOf = (...options: string[]) => [
    ...readAt(options.map((it) => `ada@example.org ${it} ${KEY}`).join('\n')).otherUses.values(),
  ];

  test.each<[string, RegExp]>([
    ['cert-authority', /^is allowed as an authority \(cert-authority\)/],
    ['namespaces="file"', /^is allowed for other namespaces only \(file\), and Git signs in "git"$/],
    ['namespaces="file,mail"', /\(file,mail\)/],
    ['namespaces="*,!git"', /other namespaces/],
    ['namespaces="gi"', /other namespaces/],
    ['namespaces="gitt"', /other namespaces/],
    ['namespaces=""', /other namespaces/],
  ])('%s', (options, why) => {
    expect(useOf(options)).toEqual([expect.stringMatching(why)]);
  });

  test.each([
    'namespaces="git"',
    'namespaces="file,git"',
    'namespaces="g*"',
    'namespaces="*t"',
    'namespaces="g?t"',
    'namespaces="*,!file"',
    'valid-before="20310101Z"',
  ])('%s is no such use', (options) => {
    expect(useOf(options)).toEqual([]);
  });

  test('but a key with another line for commits signs them', () => {
    expect(useOf('namespaces="file"', 'namespaces="git"')).toEqual([]);
    expect(useOf('namespaces="git"', 'namespaces="file"')).toEqual([]);
  });
});

describe('a file of 33,000 lines', () => {
  const LINES = 33_000;
  /** How many keys were given a fingerprint, and in how many steps. */
  function workOn(text: string) {
    const hashed = vi.spyOn(crypto, 'createHash');
    syncBuiltinESMExports();
    const steps = signersAt(text, NOW);
    let count = 1;
    while (steps.next().done !== true) count += 1;
    const fingerprints = hashed.mock.calls.length;
    hashed.mockRestore();
    syncBuiltinESMExports();
    return { fingerprints, steps: count };
  }

  test.each(['ada@example.org', 'ada@example.org ssh-ed25519', '"ada ssh-ed25519" AAAAC3', 'AAAA AAAA AAAA'])(
    'that are broken, such as %s: nothing is made of them, in steps',
    (line) => {
      const { fingerprints, steps } = workOn(`${line}\n`.repeat(LINES));
      expect(fingerprints).toBe(0);
      expect(steps).toBeGreaterThan(LINES / 256);
    },
  );

  test('with a key each: one fingerprint a line, in steps', () => {
    const { fingerprints, steps } = workOn(`ada@example.org ${KEY}\n`.repeat(LINES));
    expect(fingerprints).toBe(LINES);
    expect(steps).toBeGreaterThan(LINES / 256);
  });
});

test('it stands until the next moment that one of its lines names', () => {
  const at = (time: string) => Date.parse(time);
  const line = (options: string) => `ada@example.org ${options} ${KEY}\n`;
  const text = [
    line('valid-after="20300101Z",valid-before="20310101Z"'),
    line('valid-before="20300701Z"'),
    line('valid-before="20200101Z"'),
  ].join('');
  expect(readAt(text, NOW)).toMatchObject({ since: at('2030-01-01'), until: at('2030-07-01') });
  expect(readAt(line('namespaces="git"'), NOW)).toMatchObject({ since: -Infinity, until: Infinity });
  // At the very moment a time names nothing is promised of the moments around it.
  expect(readAt(text, new Date('2030-07-01T00:00:00Z'))).toMatchObject({ until: at('2030-07-01') });
});

test('a key that has two lines is valid as long as one of them is', () => {
  const lines = ['valid-before="20200101"', 'valid-before="20310101"'].map(
    (it) => `ada@example.org ${it} ${KEY}`,
  );
  for (const text of [lines.join('\n'), lines.toReversed().join('\n')]) {
    const { keys, text: kept } = readAt(text, NOW);
    expect([...keys.values()]).toEqual([undefined]);
    expect(kept.split('\n')).toHaveLength(1);
  }
});
