import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterOf } from '../../../src/core/notify/filter.ts';
import type { NotifyEvent } from '../../../src/core/notify/events.ts';
import { TargetMemory } from '../../../src/core/notify/memory.ts';
import { entryKey, formatEntries, parseEntries } from '../../../src/core/notify/record.ts';
import { gone, type Standing } from '../../../src/core/notify/standing.ts';
import { DAY, HOUR, MINUTE, standing, T0, target } from './support.ts';

const at = (ms: number, steady = ms) => ({ wall: T0 + ms, steady });

function memory(fields: object = {}, { since = T0 - DAY, text = '', now = at(0) } = {}) {
  const it = target(fields);
  return new TargetMemory({ waitingAfterMs: HOUR, wants: filterOf(it, 'berlin') }, { since, text }, now);
}

const names = ({ events }: { events: readonly NotifyEvent[] }) => events.map(({ name }) => name);

const FAILED: Standing = standing({
  phase: 'Failed',
  failure: { node: 'node-2', message: 'command failed: exit code 3', at: T0 + MINUTE },
  counts: { total: 3, completed: 2, failed: 1 },
  endedAt: T0 + 2 * MINUTE,
});
const WAITS = standing({ waitsFor: 'outside of the window until 22:00' });

describe('what is told of a run', () => {
  test('its start, its first failure and its end, each once and in their order', () => {
    const told = memory();
    expect(names(told.look([standing({ hasBegun: false, phase: 'Pending' })], at(0)))).toEqual([]);
    expect(names(told.look([standing()], at(1)))).toEqual(['started']);
    expect(names(told.look([standing()], at(2)))).toEqual([]);
    expect(names(told.look([{ ...FAILED, phase: 'Running' }], at(MINUTE)))).toEqual(['firstFailure']);
    expect(names(told.look([FAILED], at(2 * MINUTE)))).toEqual(['ended']);
    expect(names(told.look([FAILED], at(3 * MINUTE)))).toEqual([]);
  });

  test('all of it at once, when it was over before anybody looked', () => {
    expect(names(memory().look([FAILED], at(2 * MINUTE)))).toEqual(['started', 'firstFailure', 'ended']);
  });

  test('a wait, once it is long enough, and that it is over', () => {
    const told = memory();
    told.look([standing()], at(0));
    const first = told.look([WAITS], at(MINUTE));
    expect(names(first)).toEqual([]);
    expect(first.lookAgainAt).toBe(2 * MINUTE);
    expect(told.look([WAITS], at(2 * MINUTE)).lookAgainAt).toBe(MINUTE + HOUR);
    const { events } = told.look([WAITS], at(MINUTE + HOUR));
    expect(events).toMatchObject([{ name: 'waiting', since: T0 + MINUTE, at: T0 + MINUTE + HOUR }]);
    expect(names(told.look([{ ...WAITS, waitsFor: 'held by people' }], at(3 * HOUR)))).toEqual([]);
    expect(names(told.look([standing()], at(4 * HOUR)))).toEqual(['resumed']);
    expect(names(told.look([WAITS], at(4 * HOUR + 1)))).toEqual([]);
    expect(names(told.look([WAITS], at(5 * HOUR + 1)))).toEqual(['waiting']);
  });

  test('short waits one after the other are no long one', () => {
    const told = memory({ events: ['waiting'] });
    for (let i = 0; i < 10; i += 1) {
      expect(names(told.look([WAITS], at(i * 50 * MINUTE)))).toEqual([]);
      expect(names(told.look([standing()], at((i * 50 + 49) * MINUTE)))).toEqual([]);
    }
  });

  test('that a run which waited was cancelled ends its wait first', () => {
    const told = memory();
    told.look([WAITS], at(0));
    told.look([WAITS], at(2 * HOUR));
    expect(
      names(told.look([standing({ phase: 'Cancelled', endedAt: T0 + 3 * HOUR })], at(3 * HOUR))),
    ).toEqual(['resumed', 'ended']);
  });

  test('somebody who sets the clock makes no wait longer or shorter', () => {
    const told = memory();
    told.look([standing()], at(0));
    told.look([WAITS], at(0));
    expect(names(told.look([WAITS], at(5 * HOUR, MINUTE)))).toEqual([]);
    expect(names(told.look([WAITS], at(-5 * HOUR, HOUR)))).toEqual(['waiting']);
  });

  test('an invalid file is told; the same file with other content again', () => {
    const invalid = (edition: string) =>
      standing({ key: entryKey('run:runs/a.yaml'), edition, phase: 'Invalid', hasBegun: false, endedAt: T0 });
    const told = memory();
    expect(names(told.look([invalid('aaaaaaaa')], at(1)))).toEqual(['ended']);
    expect(names(told.look([invalid('aaaaaaaa')], at(2)))).toEqual([]);
    expect(names(told.look([invalid('bbbbbbbb')], at(3)))).toEqual(['ended']);
  });

  test('a NodeOp that goes without an end is over', () => {
    const told = memory();
    told.look([standing()], at(0));
    const { events } = told.look([gone(standing(), T0 + 5)], at(5));
    expect(events).toMatchObject([
      { name: 'ended', standing: { phase: 'Cancelled', message: 'the NodeOp was deleted' } },
    ]);
  });
});

