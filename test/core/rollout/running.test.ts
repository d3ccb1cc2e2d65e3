import { describe, expect, test } from 'vitest';
import type { JobFacts, PodFacts, WorkFacts } from '../../../src/core/rollout/facts.ts';
import { JOB, lookAt, POD } from './support.ts';

const RUNNING = { phase: 'Running', jobName: JOB.name, attempts: 1 } as const;
const ENDED: PodFacts = { ...POD, state: 'failed', exitCode: 3, reason: 'Error', message: 'no space' };

/** A Job of which all is known that there is to know. */
function failed(job: Partial<JobFacts>, pod?: PodFacts, more: WorkFacts = {}): WorkFacts {
  const attempts = pod === undefined ? [] : [pod];
  return {
    job: { ...JOB, state: 'failed', ...job, pod },
    jobSeen: true,
    attempts,
    commandBegan: pod?.started ?? false,
    confirmedAt: 0,
    ...more,
  };
}

describe('what is said of a command that failed', () => {
  test.each<[string, WorkFacts, string]>([
    [
      'its pod tells best',
      failed({ message: 'Job has reached' }, ENDED),
      'command failed: exit code 3: no space',
    ],
    [
      'the Job, where no pod is left',
      failed({ reason: 'BackoffLimitExceeded', message: 'Job has reached its limit' }),
      'command failed: Job has reached its limit',
    ],
    [
      'its reason, where it has no message',
      failed({ reason: 'BackoffLimitExceeded' }),
      'command failed: BackoffLimitExceeded',
    ],
    ['nothing is known', failed({}), 'command failed: no reason given'],
    [
      'a deadline',
      failed({ reason: 'DeadlineExceeded', message: 'Job was active longer' }),
      'command ran into its deadline: Job was active longer',
    ],
    [
      'a pod that never began, with what Events warn of',
      failed(
        { reason: 'BackoffLimitExceeded' },
        { ...ENDED, started: false, exitCode: undefined, reason: undefined, message: undefined },
        { warning: 'no such Secret' },
      ),
      'command failed: no reason given; it had not begun: no such Secret',
    ],
    [
      'a command that began: Events of another of its pods are no reason',
      failed(
        { reason: 'BackoffLimitExceeded' },
        { ...ENDED, started: false, message: undefined, reason: 'Evicted', exitCode: undefined },
        { warning: 'no such Secret', commandBegan: true },
      ),
      'command failed: Evicted',
    ],
  ])('%s', (_, work, message) => {
    expect(lookAt({ entry: RUNNING, work }).entry).toMatchObject({ phase: 'Failed', message });
  });

  test('of a pod that nobody can hear of any more nothing is said', () => {
    const silent: PodFacts = { ...POD, deleting: true };
    const work = failed({ reason: 'BackoffLimitExceeded', message: 'Job has reached its limit' }, silent);
    const { entry } = lookAt({ entry: RUNNING, work, node: { ready: false } });
    expect(entry).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
    expect(entry.message).toBe('outcome unknown: the node is not Ready; command failed');
  });

  test('the exit code and a reboot that is cancelled are on record', () => {
    const spec = { rebootOnSuccess: true };
    const { entry } = lookAt({
      spec,
      entry: { ...RUNNING, rebootStatus: 'pending' },
      work: failed({}, ENDED),
    });
    expect(entry).toMatchObject({
      phase: 'Failed',
      exitCode: 3,
      rebootStatus: 'cancelled',
      cause: 'no space',
    });
  });
});

