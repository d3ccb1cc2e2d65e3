import { expect, test } from 'vitest';
import { Fence } from '../../src/kube/fence.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LEASE_MS = 12_000;
const JOBS = '/jobs';

function fenced() {
  const clock = new FakeClock();
  let renewedAt = clock.steady();
  const left = () => Math.max(0, renewedAt + LEASE_MS - clock.steady());
  return { clock, left, fence: new Fence(clock, left), renew: () => (renewedAt = clock.steady()) };
}

test('what is sent at any moment of a lease is over before the lease is', async () => {
  const { clock, left, fence } = fenced();
  for (let at = 0; at < LEASE_MS; at += 500) {
    const bound = fence.bound(JOBS)?.ms ?? Infinity;
    expect(bound).toBeGreaterThan(0);
    expect(bound).toBeLessThan(left());
    // oxlint-disable-next-line no-await-in-loop -- one moment after the other
    await clock.advance(500);
  }
});

test('it may wait for a connection for as long as the lease lasts beyond it, or is renewed meanwhile', async () => {
  const { clock, fence, renew } = fenced();
  const bound = fence.bound(JOBS);
  await clock.advance(4_000);
  expect(fence.holds(bound)).toBe(true);
  await clock.advance(1);
  expect(fence.holds(bound)).toBe(false);
  renew();
  expect(fence.holds(bound)).toBe(true);
});

test('a server that needs longer gets a minute for each request, for five minutes', async () => {
  const { clock, fence, renew } = fenced();
  fence.gaveUp(fence.bound(JOBS), JOBS);
  const patient = { ms: 60_000, isFenced: false };
  expect(fence.bound(JOBS)).toEqual(patient);
  expect(fence.holds(patient)).toBe(true);
  await clock.advance(299_999);
  fence.gaveUp(fence.bound(JOBS), JOBS);
  expect(fence.bound(JOBS)).toEqual(patient);
  await clock.advance(1);
  renew();
  expect(fence.bound(JOBS)).toEqual({ ms: 8_000, isFenced: true });
});

test('what it makes in time it needs no minute for, whatever it does with other things', () => {
  const { fence } = fenced();
  fence.gaveUp(fence.bound(JOBS), JOBS);
  expect(fence.bound('/pods')).toMatchObject({ isFenced: true });
  fence.made('/pods', 10);
  fence.made(JOBS, 4_000);
  expect(fence.bound(JOBS)).toMatchObject({ isFenced: false });
  fence.made(JOBS, 3_999);
  expect(fence.bound(JOBS)).toMatchObject({ isFenced: true });
});

test('nothing comes of a request once its time is over', () => {
  const { clock, fence } = fenced();
  const sentAt = clock.steady();
  expect(fence.over(fence.bound(JOBS), sentAt)).toBe(sentAt + 8_000);
  expect(fence.over(undefined, sentAt)).toBe(sentAt + 60_000);
});

test('one that had next to no time is not taken for slow, nor one that was not bounded', async () => {
  const { clock, fence } = fenced();
  fence.bound(JOBS);
  await clock.advance(LEASE_MS - 100);
  fence.gaveUp(fence.bound(JOBS), JOBS);
  fence.gaveUp(undefined, JOBS);
  expect(fence.bound(JOBS)).toMatchObject({ isFenced: true });
});

test('without an election nothing is bounded', () => {
  const fence = new Fence(new FakeClock(), undefined);
  expect(fence.bound(JOBS)).toBeUndefined();
  expect(fence.holds({ ms: 1, isFenced: true })).toBe(true);
});
