import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closed, closedBecause, closedBetween } from '../../src/core/window.ts';
import { runToEnd, World } from '../support/world.ts';

const at = (text: string) => Date.parse(text);

describe('a window is open', () => {
  const night = { schedule: '0 22 * * *', duration: '8h', timeZone: 'Europe/Berlin' };
  const weekend = { schedule: '0 22 * * 5', duration: '55h', timeZone: 'America/New_York' };
  const skipped = { schedule: '30 2 * * *', duration: '1h', timeZone: 'Europe/Berlin' };
  const southern = { schedule: '0 23 * * *', duration: '4h', timeZone: 'Australia/Lord_Howe' };
  test.each([
    ['from its first moment on', night, '2026-06-01T20:00:00Z', true],
    ['not a moment before', night, '2026-06-01T19:59:59.999Z', false],
    ['past midnight, on the day after it began', night, '2026-06-02T03:59:59Z', true],
    ['no longer than its duration', night, '2026-06-02T04:00:00Z', false],
    ['from 22:00 on in winter too', night, '2026-12-01T21:00:00Z', true],
    ['not yet at the summer hour in winter', night, '2026-12-01T20:30:00Z', false],
    ['8 hours in the night the clock goes forward (to 07:00)', night, '2026-03-29T04:59:00Z', true],
    ['and no more than 8 hours', night, '2026-03-29T05:00:00Z', false],
    ['8 hours in the night the clock goes back (to 05:00)', night, '2026-10-25T03:59:00Z', true],
    ['and then closed although it is before 06:00', night, '2026-10-25T04:00:00Z', false],
    ['after the gap when its time is skipped', skipped, '2026-03-29T01:00:00Z', true],
    ['and closes an hour later', skipped, '2026-03-29T02:00:00Z', false],
    ['at the first of two equal times', skipped, '2026-10-25T00:30:00Z', true],
    ['but not again at the second', skipped, '2026-10-25T01:30:00Z', false],
    ['over a weekend', weekend, '2026-06-07T23:00:00Z', true],
    ['until Monday, 05:00', weekend, '2026-06-08T09:00:00Z', false],
    ['in zones that shift by half an hour', southern, '2026-04-04T12:00:00Z', true],
    ['there for just as long', southern, '2026-04-04T16:00:00Z', false],
  ])('%s', (_, window, now, open) => {
    expect(closed(window, at(now)) === undefined).toBe(open);
  });
});

test('closed, it says when it opens, by the clock of its zone', () => {
  const window = { schedule: '30 22 * * 6', duration: '2h', timeZone: 'Europe/Berlin' };
  expect(closed(window, at('2026-06-01T00:00:00Z'))).toEqual({
    reason: 'waiting for the window, opens at 2026-06-06T22:30+02:00 (Europe/Berlin)',
    opensAt: at('2026-06-06T20:30:00Z'),
  });
  const utc = { schedule: '0 0 1 1 *', duration: '1m', timeZone: 'UTC' };
  expect(closed(utc, at('2026-06-01T00:00:00Z'))?.reason).toContain('2027-01-01T00:00Z (UTC)');
});