describe('the end of a Job', () => {
  const succeeded = (pod: PodFacts): WorkFacts => ({
    job: { ...JOB, state: 'succeeded', pod },
    jobSeen: true,
    attempts: [pod],
    commandBegan: true,
  });

  test('counts once each of its pods has ended', () => {
    expect(lookAt({ entry: RUNNING, work: succeeded(POD) }).entry.phase).toBe('Running');
    const ended = succeeded({ ...POD, state: 'succeeded', exitCode: 0 });
    expect(lookAt({ entry: RUNNING, work: ended }).entry.phase).toBe('Completed');
  });

  test('does not wait for a pod that is being deleted on a node that is not Ready', () => {
    const work = succeeded({ ...POD, deleting: true });
    expect(lookAt({ entry: RUNNING, work }).entry.phase).toBe('Running');
    expect(lookAt({ entry: RUNNING, work: succeeded(POD), node: { ready: false } }).entry.phase).toBe(
      'Running',
    );
    expect(lookAt({ entry: RUNNING, work, node: { ready: false } }).entry.phase).toBe('Completed');
  });

  test('of one that failed is asked for where fewer pods are known than it had', () => {
    const { confirmedAt: _, ...work } = failed({ attempts: 2 }, ENDED);
    expect(lookAt({ entry: RUNNING, work })).toMatchObject({
      does: ['confirm'],
      entry: { phase: 'Running' },
    });
    expect(lookAt({ entry: RUNNING, work: { ...work, confirmedAt: 0 } }).entry.phase).toBe('Failed');
    const all: WorkFacts = { ...work, attempts: [{ ...ENDED, uid: 'uid-first' }, ENDED] };
    expect(lookAt({ entry: RUNNING, work: all }).entry.phase).toBe('Failed');
  });

  test('that never began is asked for as well: Events say why', () => {
    const unbegun = { ...ENDED, started: false };
    const { confirmedAt: _, ...work } = failed({}, unbegun);
    expect(lookAt({ entry: RUNNING, work }).does).toEqual(['confirm']);
  });
});

describe('a Job that is not to be seen', () => {
  test('is made where none is on record and none was seen', () => {
    expect(lookAt({ entry: { phase: 'Running' } }).does).toEqual(['create-job']);
  });

  test('is asked for where one is on record, or was seen', () => {
    expect(lookAt({ entry: RUNNING }).does).toEqual(['look-up-job']);
    expect(lookAt({ entry: { phase: 'Running' }, work: { jobSeen: true } }).does).toEqual(['look-up-job']);
  });

  test('and is gone: the command is not run again', () => {
    const { entry, does } = lookAt({ entry: RUNNING, work: { job: 'gone', jobSeen: true } });
    expect(does).toEqual([]);
    expect(entry.phase).toBe('Failed');
    expect(entry.message).toMatch(
      /^Job flash-\S+ disappeared before its result was seen; its command is not run again$/,
    );
  });

  test.each(['Pending', 'Preflight', 'Draining'] as const)(
    'and is gone, though its node is on record as %s: nothing of what comes before the command is done again',
    (phase) => {
      const spec = { drainOptions: { enabled: true }, preflight: { command: ['check'] } };
      const { entry, does } = lookAt({ spec, entry: { phase }, work: { job: 'gone', jobSeen: true } });
      expect(does).toEqual([]);
      expect(entry.phase).toBe('Failed');
      expect(entry.message).toContain('its command is not run again');
    },
  );
});

describe('a run that is taken back while the command is on its way', () => {
  const cancelled = { cancelled: 'the run file was removed', cancelledAt: 0 };
  const gone = { cancelled: 'the NodeOp was deleted', cancelledAt: 0, deleted: true };
  const active = (pod: PodFacts | undefined, more: WorkFacts = {}): WorkFacts => ({
    job: { ...JOB, pod },
    jobSeen: true,
    attempts: pod === undefined ? [] : [pod],
    confirmedAt: 0,
    ...more,
  });
  const waits: PodFacts = { ...POD, state: 'waiting', started: false };

  test('gives up a command that has not begun, after a question', () => {
    const { confirmedAt: _, ...unread } = active(waits);
    expect(lookAt({ entry: RUNNING, work: unread, facts: { ...cancelled, cancelledAt: 5 } }).does).toEqual([
      'confirm',
    ]);
    const { entry } = lookAt({ entry: RUNNING, work: active(waits), facts: cancelled });
    expect(entry.ending).toMatchObject({ phase: 'Cancelled', unbegun: true });
  });

  test('lets one that runs finish, unless the NodeOp itself goes', () => {
    const work = active(POD, { commandBegan: true });
    expect(lookAt({ entry: RUNNING, work, facts: cancelled }).entry).toMatchObject({ phase: 'Running' });
    expect(lookAt({ entry: RUNNING, work, facts: cancelled }).entry.ending).toBeUndefined();
    expect(lookAt({ entry: RUNNING, work, facts: gone }).entry.ending).toMatchObject({
      phase: 'Failed',
      message: 'stopped while its command ran: the NodeOp was deleted',
    });
  });

  test('takes a Job that is no longer active for one whose command has begun', () => {
    const work: WorkFacts = { ...active(POD), job: { ...JOB, state: 'failing', pod: POD } };
    expect(lookAt({ entry: RUNNING, work, facts: cancelled }).entry.ending).toBeUndefined();
    expect(lookAt({ entry: RUNNING, work, facts: gone }).entry.ending?.phase).toBe('Failed');
  });

  describe('where another container keeps the pod of a command that has ended', () => {
    const kept = (state: PodFacts['state'], exitCode: number) =>
      active({ ...POD, state, exitCode, keptBy: ['sidecar'] }, { commandBegan: true });

    test.each([
      ['it is done', {}, kept('running', 0), 'Completed', undefined],
      ['it has failed', {}, kept('failed', 4), 'Failed', 'command failed: exit code 4'],
      [
        'its reboot is cancelled',
        { rebootOnSuccess: true },
        kept('running', 0),
        'Completed',
        'its reboot is cancelled',
      ],
      [
        'its postflight is not run',
        { postflight: { command: ['check'] } },
        kept('running', 0),
        'Failed',
        'its postflight was not run: the run file was removed',
      ],
    ])('%s', (_, spec, work, phase, message) => {
      const { entry } = lookAt({ spec, entry: RUNNING, work, facts: cancelled });
      expect(entry.ending?.phase).toBe(phase);
      if (message !== undefined) expect(entry.ending?.message).toBe(message);
    });

    test('nothing changes while nobody takes it back', () => {
      expect(lookAt({ entry: RUNNING, work: kept('running', 0) }).entry).toMatchObject({
        phase: 'Running',
        message: 'the command has ended, but sidecar keeps its pod alive',
      });
    });
  });
});

