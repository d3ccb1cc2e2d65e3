import { describe, expect, test } from 'vitest';
import type { PodFacts } from '../../../src/core/rollout/facts.ts';
import { lookAt, POD } from './support.ts';

const CHECK = { command: ['check'], activeDeadlineSeconds: 60 };
const WAITS: PodFacts = { ...POD, state: 'waiting', started: false, reason: 'ErrImagePull' };
const FAILED: PodFacts = { ...POD, state: 'failed', exitCode: 2, reason: 'Error', message: 'cannot tell' };

describe('the preflight', () => {
  const given = {
    spec: { preflight: CHECK, startTimeoutSeconds: 30 },
    entry: { phase: 'Preflight' } as const,
  };

  test('is made where it is not there', () => {
    expect(lookAt(given).does).toEqual(['create-preflight']);
  });

  test.each<[string, PodFacts, object]>([
    ['says nothing: the node needs work', { ...POD, state: 'succeeded' }, { phase: 'Running' }],
    ['says blanks alone', { ...POD, state: 'succeeded', message: ' \n' }, { phase: 'Running' }],
    [
      'says why not',
      { ...POD, state: 'succeeded', message: ' done before\n' },
      { phase: 'Completed', message: 'Skipped by preflight: done before', rebootStatus: 'not-requested' },
    ],
    ['fails', FAILED, { phase: 'Failed', message: 'preflight failed: exit code 2: cannot tell' }],
    ['goes on', POD, { phase: 'Preflight' }],
  ])('that %s', (_, preflight, entry) => {
    expect(lookAt({ ...given, work: { preflight } }).entry).toMatchObject(entry);
  });

  test('that failed before it began is asked about first, and then Events say why', () => {
    const preflight = {
      ...FAILED,
      started: false,
      message: undefined,
      exitCode: undefined,
      reason: 'Evicted',
    };
    expect(lookAt({ ...given, work: { preflight } }).does).toEqual(['confirm']);
    const work = { preflight, confirmedAt: 0, warning: 'no such volume' };
    expect(lookAt({ ...given, work }).entry.message).toBe(
      'preflight failed: Evicted; it had not begun: no such volume',
    );
  });

  test('whose request was made twice keeps its name until nothing can come of the one without an answer', () => {
    const facts = {
      mayComeUntil: (key: string) => (key === 'create-preflight/node-1' ? POD.createdAt + 20_000 : undefined),
    };
    const preflight: PodFacts = { ...POD, state: 'succeeded' };
    const after = { ...given, entry: { phase: 'Running' } as const, work: { preflight }, facts };
    expect(lookAt({ ...after, at: 19_999 })).toMatchObject({ does: ['create-job'], again: 20_000 });
    expect(lookAt({ ...after, at: 20_000 }).does).toEqual(['create-job', 'delete-pod']);
  });

  test('has its deadline and a minute, counted from when it was made, and startTimeoutSeconds to begin', () => {
    const at = (preflight: PodFacts, ms = 0) => lookAt({ ...given, work: { preflight }, at: ms });
    expect(at(POD).again).toBe(120_000);
    expect(at({ ...POD, createdAt: POD.createdAt + 5_000 }).again).toBe(125_000);
    expect(at({ ...POD, createdAt: POD.createdAt - 5_000 }).again).toBe(120_000);
    expect(at(WAITS).again).toBe(30_000);
    expect(at(POD, 119_999).does).toEqual([]);
    expect(at(POD, 120_000).does).toEqual(['confirm']);
    const late = (preflight: PodFacts) =>
      lookAt({ ...given, work: { preflight, confirmedAt: POD.createdAt + 120_000 }, at: 120_000 }).entry
        .ending;
    expect(late(POD)).toEqual({
      phase: 'Failed',
      message: expect.stringMatching(/^preflight pod \S+ did not end within its deadline$/),
    });
    expect(late(WAITS)?.message).toBe('the preflight did not start within 30 s: ErrImagePull');
  });

  test('of a run that is taken back is given up, and the node with it', () => {
    const facts = { cancelled: 'the run file was removed', cancelledAt: 0 };
    const { entry } = lookAt({ ...given, work: { preflight: POD }, facts });
    expect(entry.ending).toEqual({ phase: 'Cancelled', message: 'the run file was removed' });
  });
});

describe('the postflight', () => {
  const spec = { postflight: CHECK, startTimeoutSeconds: 30, nodeReadyTimeoutSeconds: 90 };
  const given = { spec, entry: { phase: 'Postflight', jobName: 'flash-node-1' } as const };

  test('is made once the node is Ready, and nothing of its reboot begins any more', () => {
    expect(lookAt(given).does).toEqual(['create-postflight']);
    expect(lookAt({ ...given, node: { ready: false } }).does).toEqual([]);
    const reboot = { ...WAITS, name: 'flash-node-1-reboot' };
    const waits = 'waiting until pod flash-node-1-reboot is gone';
    expect(lookAt({ ...given, work: { reboot } })).toMatchObject({
      does: ['delete-pod'],
      entry: { message: waits },
    });
    const goes = { ...reboot, deleting: true };
    expect(lookAt({ ...given, work: { reboot: goes } })).toMatchObject({
      does: [],
      entry: { message: waits },
    });
    const ended = { ...reboot, state: 'succeeded' } as const;
    expect(lookAt({ ...given, work: { reboot: ended } }).does).toEqual(['create-postflight']);
  });

  test.each<[string, PodFacts, object]>([
    ['passes', { ...POD, state: 'succeeded' }, { phase: 'Completed' }],
    [
      'fails',
      FAILED,
      {
        phase: 'Failed',
        exitCode: 2,
        message: 'postflight failed: exit code 2: cannot tell',
        cause: 'cannot tell',
      },
    ],
    ['goes on', POD, { phase: 'Postflight' }],
  ])('that %s', (_, postflight, entry) => {
    expect(lookAt({ ...given, work: { postflight } }).entry).toMatchObject(entry);
  });

  test('that failed before it began is asked about first', () => {
    const postflight = { ...FAILED, started: false };
    expect(lookAt({ ...given, work: { postflight } }).does).toEqual(['confirm']);
  });

  test('has its deadline and a minute', () => {
    expect(lookAt({ ...given, work: { postflight: POD } }).again).toBe(120_000);
    expect(lookAt({ ...given, work: { postflight: WAITS } }).again).toBe(30_000);
  });

  test('waits for a node that is not Ready for nodeReadyTimeoutSeconds, from when it was not', () => {
    const node = { ready: false, readySince: POD.createdAt + 10_000 };
    expect(lookAt({ ...given, node, at: 20_000 })).toMatchObject({ does: [], again: 100_000 });
    expect(
      lookAt({ ...given, node: { ...node, readySince: POD.createdAt - 10_000 }, at: 20_000 }).again,
    ).toBe(90_000);
    expect(lookAt({ ...given, node, at: 100_000 }).does).toEqual(['confirm']);
    const work = { confirmedAt: POD.createdAt + 100_000 };
    expect(lookAt({ ...given, node, work, at: 100_000 }).entry).toMatchObject({
      phase: 'Failed',
      message: 'not Ready for 90 s after the operation: no postflight was run',
    });
  });

  test('of a run that is taken back may finish, unless the NodeOp itself goes', () => {
    const facts = { cancelled: 'it was deleted', cancelledAt: 0 };
    expect(lookAt({ ...given, facts }).does).toEqual(['create-postflight']);
    expect(lookAt({ ...given, facts: { ...facts, deleted: true } }).entry).toMatchObject({
      phase: 'Failed',
      message: 'stopped before its postflight had passed: it was deleted',
    });
  });
});
