import { expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Queue } from '../../src/agent/notify/queue.ts';
import type { NotifyEvent } from '../../src/core/notify/events.ts';
import type { Delivery } from '../../src/web/webhook.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { DAY, HOUR, MINUTE, standing, T0, target } from '../core/notify/support.ts';

const OK: Delivery = { ok: true, status: 200 };
const DOWN: Delivery = { ok: false, isRefused: false, reason: 'status 500' };
const REFUSED: Delivery = { ok: false, isRefused: true, reason: 'status 400: invalid_payload' };

function setUp(answer: (event: string) => Delivery | Promise<Delivery>) {
  const clock = new FakeClock();
  const sent: { what: string; at: number }[] = [];
  const settled: string[] = [];
  const counted: Record<string, number> = { sent: 0, failed: 0, dropped: 0 };
  const failing: unknown[] = [];
  const queue = new Queue({
    target: target(),
    clock,
    logger: createLogger('silent'),
    telemetry: {
      notified: (_: string, result: string) => (counted[result] = (counted[result] ?? 0) + 1),
    } as never,
    post: async (_, body) => {
      sent.push({ what: body, at: clock.steady() - T0 });
      return answer(body);
    },
    bodyOf: ({ standing: { key } }) => key,
    onSettled: ({ standing: { key } }) => settled.push(key),
    onFailing: (it) => failing.push(it),
  });
  return { clock, queue, sent, settled, counted, failing };
}

const event = (key: string): NotifyEvent => ({ name: 'started', standing: standing({ key }), at: T0 });

test('one after the other, in their order, a second apart', async () => {
  const { clock, queue, sent, settled, counted } = setUp(() => OK);
  queue.add([event('a'), event('b'), event('c')]);
  await clock.advance(MINUTE);
  expect(sent).toEqual([
    { what: 'a', at: 0 },
    { what: 'b', at: 1000 },
    { what: 'c', at: 2000 },
  ]);
  expect(settled).toEqual(['a', 'b', 'c']);
  expect(counted).toEqual({ sent: 3, failed: 0, dropped: 0 });
  expect(queue.quiet).toBe(true);
  expect(clock.timers).toBe(0);
});

test('a receiver that is away is asked again, less and less often; then everything arrives in order', async () => {
  let isUp = false;
  const { clock, queue, sent, settled, failing } = setUp(() => (isUp ? OK : DOWN));
  queue.add([event('a'), event('b')]);
  await clock.advance(HOUR);
  expect(sent.length).toBeGreaterThan(12);
  expect(sent.length).toBeLessThan(40);
  expect(settled).toEqual([]);
  expect(failing.length).toBeGreaterThan(5);
  expect(failing[0]).toEqual({ since: T0, reason: 'status 500' });
  isUp = true;
  await clock.advance(10 * MINUTE);
  expect(settled).toEqual(['a', 'b']);
  expect(failing.at(-1)).toBeUndefined();
});

test('what the receiver asks for is waited for', async () => {
  let asked = 0;
  const { clock, queue, sent } = setUp(() => (asked++ === 0 ? { ...DOWN, retryAfterMs: 90_000 } : OK));
  queue.add([event('a')]);
  await clock.advance(10 * MINUTE);
  expect(sent.map(({ at }) => at)).toEqual([0, 90_000]);
});

test('what is refused for what it says is left out, and holds nothing up', async () => {
  const { clock, queue, settled, counted } = setUp((it) => (it === 'bad' ? REFUSED : OK));
  queue.add([event('bad'), event('good')]);
  await clock.advance(MINUTE);
  expect(settled).toEqual(['bad', 'good']);
  expect(counted).toEqual({ sent: 1, failed: 1, dropped: 1 });
});

test('what could not be sent for a day is given up; what is newer is not', async () => {
  const { clock, queue, settled, counted } = setUp(() => DOWN);
  queue.add([event('old')]);
  await clock.advance(20 * HOUR);
  queue.add([event('new')]);
  await clock.advance(5 * HOUR);
  expect(settled).toEqual(['old']);
  expect(counted['dropped']).toBe(1);
  await clock.advance(DAY);
  expect(settled).toEqual(['old', 'new']);
});

test('memory is bounded: of very many the oldest are dropped, and are not settled', async () => {
  const { clock, queue, settled, counted } = setUp(() => DOWN);
  queue.add(Array.from({ length: 1_500 }, (_, i) => event(`e${i}`)));
  await clock.advance(MINUTE);
  expect(counted['dropped']).toBe(500);
  expect(settled).toEqual([]);
});

test('one that throws is one that failed', async () => {
  let asked = 0;
  const { clock, queue, settled } = setUp(() => (asked++ === 0 ? Promise.reject(new Error('fault')) : OK));
  queue.add([event('a')]);
  await clock.advance(MINUTE);
  expect(settled).toEqual(['a']);
});

test('a stop waits for nothing', async () => {
  const { clock, queue, sent } = setUp(() => DOWN);
  queue.add([event('a')]);
  await clock.advance(1_000);
  await queue.stop();
  queue.add([event('b')]);
  await clock.advance(HOUR);
  expect(sent).toHaveLength(1);
  expect(clock.timers).toBe(0);
});