describe('the time of a command', () => {
  const spec = { startTimeoutSeconds: 90 };
  const waits: PodFacts = { ...POD, state: 'waiting', started: false };
  const job = (pod: PodFacts | undefined): WorkFacts => ({
    job: { ...JOB, pod },
    jobSeen: true,
    attempts: pod === undefined ? [] : [pod],
  });

  test('to begin is counted from its pod, or from its Job where there is none', () => {
    expect(
      lookAt({
        spec,
        entry: RUNNING,
        work: job({ ...waits, createdAt: waits.createdAt + 30_000 }),
        at: 119_999,
      }).does,
    ).not.toContain('delete-job');
    const late = { ...waits, createdAt: waits.createdAt + 30_000, reason: 'ErrImagePull' };
    expect(lookAt({ spec, entry: RUNNING, work: job(late), at: 110_000 })).toMatchObject({
      does: [],
      again: 120_000,
    });
    expect(lookAt({ spec, entry: RUNNING, work: job(late), at: 120_000 }).does).toEqual(['confirm']);
    expect(lookAt({ spec, entry: RUNNING, work: job(undefined), at: 89_999 }).again).toBe(90_000);
    expect(lookAt({ spec, entry: RUNNING, work: job(undefined), at: 90_000 }).does).toEqual(['confirm']);
  });

  test('to begin does not matter once it has', () => {
    const work = job(POD);
    expect(
      lookAt({ spec, entry: RUNNING, work: { ...work, commandBegan: true }, at: 900_000 }),
    ).toMatchObject({ does: [], again: undefined });
    const gone: WorkFacts = { ...job(undefined), commandBegan: true, confirmedAt: Infinity };
    expect(lookAt({ spec, entry: RUNNING, work: gone, at: 900_000 }).entry.phase).toBe('Running');
  });

  test('after its run was cancelled is that of cancelTimeoutSeconds', () => {
    const facts = { cancelled: 'the run file was removed', cancelledAt: waits.createdAt };
    const work: WorkFacts = { ...job(POD), commandBegan: true };
    const given = { spec: { cancelTimeoutSeconds: 60 }, entry: RUNNING, facts };
    expect(lookAt({ ...given, work, at: 59_999 })).toMatchObject({ does: [], again: 60_000 });
    expect(lookAt({ ...given, work, at: 60_000 }).does).toEqual(['confirm']);
    const read = { ...work, confirmedAt: waits.createdAt + 60_000 };
    expect(lookAt({ ...given, work: read, at: 60_000 }).entry.ending).toEqual({
      phase: 'Failed',
      message: 'stopped while its command ran: not done 60 s after the run was cancelled',
    });
    expect(lookAt({ ...given, spec: {}, work: read, at: 60_000 }).entry.ending).toBeUndefined();
  });
});
