import { afterEach, expect, test, vi } from 'vitest';
import { Timers } from '../../src/agent/rollouts/timers.ts';
import { pause } from '../../src/time/backoff.ts';
import { systemClock } from '../../src/time/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

afterEach(() => vi.useRealTimers());

test('waits longer than a timer can hold are kept, and can be cancelled in their later parts', () => {
  vi.useFakeTimers();
  const called: string[] = [];
  const days = 24 * 3_600_000;
  systemClock.after(40 * days, () => called.push('kept'));
  const cancel = systemClock.after(40 * days, () => called.push('cancelled'));
  vi.advanceTimersByTime(39 * days);
  cancel();
  expect(called).toEqual([]);
  vi.advanceTimersByTime(days);
  expect(called).toEqual(['kept']);
});

test('the steady clock does not care what the wall clock is set to', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const before = systemClock.steady();
  vi.setSystemTime(Date.now() - 3_600_000);
  const passed = systemClock.steady() - before;
  expect(passed).toBeGreaterThanOrEqual(0);
  expect(passed).toBeLessThan(3_000_000);
});

test('a pause ends when what it waits for is stopped, and leaves no timer', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const paused = pause(clock, 60_000, stop.signal);
  stop.abort();
  await paused;
  await pause(clock, 60_000, stop.signal);
  expect(clock.timers).toBe(0);
});

test('timers that are over, replaced, forgotten or stopped are not kept', async () => {
  const clock = new FakeClock();
  const timers = new Timers(clock);
  const called: string[] = [];
  for (let run = 0; run < 1000; run += 1) {
    timers.set(`uid-${run}`, 'action', 10, () => called.push('over'));
    timers.set(`uid-${run}`, 'look', 10, () => called.push('replaced'));
    timers.set(`uid-${run}`, 'look', 1_000, () => called.push('forgotten'));
    // oxlint-disable-next-line no-await-in-loop -- run after run
    await clock.advance(10);
    timers.forget(`uid-${run}`);
    expect([timers.size, clock.timers]).toEqual([0, 0]);
  }
  timers.set('uid', 'look', 10, () => called.push('stopped'));
  timers.stop();
  timers.set('uid', 'look', 10, () => called.push('late'));
  await clock.advance(10_000);
  expect(new Set(called)).toEqual(new Set(['over']));
});
