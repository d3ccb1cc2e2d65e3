import { expect, test } from 'vitest';
import { checkProgress, type Progress, StuckError, within } from '../../src/agent/progress.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('what does not come in time is an error, and leaves no timer', async () => {
  const clock = new FakeClock();
  const late = within(clock, 25_000, 'a change of role', new Promise(() => {}));
  await Promise.all([
    expect(late).rejects.toThrow(new StuckError('a change of role', 25_000)),
    clock.advance(25_000),
  ]);
  expect(await within(clock, 25_000, 'this', Promise.resolve(1))).toBe(1);
  expect(clock.timers).toBe(0);
});

const WELL: Progress = {
  now: 7_200_000,
  stuck: undefined,
  changingSince: undefined,
  election: { triedAt: 7_190_000, patience: 24_000 },
  passSince: 7_100_000,
  unsyncedSince: undefined,
};

test.each([
  ['a process that gets on', {}, []],
  ['one that gave itself up', { stuck: 'to stop took longer than 25 s' }, ['role']],
  ['a change of role', { changingSince: 7_199_000 }, []],
  ['a change of role without an end', { changingSince: 7_100_000 }, ['role']],
  ['an election that does nothing', { election: { triedAt: 7_100_000, patience: 24_000 } }, ['election']],
  ['no election', { election: undefined }, []],
  ['a pass without an end', { passSince: 0 }, ['repository']],
  ['a leader that knows nothing yet', { unsyncedSince: 7_100_000 }, []],
  ['a leader that still knows nothing', { unsyncedSince: 6_000_000 }, ['cluster']],
])('whether it is alive: %s', (_, changes, missing) => {
  const found = checkProgress({ ...WELL, ...changes }).filter((check) => check.missing !== undefined);
  expect(found.map(({ name }) => name)).toEqual(missing);
});
