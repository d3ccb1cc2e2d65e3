import { expect, test } from 'vitest';
import { load } from '../../../src/api/yaml.ts';
import { valueProblem } from '../../../src/core/runs/parameters/value.ts';

type Rules = Parameters<typeof valueProblem>[0];

/** What is said of a value that stands in a file as `written`. */
function problem(rules: Partial<Rules>, written: string): string | undefined {
  const loaded = load(new TextEncoder().encode(`v: ${written}\n`));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { v } = loaded.raw as { v: unknown };
  return valueProblem({ type: 'string', ...rules }, v, loaded.spelled(['v']));
}

const MOST = Number.MAX_SAFE_INTEGER;

test.each<[type: Rules['type'], written: string, said: string]>([
  ['string', '7', 'expected text, found the number 7; quote it: "7"'],
  ['string', '007', 'expected text, found the number 7, written "007"; quote it: "007"'],
  ['string', '1e3', 'expected text, found the number 1000, written "1e3"; quote it: "1e3"'],
  ['string', '0x1F', 'expected text, found the number 31, written "0x1F"; quote it: "0x1F"'],
  ['string', '1.10', 'expected text, found the number 1.1, written "1.10"; quote it: "1.10"'],
  ['string', 'true', 'expected text, found true; quote it: "true"'],
  ['string', 'True', 'expected text, found true; quote it: "True"'],
  ['string', '.nan', 'expected text, found the number NaN, written ".nan"; quote it: ".nan"'],
  ['string', 'null', 'expected text, found nothing; leave it out, or write "" where an empty text is meant'],
  ['string', '', 'expected text, found nothing; leave it out, or write "" where an empty text is meant'],
  ['string', '[a]', 'expected text, found a list'],
  ['string', '{a: b}', 'expected text, found a mapping'],
  ['string', '"a\\nb"', 'must be one line, found "a\\nb"'],
  ['string', '"a\\0b"', 'must not hold control characters, or others that nobody sees, found "a\\u0000b"'],
  [
    'string',
    '"2.4\\u202e1"',
    'must not hold control characters, or others that nobody sees, found "2.4\\u{202e}1"',
  ],
  [
    'string',
    '"\\ufeff2"',
    'must not hold control characters, or others that nobody sees, found "\\u{feff}2"',
  ],
  [
    'string',
    '"a\\u009bb"',
    'must not hold control characters, or others that nobody sees, found "a\\u{9b}b"',
  ],
  ['string', 'x'.repeat(4097), 'must have at most 4096 bytes, has 4097'],
  ['string', 'ü'.repeat(2049), 'must have at most 4096 bytes, has 4098'],
  ['integer', '"7"', 'expected a whole number, found the text "7"; take the quotes away: 7'],
  ['integer', 'x', 'expected a whole number, found the text "x"'],
  ['integer', 'true', 'expected a whole number, found true'],
  ['integer', '1.5', 'expected a whole number, found the number 1.5'],
  ['integer', '.nan', 'expected a whole number, found the number NaN, written ".nan"'],
  ['integer', '-.inf', 'expected a whole number, found the number -Infinity, written "-.inf"'],
  [
    'integer',
    '1e3',
    'expected a whole number in decimal digits, found the number 1000, written "1e3"; write 1000, or quote it where text is meant',
  ],
  [
    'integer',
    '007',
    'expected a whole number in decimal digits, found the number 7, written "007"; write 7, or quote it where text is meant',
  ],
  [
    'integer',
    '0x1F',
    'expected a whole number in decimal digits, found the number 31, written "0x1F"; write 31, or quote it where text is meant',
  ],
  [
    'integer',
    '1.0',
    'expected a whole number in decimal digits, found the number 1, written "1.0"; write 1, or quote it where text is meant',
  ],
  [
    'integer',
    '9007199254740993',
    `must be a whole number from -${MOST} to ${MOST}, found 9007199254740993; a larger one is text: quote it`,
  ],
  ['integer', '2030-01-31', 'expected a whole number, found the text "2030-01-31"'],
  ['integer', '~', 'expected a whole number, found nothing; leave it out'],
  ['boolean', '"true"', 'expected true or false, found the text "true"; take the quotes away: true'],
  ['boolean', 'yes', 'expected true or false, found the text "yes"; write true'],
  ['boolean', 'off', 'expected true or false, found the text "off"; write false'],
  ['boolean', '1', 'expected true or false, found the number 1'],
  ['boolean', 'null', 'expected true or false, found nothing; leave it out'],
])('type %s: %j', (type, written, said) => {
  expect(problem({ type }, written)).toBe(said);
});

test.each<[type: Rules['type'], written: string]>([
  ['string', '"007"'],
  ['string', '2.4.1'],
  ['string', '2030-01-31'],
  ['string', '"$(reboot)"'],
  ['string', '""'],
  ['string', '!!str 7'],
  ['string', "'x'"],
  ['integer', '7'],
  ['integer', '-7'],
  ['integer', '0'],
  ['integer', String(MOST)],
  ['boolean', 'true'],
  ['boolean', 'False'],
])('type %s takes %s', (type, written) => {
  expect(problem({ type }, written)).toBeUndefined();
});

test.each<[rules: Partial<Rules>, written: string, said: string | undefined]>([
  [{ enum: ['stable', 'beta'] }, 'stable', undefined],
  [
    { enum: ['stable', 'beta'] },
    'stabel',
    'expected one of "stable", "beta", found "stabel"; did you mean "stable"?',
  ],
  [{ type: 'integer', enum: [1, 2] }, '3', 'expected one of 1, 2, found 3'],
  [{ pattern: String.raw`^\d+\.\d+$` }, '"2.4"', undefined],
  [
    { pattern: String.raw`^\d+\.\d+$` },
    '"2.4; reboot"',
    String.raw`must match the pattern "^\\d+\\.\\d+$", found "2.4; reboot"`,
  ],
  [{ pattern: 'b' }, 'abc', undefined],
  [{ type: 'integer', minimum: 2 }, '1', 'must be at least 2, found 1'],
  [{ type: 'integer', maximum: 2 }, '3', 'must be at most 2, found 3'],
  [{ type: 'integer', minimum: 2, maximum: 2 }, '2', undefined],
])('%j: %s', (rules, written, said) => {
  expect(problem(rules, written)).toBe(said);
});

test('a pattern that would run away takes no time', () => {
  const start = performance.now();
  expect(problem({ pattern: '^(a+)+$' }, `${'a'.repeat(4000)}!`)).toContain('must match');
  expect(performance.now() - start).toBeLessThan(2000);
});

test('a number counts as it was written also where an alias or a merge brings it', () => {
  const loaded = load(
    new TextEncoder().encode('a: &n 1e3\nb: *n\nc: &m {d: 007}\ne: {<<: *m}\nf: !!int 5\n'),
  );
  if (!loaded.ok) throw new Error('not YAML');
  expect(loaded.spelled(['b'])).toBeUndefined();
  const other = load(new TextEncoder().encode('a: &n 1e3\nb: *n\nc: &m {d: 007}\ne: {<<: *m}\n'));
  if (!other.ok) throw new Error('not YAML');
  expect([other.spelled(['b']), other.spelled(['e', 'd']), other.spelled(['x'])]).toEqual([
    '1e3',
    '007',
    undefined,
  ]);
});
