import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { onSchedule } from '../../src/agent/schedule.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:01Z') }));
afterEach(() => void vi.useRealTimers());

const seconds = () => new Date().getUTCSeconds();

test('a task runs at the times of its schedule until it is stopped', async () => {
  const times: number[] = [];
  const stop = onSchedule('*/15 * * * * *', 0, () => Promise.resolve(void times.push(seconds())));
  await vi.advanceTimersByTimeAsync(50_000);
  stop();
  await vi.advanceTimersByTimeAsync(50_000);
  expect(times).toEqual([15, 30, 45]);
  expect(vi.getTimerCount()).toBe(0);
});

test('times that pass while the task runs are left out; stopping in mid-task starts none', async () => {
  const times: number[] = [];
  const stop = onSchedule('*/10 * * * * *', 0, async () => {
    times.push(seconds());
    await new Promise((resolve) => setTimeout(resolve, 25_000));
  });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(times).toEqual([10, 40]);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(times).toEqual([10, 40]);
});

test('the random delay stays under the jitter; a time further off than a timer can hold is waited for', async () => {
  const times: string[] = [];
  const stop = onSchedule('0 0 0 1 6 *', 2000, () =>
    Promise.resolve(void times.push(new Date().toISOString().slice(0, 18))),
  );
  await vi.advanceTimersByTimeAsync(150 * 86_400_000);
  expect(times).toEqual([]);
  await vi.advanceTimersByTimeAsync(2 * 86_400_000);
  expect(times).toEqual(['2026-06-01T00:00:0']);
  stop();
});