describe('from one process to the next', () => {
  /** What arrived is on record, and that is all the next one knows. */
  function restart(before: TargetMemory, now = at(0)) {
    return memory({}, { text: before.text(now), now });
  }

  test('what arrived is not told again, and what did not is', () => {
    const first = memory();
    const { events } = first.look([FAILED], at(2 * MINUTE));
    const [started] = events;
    if (started) first.settled(started, at(2 * MINUTE));
    const second = restart(first, at(3 * MINUTE));
    expect(names(second.look([FAILED], at(3 * MINUTE)))).toEqual(['firstFailure', 'ended']);
  });

  test('a wait goes on from when it began, and is told once', () => {
    const first = memory();
    first.look([WAITS], at(0));
    first.look([WAITS], at(30 * MINUTE));
    const second = restart(first, at(59 * MINUTE, 7));
    expect(names(second.look([WAITS], at(59 * MINUTE, 7)))).toEqual(['started']);
    const { events } = second.look([WAITS], at(HOUR, 7 + MINUTE));
    expect(events).toMatchObject([{ name: 'waiting', since: T0 }]);
    for (const it of events) second.settled(it, at(HOUR));
    const third = restart(second, at(2 * HOUR));
    expect(names(third.look([WAITS], at(2 * HOUR)))).toEqual(['started']);
    expect(names(third.look([standing()], at(3 * HOUR)))).toEqual(['resumed']);
  });

  test('a new target is told nothing of before it was there', () => {
    const told = memory({}, { since: T0 + HOUR });
    expect(names(told.look([FAILED], at(HOUR)))).toEqual([]);
    const later = standing({ key: entryKey('uid-2'), startedAt: T0 + HOUR + 1 });
    expect(names(told.look([FAILED, later], at(HOUR + 2)))).toEqual(['started']);
  });

  test('nothing is told that is older than a week, and nothing is remembered for much longer', () => {
    expect(names(memory({}, { since: 0 }).look([FAILED], at(8 * DAY)))).toEqual([]);
    const told = memory();
    for (const it of told.look([FAILED], at(0)).events) told.settled(it, at(0));
    expect(told.text(at(7 * DAY))).not.toBe('');
    expect(told.text(at(10 * DAY))).toBe('');
  });

  test('a run that goes on for a month is remembered as long', () => {
    const told = memory();
    for (const it of told.look([standing()], at(0)).events) told.settled(it, at(0));
    told.look([standing()], at(30 * DAY));
    expect(told.text(at(30 * DAY))).not.toBe('');
  });

  test('whatever happens to the process, each event is told, and none twice that is on record', () => {
    const steps = fc.array(fc.constantFrom('look', 'arrive', 'restart'), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (plan) => {
        let told = memory();
        let queue: NotifyEvent[] = [];
        const arrived: string[] = [];
        const look = () => queue.push(...told.look([FAILED], at(MINUTE)).events);
        const arrive = () => {
          const next = queue.shift();
          if (next === undefined) return;
          arrived.push(next.name);
          told.settled(next, at(MINUTE));
        };
        for (const step of plan) {
          if (step === 'look') look();
          else if (step === 'arrive') arrive();
          else {
            told = restart(told, at(MINUTE));
            queue = [];
          }
        }
        look();
        while (queue.length > 0) arrive();
        expect(arrived.toSorted()).toEqual(['ended', 'firstFailure', 'started']);
      }),
    );
  });
});

