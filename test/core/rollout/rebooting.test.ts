import { describe, expect, test } from 'vitest';
import type { PodFacts } from '../../../src/core/rollout/facts.ts';
import { lookAt, POD } from './support.ts';

const REBOOT = { rebootOnSuccess: true, rebootTimeoutSeconds: 60 };
const OLD = 'node-1-boot-0';
const REBOOTING = {
  phase: 'Rebooting',
  rebootStatus: 'pending',
  jobName: 'flash-node-1',
  bootID: OLD,
} as const;
const ASKS: PodFacts = { ...POD, name: 'flash-node-1-reboot' };
const FAILED: PodFacts = { ...ASKS, state: 'failed' };

describe('a reboot is proved', () => {
  const work = { reboot: { ...ASKS, state: 'succeeded' } as const };

  test.each([
    ['by a new boot ID of a node that is Ready', { bootID: 'new' }, 'Completed', 'completed'],
    ['and not by its pod', {}, 'Rebooting', 'pending'],
    ['and not before the node is Ready', { bootID: 'new', ready: false }, 'Rebooting', 'pending'],
    ['and not where the node tells no boot ID', { bootID: undefined }, 'Rebooting', 'pending'],
  ])('%s', (_, node, phase, rebootStatus) => {
    const { entry } = lookAt({ spec: REBOOT, entry: REBOOTING, node, work });
    expect(entry).toMatchObject({ phase, rebootStatus });
  });

  test('by nothing where no boot ID was put on record before', () => {
    const { bootID: _, ...unknown } = REBOOTING;
    const { entry } = lookAt({ spec: REBOOT, entry: unknown, node: { bootID: 'new' }, work });
    expect(entry.phase).toBe('Rebooting');
  });
});

describe('the pod that asks for it is made', () => {
  test('once the boot ID is on record', () => {
    expect(lookAt({ spec: REBOOT, entry: REBOOTING }).actions).toEqual([
      {
        type: 'create-reboot',
        node: 'node-1',
        bootID: OLD,
        reason: 'the command succeeded and asks for a reboot',
      },
    ]);
  });

  const entry = { rebootStatus: 'pending', jobName: 'flash-node-1' } as const;
  test.each([
    ['another boot ID is on record', { ...entry, phase: 'Rebooting', bootID: 'older' } as const],
    ['none is', { ...entry, phase: 'Rebooting' } as const],
    ['the phase is not', { ...entry, phase: 'Running', bootID: OLD } as const],
  ])('not while %s', (_, persisted) => {
    const facts = { persisted: { phase: 'Running', nodeStatuses: { 'node-1': persisted } } as const };
    expect(lookAt({ spec: REBOOT, entry: REBOOTING, facts }).does).toEqual([]);
  });

  test('not where the node is in another boot already, nor where it is there', () => {
    const node = { bootID: 'new', ready: false };
    expect(lookAt({ spec: REBOOT, entry: REBOOTING, node }).does).toEqual([]);
    expect(lookAt({ spec: REBOOT, entry: REBOOTING, work: { reboot: ASKS } }).does).toEqual([]);
  });
});

describe('what is seen meanwhile', () => {
  const KILLED = 'boot ID is still the old one, node is Ready';

  test.each<[string, PodFacts, string]>([
    [
      'a pod that says why it failed',
      { ...FAILED, exitCode: 1, message: 'no init' },
      `${KILLED}, reboot pod failed: exit code 1: no init`,
    ],
    [
      'a pod that was rejected',
      { ...FAILED, reason: 'OutOfpods' },
      `${KILLED}, reboot pod failed: OutOfpods`,
    ],
    [
      'a reason of its own, whatever the exit code',
      { ...FAILED, exitCode: 137, reason: 'OOMKilled' },
      `${KILLED}, reboot pod failed: exit code 137, OOMKilled`,
    ],
    // The host takes it along as it goes down.
    ['one that was killed', { ...FAILED, exitCode: 137, reason: 'Error' }, KILLED],
    ['one that was asked to end', { ...FAILED, exitCode: 143, reason: 'Error' }, KILLED],
    ['one that was lost', { ...FAILED, exitCode: 255, reason: 'Unknown' }, KILLED],
    ['one of which nothing is known', FAILED, KILLED],
    ['one that goes on', ASKS, KILLED],
  ])('%s', (_, reboot, message) => {
    expect(lookAt({ spec: REBOOT, entry: REBOOTING, work: { reboot } }).entry.message).toBe(message);
  });

  test('a node that is down, or up again in another boot', () => {
    const given = { spec: REBOOT, entry: REBOOTING, work: { reboot: FAILED } };
    expect(lookAt({ ...given, node: { ready: false } }).entry.message).toBe(
      'boot ID is still the old one, node is not Ready',
    );
    expect(lookAt({ ...given, node: { ready: false, bootID: 'new' } }).entry.message).toBe(
      'boot ID is new, node is not Ready',
    );
  });
});

describe('its time', () => {
  test('is that of rebootTimeoutSeconds, and what is seen after it decides', () => {
    const given = { spec: REBOOT, entry: REBOOTING, work: { reboot: FAILED } };
    expect(lookAt({ ...given, at: 59_999 })).toMatchObject({ does: [], again: 60_000 });
    expect(lookAt({ ...given, at: 60_000 }).does).toEqual(['confirm']);
    const work = { reboot: FAILED, confirmedAt: POD.createdAt + 60_000 };
    expect(lookAt({ ...given, work, at: 60_000 }).entry).toMatchObject({
      phase: 'Failed',
      rebootStatus: 'pending',
      message: 'not back 60 s after the reboot was asked for: boot ID is still the old one, node is Ready',
    });
  });

  test('of a pod that does not begin is that of startTimeoutSeconds as well, while the node is in its old boot', () => {
    const spec = { ...REBOOT, startTimeoutSeconds: 30 };
    const reboot: PodFacts = { ...ASKS, state: 'waiting', started: false, reason: 'ErrImagePull' };
    expect(lookAt({ spec, entry: REBOOTING, work: { reboot } }).again).toBe(30_000);
    expect(lookAt({ spec, entry: REBOOTING, work: { reboot: ASKS } }).again).toBe(60_000);
    const node = { bootID: 'new', ready: false };
    expect(lookAt({ spec, entry: REBOOTING, node, work: { reboot } }).again).toBe(60_000);
    const made = { ...reboot, createdAt: reboot.createdAt + 10_000 };
    expect(lookAt({ spec, entry: REBOOTING, work: { reboot: made } }).again).toBe(40_000);
  });
});

describe('a run that is taken back', () => {
  test('lets the reboot finish', () => {
    const facts = { cancelled: 'the run file was removed', cancelledAt: 0 };
    expect(lookAt({ spec: REBOOT, entry: REBOOTING, facts }).does).toEqual(['create-reboot']);
  });

  test.each([
    ['before', {}, 'cancelled'],
    ['during', { reboot: { ...ASKS, state: 'succeeded' as const } }, 'pending'],
  ])('fails %s its reboot where the NodeOp itself goes', (when, work, rebootStatus) => {
    const facts = { cancelled: 'the NodeOp was deleted', cancelledAt: 0, deleted: true };
    const { entry } = lookAt({ spec: REBOOT, entry: REBOOTING, work, facts });
    expect(entry).toMatchObject({
      phase: 'Failed',
      rebootStatus,
      message: `stopped ${when} its reboot: the NodeOp was deleted`,
    });
  });
});
