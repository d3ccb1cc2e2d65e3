import { describe, expect, test } from 'vitest';
import { signersAt } from '../../src/core/runs/allowed-signers.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVuZ2luZWVy';
const NOW = new Date('2030-06-15T12:00:00Z');
const isKept = (line: string) => signersAt(`${line}\n`, NOW).text.includes(KEY);

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
    expect([...signersAt(line, NOW).keys.values()]).toEqual([expect.stringMatching(reason)]);
    expect(signersAt(line).text, 'without a moment all are left to ssh-keygen').toBe(line);
  });
});

test('quoted principals end with their quote, as ssh-keygen reads them', () => {
  const line = `"ada@example.org"valid-before="20200101" ${KEY}`;
  expect(isKept(line)).toBe(false);
  expect([...signersAt(line, NOW).keys.values()]).toEqual([expect.stringMatching('not valid any more')]);
});

test('other lines and other keys stay as they are', () => {
  const text = `# people\n\nold valid-before="20200101" ${KEY}\nnew ${KEY}\n`;
  const { text: left, keys } = signersAt(text, NOW);
  expect(left).toBe(`# people\n\nnew ${KEY}\n`);
  // One of its lines is valid.
  expect([...keys.values()]).toEqual([undefined]);
});

test('a long file costs no more than it is long', () => {
  const begun = performance.now();
  signersAt(`a ${'namespaces="git",'.repeat(20_000)} ${KEY}\n${'"'.repeat(200_000)}\n`, NOW);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

describe('keys that sign no commit at any time', () => {
  const useOf = (...options: string[]) => [
    ...signersAt(options.map((it) => `ada@example.org ${it} ${KEY}`).join('\n')).otherUses.values(),
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

test('a key that has two lines is valid as long as one of them is', () => {
  const lines = ['valid-before="20200101"', 'valid-before="20310101"'].map(
    (it) => `ada@example.org ${it} ${KEY}`,
  );
  for (const text of [lines.join('\n'), lines.toReversed().join('\n')]) {
    const { keys, text: kept } = signersAt(text, NOW);
    expect([...keys.values()]).toEqual([undefined]);
    expect(kept.split('\n')).toHaveLength(1);
  }
});
