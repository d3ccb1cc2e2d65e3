import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPatterns } from '../../scripts/check-patterns.ts';
import { compilePattern } from '../../src/api/patterns.ts';
import { maskCredentials } from '../../src/core/text/mask.ts';
import { plain } from '../../src/core/text/output.ts';
import { redact } from '../../src/git/credentials.ts';
import { isRepository } from '../../src/http/hooks/repository.ts';

const LENGTH = 20_000;
const pump = (text: string, length = LENGTH) => `${text.repeat(Math.ceil(length / text.length))}\u0000`;

/** What begins like a match, over and over: the static check tries repetitions of one character alone. */
function beginnings(source: string): string[] {
  const literal = source.replaceAll(/\\([^\w])/g, '$1');
  const pairs = Array.from({ length: literal.length }, (_, i) => literal.slice(i, i + 2));
  const found = new Set<string>(['a', '0', ' ', '-', '/', ...literal.split(''), ...pairs.slice(0, 60)]);
  try {
    for (const sample of fc.sample(fc.stringMatching(new RegExp(source)), { numRuns: 4, seed: 1 })) {
      for (let end = 3; end <= Math.min(sample.length, 40); end += 3) found.add(sample.slice(0, end));
    }
  } catch {
    // What cannot be made up (looking around) is tried with its characters alone.
  }
  return [...found];
}

/** Milliseconds of work. */
function cpu(act: () => void): number {
  const { user, system } = process.threadCpuUsage();
  act();
  const after = process.threadCpuUsage();
  return (after.user - user + after.system - system) / 1000;
}

/** Whether it takes four times as long for twice as much, and not for a moment alone. */
function isQuadratic(pattern: RegExp, beginning: string, length = LENGTH): boolean {
  const ms = (of: number) => {
    const attack = pump(beginning, of);
    return Math.min(...[1, 2, 3].map(() => cpu(() => attack.replace(pattern, ''))));
  };
  return ms(length) > 8 * Math.max(2, ms(length / 4));
}

/** Whether a short text takes so long that the long one may take a hundred times that. */
function isSuspicious(pattern: RegExp, beginning: string): boolean {
  const attack = pump(beginning, LENGTH / 8);
  const from = performance.now();
  attack.replace(pattern, '');
  return performance.now() - from > 0.25;
}

test(
  'no regular expression of the program takes much longer than the text is long',
  { timeout: 120_000 },
  () => {
    const { patterns, made } = findPatterns();
    expect(made).toEqual([]);
    expect(patterns.length).toBeGreaterThan(100);
    const slow: string[] = [];
    const once = new Map(patterns.map((it) => [`/${it.source}/${it.flags}`, it]));
    for (const { place, source, flags } of once.values()) {
      const pattern = new RegExp(source, flags.includes('g') ? flags : `${flags}g`);
      for (const beginning of beginnings(source)) {
        if (!isSuspicious(pattern, beginning) || !isQuadratic(pattern, beginning)) continue;
        slow.push(`${place}: /${source}/ on ${JSON.stringify(beginning)} over and over`);
        break;
      }
    }
    expect(slow).toEqual([]);
  },
);

test.each([
  ['a reference without an end', /\$(?:\$|\(([^)]*)\))/g, '$('],
  ['digits around a point', /^(\d*)\.?(\d*)$/g, '0'],
])('such as %s is found out', (_, pattern, beginning) => {
  expect(beginnings(pattern.source)).toContain(beginning);
  expect(isSuspicious(pattern, beginning)).toBe(true);
  expect(isQuadratic(pattern, beginning, LENGTH / 2)).toBe(true);
});

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
