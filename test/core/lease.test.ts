import { describe, expect, test } from 'vitest';
import { heldLease, isBefore, isUntended, leaseStep, releasedLease } from '../../src/core/lease.ts';

const WALL = new Date('2030-01-01T00:00:00.250Z');
const MICRO = '2030-01-01T00:00:00.250000Z';

describe('whose turn it is', () => {
  const lease = { holderIdentity: 'a', leaseDurationSeconds: 15 };

  test.each<[string, Parameters<typeof leaseStep>, object]>([
    ['there is no lease', [undefined, 'b', 0, 0], { type: 'take' }],
    ['it was given up', [{ ...lease, holderIdentity: '' }, 'b', 0, 0], { type: 'take' }],
    ['it names nobody', [{ leaseDurationSeconds: 15 }, 'b', 0, 0], { type: 'take' }],
    ['it is its own, however old', [lease, 'a', 0, 1_000_000], { type: 'renew' }],
    ['it is that of a tenure it lost', [lease, undefined, 0, 14_999], { type: 'wait', until: 15_000 }],
    ['that one is over', [lease, undefined, 0, 15_000], { type: 'take' }],
    [
      'it was seen in this form for less than it lasts',
      [lease, 'b', 1_000, 15_999],
      { type: 'wait', until: 16_000 },
    ],
    ['it was for as long', [lease, 'b', 1_000, 16_000], { type: 'take' }],
    ['it does not say for how long', [{ holderIdentity: 'a' }, 'b', 1_000, 1_000], { type: 'take' }],
  ])('%s', (_, asked, step) => {
    expect(leaseStep(...asked)).toEqual(step);
  });
});

test.each<[string, string | undefined, boolean]>([
  ['as nobody ever has', undefined, true],
  ['as what it says is no time', 'once', true],
  ['by a minute', '2029-12-31T23:59:00.250Z', false],
  ['by more than a minute', '2029-12-31T23:59:00.249Z', true],
  ['by a time that is to come', '2030-01-01T00:01:00.251Z', true],
  ['by a clock that is ahead', '2030-01-01T00:01:00.250Z', false],
])('whether nobody has led for a while, %s', (_, renewTime, untended) => {
  expect(isUntended(renewTime === undefined ? {} : { renewTime }, WALL.getTime())).toBe(untended);
});

test.each<[string, Parameters<typeof isBefore>, boolean]>([
  [
    'the same',
    [
      { leaseTransitions: 1, renewTime: MICRO },
      { leaseTransitions: 1, renewTime: MICRO },
    ],
    false,
  ],
  ['renewed since', [{ renewTime: MICRO }, { renewTime: '2029-12-31T23:59:59.000000Z' }], false],
  ['renewed later once', [{ renewTime: '2029-12-31T23:59:59.000000Z' }, { renewTime: MICRO }], true],
  [
    'taken by a clock that is behind',
    [
      { leaseTransitions: 2, renewTime: '2029-01-01T00:00:00Z' },
      { leaseTransitions: 1, renewTime: MICRO },
    ],
    false,
  ],
  [
    'taken by another one once',
    [
      { leaseTransitions: 1, renewTime: MICRO },
      { leaseTransitions: 2, renewTime: MICRO },
    ],
    true,
  ],
  ['gone', [undefined, { renewTime: MICRO }], false],
  ['there for the first time', [{ renewTime: MICRO }, undefined], false],
  ['without a time', [{}, { renewTime: MICRO }], false],
])('whether a record that is %s is one of before', (_, asked, before) => {
  expect(isBefore(...asked)).toBe(before);
});

describe('the record', () => {
  test('of a lease that is taken for the first time', () => {
    expect(heldLease(undefined, 'a', 14_001, WALL)).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: MICRO,
      renewTime: MICRO,
      leaseTransitions: 0,
    });
  });

  test('that is taken from somebody counts, one that is renewed does not', () => {
    const before = { holderIdentity: 'a', acquireTime: 'then', renewTime: 'then', leaseTransitions: 4 };
    expect(heldLease(before, 'b', 15_000, WALL)).toMatchObject({ leaseTransitions: 5, acquireTime: MICRO });
    expect(heldLease(before, 'a', 15_000, WALL)).toMatchObject({
      leaseTransitions: 4,
      acquireTime: 'then',
      renewTime: MICRO,
    });
    expect(heldLease({ holderIdentity: 'a' }, 'a', 15_000, WALL)).toMatchObject({
      leaseTransitions: 0,
      acquireTime: MICRO,
    });
  });

  test('that is given up keeps nobody waiting', () => {
    const released = releasedLease(
      { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 4 },
      WALL,
    );
    expect(released).toEqual({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      acquireTime: MICRO,
      renewTime: MICRO,
      leaseTransitions: 4,
    });
    expect(leaseStep(released, 'b', 0, 0)).toEqual({ type: 'take' });
  });
});
