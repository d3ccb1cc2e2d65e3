import * as fc from 'fast-check';
import { createTask, getTasks, validate } from 'node-cron';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cronProblem, nextTime } from '../../src/api/cron.ts';
import { systemClock } from '../../src/time/clock.ts';
import { cronTimetable } from '../../src/time/timetable.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:01Z') }));
afterEach(() => void vi.useRealTimers());

const seconds = () => new Date().getUTCSeconds();

test('it calls at its times until it is stopped, and leaves nothing behind', async () => {
  const times: number[] = [];
  const stop = cronTimetable()('*/15 * *\t* * * ', 0, () => Promise.resolve(void times.push(seconds())));
  await vi.advanceTimersByTimeAsync(50_000);
  stop();
  await vi.advanceTimersByTimeAsync(50_000);
  expect(times).toEqual([15, 30, 45]);
  expect(vi.getTimerCount()).toBe(0);
  expect(getTasks().size).toBe(0);
});

test('times that pass while the task runs are left out; stopping in mid-task starts none', async () => {
  const times: number[] = [];
  const stop = cronTimetable()('*/10 * * * * *', 0, async () => {
    times.push(seconds());
    await new Promise((resolve) => setTimeout(resolve, 25_000));
  });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(times).toEqual([10, 40]);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(times).toEqual([10, 40]);
});

test('the random delay stays under the jitter, and is not waited for when it is stopped', async () => {
  const times: string[] = [];
  const task = () => Promise.resolve(void times.push(new Date().toISOString().slice(0, 18)));
  const stop = cronTimetable()('0 0 0 4 1 *', 2000, task);
  await vi.advanceTimersByTimeAsync(2 * 86_400_000);
  expect(times).toEqual([]);
  await vi.advanceTimersByTimeAsync(86_400_000 + 2000);
  expect(times).toEqual(['2026-01-04T00:00:0']);
  stop();
  const other = cronTimetable()('*/10 * * * * *', 9_000, task);
  vi.spyOn(Math, 'random').mockReturnValueOnce(0.99);
  await vi.advanceTimersByTimeAsync(10_000);
  other();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(times.length).toBe(1);
});

test.each([
  ['back', -3_600_000],
  ['forward by decades, as on a machine without a clock of its own', 40 * 365 * 86_400_000],
])('when the clock is set %s, the next times count, and none in between is gone through', async (_, byMs) => {
  // What the machine shows changes; time as it passes does not.
  let offset = 0;
  const clock = { ...systemClock, wall: () => Date.now(), steady: () => Date.now() - offset };
  const times: number[] = [];
  const stop = cronTimetable(clock)('*/15 * * * * *', 0, () => Promise.resolve(void times.push(seconds())));
  await vi.advanceTimersByTimeAsync(20_000);
  offset += byMs;
  vi.setSystemTime(Date.now() + byMs);
  await vi.advanceTimersByTimeAsync(45_000);
  stop();
  expect(times).toEqual([15, 30, 45, 0]);
});

test('a moment of the day is found within a minute of the clock being set', async () => {
  let offset = 0;
  const clock = { ...systemClock, wall: () => Date.now(), steady: () => Date.now() - offset };
  let calls = 0;
  const stop = cronTimetable(clock)('0 0 12 * * *', 0, () => Promise.resolve(void (calls += 1)));
  await vi.advanceTimersByTimeAsync(60_000);
  offset += 11.9 * 3_600_000;
  vi.setSystemTime(Date.now() + 11.9 * 3_600_000);
  await vi.advanceTimersByTimeAsync(6 * 60_000);
  stop();
  expect(calls).toBe(1);
});

const RANGES = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: ['jan', 'Feb', 'DEC'] },
  { min: 0, max: 7, names: ['sun', 'Mon', 'SAT'] },
];
const fields = RANGES.map(({ min, max, names }) => {
  const number = fc.integer({ min, max });
  const one = fc.oneof(
    number.map(String),
    number.map((it) => `0${it}`),
    fc.constantFrom('0x5', '1e0', '?', 'L', '1#2', `${max + 1}`, ...names),
  );
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.tuple(fc.oneof(fc.constant('*'), range), fc.integer({ min: 1, max }));
  const item = fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    one,
    range,
    step.map(([a, b]) => `${a}/${b}`),
  );
  return fc.array(item, { minLength: 1, maxLength: 3 }).map((it) => it.join(','));
});

test('what a configuration may say is taken by node-cron too, and means the same', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.tuple(...fields), fc.nat(5), (parts, free) => {
      // Few days fit both, which is refused: mostly one of them is free.
      const text = parts.map((it, i) => (i === (free < 3 ? 3 : 5) ? '*' : it)).join(' ');
      if (cronProblem(text, 6) !== undefined) return;
      accepted += 1;
      expect(validate(text)).toBe(true);
      const task = createTask(text, () => {}, { timezone: 'UTC' });
      const [next] = task.getNextRuns(1);
      void task.destroy();
      expect(next?.getTime()).toBe(nextTime(text, 'UTC', Date.now()));
    }),
    { numRuns: 600 },
  );
  expect(accepted).toBeGreaterThan(50);
});

test.each([
  ['@hourly', /expected 6 fields/],
  ['*/15 * * * *', /expected 6 fields/],
  ['0 0 12 L * *', /"L" is not a day of month/],
  ['0 0 12 1 * mon', /write \* for one of them/],
  ['0 0 0x5 * * *', /"0x5" is not a hour/],
])('what only one of them takes is refused in the configuration: %s', (text, problem) => {
  expect(cronProblem(text, 6)).toMatch(problem);
});
