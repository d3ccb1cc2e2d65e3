import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronProblem, nextTime } from '../../src/api/cron.ts';
import { check, duration } from '../../src/api/schema.ts';
import { WindowSchema } from '../../src/api/nodeoprun.ts';
import { closed } from '../../src/core/window.ts';
import { lastDue } from '../../src/core/runs/schedules.ts';

describe('a schedule is refused, with the reason', () => {
  test.each([
    ['*/90 * * * *', '"*/90" has a step that is not 1 to 60 (minute)'],
    ['0 */25 * * *', '"*/25" has a step that is not 1 to 24 (hour)'],
    ['0 0 */32 * *', '"*/32" has a step that is not 1 to 31 (day of month)'],
    ['0 0 * */13 *', '"*/13" has a step that is not 1 to 12 (month)'],
    ['0 0 * * */8', '"*/8" has a step that is not 1 to 7 (day of week)'],
    ['0-30/61 * * * *', '"0-30/61" has a step that is not 1 to 60 (minute)'],
    ['*/0 * * * *', '"*/0" has a step that is not 1 to 60 (minute)'],
    ['5/10 * * * *', '"5/10" has a step without a range: write "5-59/10"'],
    ['60 * * * *', '"60" is not a minute (0 to 59)'],
    ['0 0 30 2 *', 'never comes, such as 30 February'],
    [`${'0,'.repeat(300)}0 * * * *`, 'is longer than 500 characters'],
    ['L * * * *', '"L" is not a minute (0 to 59)'],
  ])('%s', (text, problem) => {
    expect(cronProblem(text, 5)).toBe(problem);
  });
});

const piece = fc.constantFrom(
  ...'0 1 5 7 9 12 23 24 31 59 60 61 90 99999999999999999999 * / - , L W # ? + @ @daily jan Sun MON LW 5L 1#2'.split(
    ' ',
  ),
  '\u00a0',
  '',
);
const field = fc.array(piece, { minLength: 1, maxLength: 5 }).map((it) => it.join(''));
const likely = fc.array(field, { minLength: 4, maxLength: 7 }).map((it) => it.join(' '));
const anyText = fc.oneof(
  { weight: 8, arbitrary: likely },
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('@yearly', '2030-01-01T00:00:00', '0 0 1 1 * 2099', ' * * * * * ', '*\t*\n* * *'),
);

test('no text makes it throw, and what passes has a time or never throws when it is asked for one', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(5 as const, 6 as const), (text, count) => {
      const problem = cronProblem(text, count);
      for (const zone of ['UTC', 'Europe/Berlin', 'No/Where', undefined]) {
        const next = nextTime(text, zone, 1_800_000_000_000);
        if (problem === undefined && zone !== 'No/Where') expect(next).toBeGreaterThan(1_800_000_000_000);
      }
    }),
    { numRuns: 3000 },
  );
});

test('steps and ranges of every size are refused, or do come', () => {
  const number = fc.integer({ min: -1, max: 70 });
  const item = fc.oneof(
    number.map((it) => `*/${it}`),
    fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
    fc.tuple(number, number, number).map(([a, b, c]) => `${a}-${b}/${c}`),
    fc.tuple(number, number).map(([a, b]) => `${a}/${b}`),
  );
  fc.assert(
    fc.property(item, fc.nat(4), (it, at) => {
      const text = Array.from({ length: 5 }, (_, i) => (i === at ? it : '*')).join(' ');
      if (cronProblem(text, 5) === undefined) expect(nextTime(text, 'UTC', 0)).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});

test('a window or a schedule of any duration and at any time does not throw', () => {
  const far = '9'.repeat(400);
  expect(check(duration(), `${far}d`)).toMatchObject({ ok: false });
  expect(check(WindowSchema, { schedule: '0 2 * * *', duration: `${far}h` })).toMatchObject({ ok: false });
  for (const long of [`${far}d`, '36525d']) {
    expect(() => closed({ schedule: '0 2 * * *', duration: long, timeZone: 'UTC' }, 0)).not.toThrow();
  }
  const run = { spec: { schedule: '*/90 * * * *', timeZone: 'UTC' } };
  expect(lastDue({ path: '', run: run as never }, 0, 1_800_000_000_000)).toBeUndefined();
});