/** Minute by minute through the past `minutes`, by the clock on the wall: did the time come in them? */
function cameInside(timeZone: string, hour: number, minute: number, now: number, minutes: number): boolean {
  const clock = new Intl.DateTimeFormat('en', {
    timeZone,
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  const wall = (time: number) => {
    const [h = 0, m = 0] = clock.format(time).split(':').map(Number);
    return h * 60 + m;
  };
  const wanted = hour * 60 + minute;
  for (let age = 0; age < minutes; age++) {
    const time = now - age * 60_000;
    const here = wall(time);
    const before = wall(time - 60_000);
    const jump = (here - before + 1440) % 1440;
    const skippedOver = jump > 1 && jump < 180 && (wanted - before + 1440) % 1440 < jump;
    const again = [30, 60].some((shift) => wall(time - shift * 60_000) === here);
    if ((here === wanted && !again) || (skippedOver && here !== wanted)) return true;
  }
  return false;
}

test('at any time near a change of the clock, in any zone, it agrees with the clock on the wall', () => {
  const zones = {
    'Europe/Berlin': ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z'],
    'America/New_York': ['2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'],
    'America/Sao_Paulo': ['2018-11-04T03:00:00Z', '2019-02-17T02:00:00Z'],
    'Australia/Lord_Howe': ['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z'],
    'Asia/Kolkata': ['2026-01-01T00:00:00Z', '2026-07-01T00:00:00Z'],
  };
  const cases = fc.record({
    zone: fc.constantFrom(...(Object.keys(zones) as (keyof typeof zones)[])),
    change: fc.nat(1),
    hour: fc.nat(23),
    minute: fc.constantFrom(0, 15, 30, 59),
    offset: fc.integer({ min: -1500, max: 1500 }),
    minutes: fc.integer({ min: 1, max: 700 }),
  });
  fc.assert(
    fc.property(cases, ({ zone, change, hour, minute, offset, minutes }) => {
      const now = at(zones[zone][change] ?? '') + offset * 60_000;
      const window = { schedule: `${minute} ${hour} * * *`, duration: `${minutes}m`, timeZone: zone };
      expect(closed(window, now) === undefined).toBe(cameInside(zone, hour, minute, now, minutes));
    }),
    { numRuns: 150 },
  );
});

test('when it was closed between two times is what it is asked for each of them', () => {
  const window = fc.record({
    schedule: fc.constantFrom('0 22 * * *', '*/20 * * * *', '30 2 * * 0', '0 0 1 * *', '0 0 30 2 *'),
    duration: fc.constantFrom('10m', '1h', '8h', '30h'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
  });
  const minute = 60_000;
  const from = fc
    .integer({ min: at('2026-03-20T00:00:00Z') / minute, max: at('2026-04-10T00:00:00Z') / minute })
    .map((it) => it * minute);
  const part = fc.integer({ min: 0, max: 999 });
  fc.assert(
    fc.property(window, from, fc.integer({ min: 1, max: 2 * 1440 }), part, (it, begin, minutes, share) => {
      const end = begin + minutes * minute;
      const stretches = closedBetween(it, begin, end);
      const moment = begin + Math.floor(((end - begin) * share) / 1000);
      const isIn = stretches.some((stretch) => stretch.from <= moment && moment < stretch.to);
      expect(isIn).toBe(closed(it, moment) !== undefined);
      expect(stretches.every((stretch) => stretch.from < stretch.to && stretch.to <= end)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a window that opens at every moment of years is looked through in no time', () => {
  const often = { schedule: '* * * * *', duration: '1s', timeZone: 'UTC' };
  expect(closedBetween(often, 0, at('2030-01-01T00:00:00Z')).length).toBeLessThanOrEqual(200);
});

describe('a rollout with a window', () => {
  const nodes = { a: {}, b: {}, c: {}, d: {} };
  const window = JSON.stringify({ schedule: '0 2 * * *', duration: '2s', timeZone: 'UTC' });
  const hour = 3_600_000;

  test('starts no node before it opens, goes on in the next one, and finishes what is in flight', () => {
    const world = new World({ concurrency: 1 }, nodes);
    world.window = window;
    runToEnd(world);
    const starts = world.log.flatMap((line) =>
      line.includes('do create-job') ? [Number.parseInt(line, 10) * 1000] : [],
    );
    expect(starts).toHaveLength(4);
    for (const start of starts) {
      const offset = start % (24 * hour);
      expect(offset >= 2 * hour && offset < 2 * hour + 2000).toBe(true);
    }
    expect(starts.at(-1)).toBeGreaterThan(24 * hour);
    expect(world.status.phase).toBe('Completed');
  });

  test('says that it waits and looks again when it opens', () => {
    const world = new World({}, nodes);
    world.window = window;
    for (let i = 0; i < 3; i++) {
      world.pass();
      world.persist();
    }
    expect(world.log.join('\n')).not.toContain('create-job');
    expect(world.lookAgainAt).toBe(at('2030-01-01T02:00:00Z'));
    const message = world.status.conditions?.find((it) => it.type === 'Ready')?.message;
    expect(message).toBe('waiting for the window, opens at 2030-01-01T02:00Z (UTC)');
  });

  test('a window that cannot be read keeps closed', () => {
    const problem = closedBecause('{"schedule": "0 2 * * *"}', 0);
    expect(problem).toEqual({
      reason: 'the window in the annotation is not valid: duration: is required',
      opensAt: undefined,
    });
    expect(closedBecause('open', 0)).toMatchObject({ opensAt: undefined });
    expect(closedBecause(undefined, 0)).toBeUndefined();
  });
});
