import { expect, test } from 'vitest';
import { Fence } from '../../src/kube/fence.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LEASE_MS = 12_000;

function fenced() {
  const clock = new FakeClock();
  let renewedAt = clock.steady();
  const left = () => Math.max(0, renewedAt + LEASE_MS - clock.steady());
  return { clock, left, fence: new Fence(clock, left), renew: () => (renewedAt = clock.steady()) };
}

test('what is sent at any moment of a lease is over before the lease is', async () => {
  const { clock, left, fence } = fenced();
  for (let at = 0; at < LEASE_MS; at += 500) {
    const bound = fence.bound() ?? Infinity;
    expect(bound).toBeGreaterThan(0);
    expect(bound).toBeLessThan(left());
    // oxlint-disable-next-line no-await-in-loop -- one moment after the other
    await clock.advance(500);
  }
});

test('it may wait for a connection for as long as the lease lasts beyond it, or is renewed meanwhile', async () => {
  const { clock, fence, renew } = fenced();
  const bound = fence.bound();
  await clock.advance(4_000);
  expect(fence.holds(bound)).toBe(true);
  await clock.advance(1);
  expect(fence.holds(bound)).toBe(false);
  renew();
  expect(fence.holds(bound)).toBe(true);
});

test('a server that needs longer is asked without a bound for five minutes', async () => {
  const { clock, fence, renew } = fenced();
  fence.gaveUp(fence.bound());
  expect(fence.bound()).toBeUndefined();
  expect(fence.holds(undefined)).toBe(true);
  await clock.advance(300_000);
  renew();
  expect(fence.bound()).toBe(8_000);
});

test('one that had next to no time is not taken for slow, nor one that was not bounded', async () => {
  const { clock, fence } = fenced();
  fence.bound();
  await clock.advance(LEASE_MS - 100);
  fence.gaveUp(fence.bound());
  fence.gaveUp(undefined);
  expect(fence.bound()).toBeDefined();
});

test('without an election nothing is bounded', () => {
  const fence = new Fence(new FakeClock(), undefined);
  expect(fence.bound()).toBeUndefined();
  expect(fence.holds(1)).toBe(true);
});
