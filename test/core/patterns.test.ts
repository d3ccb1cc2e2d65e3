import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPatterns } from '../../scripts/check-patterns.ts';
import { compilePattern } from '../../src/api/patterns.ts';
import { maskCredentials } from '../../src/core/text/mask.ts';
import { plain } from '../../src/core/text/output.ts';
import { redact } from '../../src/git/credentials.ts';
import { isRepository } from '../../src/http/hooks/repository.ts';

const LENGTH = 20_000;
const pump = (text: string) => text.repeat(Math.ceil(LENGTH / text.length));

/** What begins like a match, over and over: the static check tries repetitions of one character alone. */
function attacks(source: string): string[] {
  const beginnings = new Set<string>(['a', '0', ' ', '-', '/', ...source.replaceAll(/\\./g, '').split('')]);
  try {
    for (const sample of fc.sample(fc.stringMatching(new RegExp(source)), { numRuns: 4, seed: 1 })) {
      for (let end = 2; end <= Math.min(sample.length, 40); end += 3) beginnings.add(sample.slice(0, end));
    }
  } catch {
    // What cannot be made up (looking around) is tried with its characters alone.
  }
  return [...beginnings].map((it) => `${pump(it)}\u0000`);
}

test(
  'no regular expression of the program takes much longer than the text is long',
  { timeout: 120_000 },
  () => {
    const { patterns, made } = findPatterns();
    expect(made).toEqual([]);
    expect(patterns.length).toBeGreaterThan(100);
    const slow: string[] = [];
    for (const { place, source, flags } of patterns) {
      const pattern = new RegExp(source, flags.includes('g') ? flags : `${flags}g`);
      for (const attack of attacks(source)) {
        const before = process.cpuUsage();
        attack.replace(pattern, '');
        const { user, system } = process.cpuUsage(before);
        // A quadratic one takes a second and more; a linear one a thousandth of that.
        if (user + system > 300_000)
          slow.push(`${place}: /${source}/ on ${JSON.stringify(attack.slice(0, 20))}…`);
      }
    }
    expect(slow).toEqual([]);
  },
);

describe('half a megabyte of what looks like the beginning of something is read in a moment', () => {
  const whole = (text: string) => text.repeat(Math.ceil(500_000 / text.length));
  const texts = [
    'a',
    'eyJ',
    'eyJ-',
    'eyJhbGciOi-',
    'eyJhbGciOiJI.',
    'aa://',
    'a:',
    'a@',
    '://',
    '://a:',
    'password',
    'password=',
    '--password ',
    'token: ',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    '-----END PRIVATE KEY-----',
    '-----',
    'Basic ',
    'Bearer ',
    'cookie: ',
    '\u001b[',
    '\u001b[0',
    '"',
    "'",
    '/',
    '-',
    '- ',
    ' ',
    '\n',
    'name: token\nvalue: ',
    'login a ',
    'mysql -',
    'A\n',
    '$6$',
    'ghp_',
    'xoxb-',
  ].map(whole);
  const cpu = (act: () => void) => {
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  test.each([
    ['masks', (text: string) => maskCredentials(text)],
    ['control characters', (text: string) => plain(text)],
    ['credentials in what git says', (text: string) => redact(text, ['s3cret'])],
    ['names of repositories', (text: string) => isRepository('https://git.example.org/a/b.git', text)],
    [
      'masks of the configuration',
      (text: string) => compilePattern('(a+)+$|(-+)*x').replaceAll(text.slice(0, 20_000), '***'),
    ],
  ])('%s', (_, act) => {
    for (const text of texts)
      expect([text.slice(0, 12), cpu(() => act(text)) < 3000]).toEqual([text.slice(0, 12), true]);
  });
});
