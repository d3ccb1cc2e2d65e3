import { expect, test } from 'vitest';
import { onSchedule } from '../../src/agent/schedule.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { timetableOn } from '../support/timetable.ts';

const START = '2030-01-01T00:00:';

/** A task that notes when it began, and how long it takes. */
function taskOn(clock: FakeClock, takesMs = 0) {
  const times: string[] = [];
  const task = () => {
    times.push(new Date(clock.steady()).toISOString().replace(START, '').replace('.000Z', ''));
    return takesMs === 0 ? Promise.resolve() : new Promise<void>((done) => void clock.after(takesMs, done));
  };
  return { times, task };
}

const quarters = { expression: '*/15 * * * * *', jitterMs: 0 };

test('a task runs at the times of its schedule until it is stopped', async () => {
  const clock = new FakeClock();
  const { times, task } = taskOn(clock);
  const stop = onSchedule({ ...quarters, clock, timetable: timetableOn(clock) }, task);
  await clock.advance(50_000);
  stop();
  await clock.advance(150_000);
  expect(times).toEqual(['15', '30', '45']);
  expect(clock.timers).toBe(0);
});

test('when the clock is set back, the polls go on', async () => {
  const clock = new FakeClock();
  const { times, task } = taskOn(clock);
  const stop = onSchedule({ ...quarters, clock, timetable: timetableOn(clock) }, task);
  await clock.advance(16_000);
  clock.set(-3_600_000);
  await clock.advance(120_000);
  // The timetable waits for an hour; 30 s after each poll there is another one.
  expect(times).toEqual(['15', '45', '2030-01-01T00:01:15', '2030-01-01T00:01:45', '2030-01-01T00:02:15']);
  stop();
  expect(clock.timers).toBe(0);
});

test('a timetable that never calls keeps nothing from running; what runs is not run a second time meanwhile', async () => {
  const clock = new FakeClock();
  const { times, task } = taskOn(clock, 100_000);
  let call = (): Promise<void> => Promise.resolve();
  const timetable = (_: string, __: number, it: () => Promise<void>) => {
    call = it;
    return () => {};
  };
  const stop = onSchedule({ ...quarters, jitterMs: 2000, clock, timetable }, task);
  await clock.advance(31_999);
  expect(times).toEqual([]);
  await clock.advance(1);
  await call();
  await clock.advance(99_000);
  expect(times).toEqual(['32']);
  stop();
  await clock.advance(200_000);
  await call();
  expect(times).toEqual(['32']);
  expect(clock.timers).toBe(0);
});

test('a schedule with long gaps is not hurried', async () => {
  const clock = new FakeClock();
  const { times, task } = taskOn(clock);
  const expression = '0 0 9-17 * * 1-5';
  const stop = onSchedule({ expression, jitterMs: 0, clock, timetable: timetableOn(clock) }, task);
  await clock.advance(14 * 86_400_000);
  stop();
  expect(times.length).toBe(10 * 9);
});