test('a record is read as it was written; what is damaged in it is passed over', () => {
  const entry = fc.record(
    {
      day: fc.nat(900_000),
      started: fc.constant(true),
      firstFailure: fc.constant(true),
      ended: fc.constantFrom('', 'deadbeef'),
      wait: fc.record({ since: fc.nat(), told: fc.boolean() }),
    },
    { requiredKeys: ['day'] },
  );
  const key = fc.stringMatching(/^[0-9a-f]{16}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(key, entry)), fc.string(), (pairs, damage) => {
      const entries = new Map(pairs);
      expect(parseEntries(formatEntries(entries))).toEqual(entries);
      expect(parseEntries(`${formatEntries(entries)}\n${damage.replaceAll('\n', ' ')}!`)).toEqual(entries);
    }),
  );
});

test('ten thousand runs stay far below what an object may hold', () => {
  const told = memory({ events: ['ended'] });
  const runs = Array.from({ length: 15_000 }, (_, i) => ({ ...FAILED, key: entryKey(`uid-${i}`) }));
  for (const it of told.look(runs, at(MINUTE)).events) told.settled(it, at(MINUTE));
  expect(told.text(at(MINUTE)).length).toBeLessThan(512 * 1024);
});

describe('a target is told what it asks for', () => {
  const invalid = standing({
    phase: 'Invalid',
    namespace: undefined,
    labels: {},
    endedAt: T0,
    hasBegun: false,
  });
  test.each([
    ['all of it, unless it says otherwise', {}, FAILED, ['started', 'firstFailure', 'ended']],
    ['some events', { events: ['ended'] }, FAILED, ['ended']],
    ['this cluster', { only: { clusters: ['berlin'] } }, FAILED, ['started', 'firstFailure', 'ended']],
    ['not another one', { only: { clusters: ['lisbon'] } }, FAILED, []],
    ['a namespace', { only: { namespaces: ['ops'] } }, FAILED, ['started', 'firstFailure', 'ended']],
    ['not of another one', { only: { namespaces: ['shop'] } }, FAILED, []],
    ['paths', { only: { runs: ['^runs/(prod|firm)'] } }, FAILED, ['started', 'firstFailure', 'ended']],
    ['no other path', { only: { runs: ['^runs/prod/'] } }, FAILED, []],
    ['no NodeOp without a path', { only: { runs: ['.'] } }, { ...FAILED, run: undefined }, []],
    ['labels', { only: { labels: { team: 'edge' } } }, FAILED, ['started', 'firstFailure', 'ended']],
    ['all of them', { only: { labels: { team: 'edge', zone: 'a' } } }, FAILED, []],
    ['outcomes', { only: { outcomes: ['Failed'] } }, FAILED, ['started', 'firstFailure', 'ended']],
    ['no other outcome', { only: { outcomes: ['Completed'] } }, FAILED, ['started', 'firstFailure']],
    ['what is not valid', { only: { outcomes: ['Invalid'] } }, invalid, ['ended']],
  ])('%s', (_, fields, run, expected) => {
    expect(names(memory(fields).look([run], at(MINUTE)))).toEqual(expected);
  });
});
