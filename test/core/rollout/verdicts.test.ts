import { describe, expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import type { WorkFacts } from '../../../src/core/rollout/facts.ts';
import { BEGAN, type Given, JOB, lookAt, POD } from './support.ts';

const ENDING = { phase: 'Failed', message: 'why' } as const;
const RUNNING: Partial<NodeStatus> = { phase: 'Running', jobName: JOB.name, attempts: 1, ending: ENDING };
const ACTIVE: WorkFacts = { job: { ...JOB, pod: POD }, jobSeen: true, attempts: [POD], commandBegan: true };
const unrecorded = {
  persisted: { phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running' } } },
} as const;
const GOING: WorkFacts = { attempts: [{ ...POD, deleting: true }], jobSeen: true, commandBegan: true };

describe('a verdict that stands', () => {
  test('is on record before what it ends is deleted', () => {
    const given: Given = { entry: RUNNING, work: ACTIVE };
    expect(lookAt({ ...given, facts: unrecorded })).toMatchObject({ does: [], entry: { phase: 'Running' } });
    expect(lookAt(given).does).toEqual(['delete-job']);
  });

  test('ends the Job first, which would make another pod in the place of one that is told to go', () => {
    const isGoing: WorkFacts = { ...ACTIVE, job: { ...JOB, deleting: true } };
    expect(lookAt({ entry: RUNNING, work: ACTIVE }).does).toEqual(['delete-job']);
    expect(lookAt({ entry: RUNNING, work: isGoing }).does).toEqual(['delete-pod']);
    const { job: _, ...left } = ACTIVE;
    expect(lookAt({ entry: RUNNING, work: left }).does).toEqual(['delete-pod']);
  });

  test('says what it waits for', () => {
    expect(lookAt({ entry: RUNNING, work: ACTIVE }).entry.message).toBe(
      'why; waiting until Job flash-node-1, pod flash-node-1-pod is gone',
    );
    const silent = { ...RUNNING, ending: { phase: 'Cancelled', message: '' } as const };
    expect(lookAt({ entry: silent, work: GOING }).entry.message).toBe(
      'waiting until pod flash-node-1-pod is gone',
    );
  });

  test('is final once nothing of it is left, and not before', () => {
    expect(lookAt({ entry: RUNNING, work: GOING })).toMatchObject({ does: [], entry: { phase: 'Running' } });
    const gone = { jobSeen: true, commandBegan: true };
    expect(lookAt({ entry: RUNNING, work: gone }).entry).toMatchObject({ phase: 'Failed', message: 'why' });
  });

  test.each(['create-preflight', 'create-job', 'create-reboot', 'create-postflight'])(
    'waits for the answer to %s, which may make something yet',
    (type) => {
      const busy = (node: string) => ({ busy: new Set([`${type}/${node}`]) });
      expect(lookAt({ entry: RUNNING, facts: busy('node-1') }).entry.phase).toBe('Running');
      expect(lookAt({ entry: RUNNING, facts: busy('node-2') }).entry.phase).toBe('Failed');
    },
  );

  describe('while a request was not answered', () => {
    const asked = (type: string, node = 'node-1') => ({
      mayComeUntil: (key: string) => (key === `${type}/${node}` ? POD.createdAt + 20_000 : undefined),
    });
    const waits = 'why; waiting until nothing can come of a request that the API server has not answered';

    test.each(['create-preflight', 'create-job', 'create-reboot', 'create-postflight'])(
      'to %s, is final only when nothing can come of it any more',
      (type) => {
        const given: Given = { entry: RUNNING, facts: asked(type) };
        expect(lookAt({ ...given, at: 19_999 })).toMatchObject({
          entry: { phase: 'Running', message: waits },
          again: 20_000,
        });
        expect(lookAt({ ...given, at: 20_000 }).entry).toMatchObject({ phase: 'Failed', message: 'why' });
        expect(lookAt({ ...given, facts: asked(type, 'node-2') }).entry.phase).toBe('Failed');
      },
    );

    test('also on a node that is gone, whose name another one may have', () => {
      const facts = { ...asked('create-job'), nodes: new Map() };
      const entry: Partial<NodeStatus> = { phase: 'Running' };
      expect(lookAt({ entry, facts, at: 19_999 }).entry).toMatchObject({
        phase: 'Running',
        ending: { phase: 'Failed', message: 'node is gone' },
      });
    });

    test('what has begun keeps its name, by which it would begin once more', () => {
      const given: Given = { entry: RUNNING, facts: asked('create-job') };
      expect(lookAt({ ...given, work: ACTIVE, at: 19_999 })).toMatchObject({ does: [], again: 20_000 });
      expect(lookAt({ ...given, work: ACTIVE, at: 20_000 }).does).toEqual(['delete-job']);
      const { commandBegan: _, ...unbegun } = ACTIVE;
      expect(lookAt({ ...given, work: unbegun, at: 19_999 }).does).toEqual(['delete-job']);
    });
  });

  test('on a node that is not Ready waits for no kubelet: that the deletion is accepted is enough', () => {
    const node = { ready: false };
    const { entry } = lookAt({
      entry: RUNNING,
      work: GOING,
      node,
      spec: { cordon: true, uncordonOnFailure: true },
    });
    expect(entry).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
    expect(entry.message).toMatch(/^outcome unknown: the node is not Ready; why/);
    expect(lookAt({ entry: RUNNING, work: ACTIVE, node }).does).toEqual(['delete-job']);
  });

  test('is final on a node that is gone, whatever is known of pods there', () => {
    const { entry } = lookAt({ entry: RUNNING, work: GOING, facts: { nodes: new Map() } });
    expect(entry).toMatchObject({ phase: 'Failed', message: 'why' });
    expect(entry.outcomeUnknown).toBeUndefined();
  });
});

describe('a verdict on a command that had not begun', () => {
  const unbegun: Partial<NodeStatus> = {
    ...RUNNING,
    ending: { phase: 'Cancelled', message: 'why', unbegun: true },
  };
  const cancelled = { phase: 'Cancelled', message: 'Cancelled: why' };

  test.each<[string, Partial<NodeStatus>, WorkFacts, object]>([
    ['holds where it never did', unbegun, { jobSeen: true }, cancelled],
    ['holds where there was no Job', { ...unbegun, jobName: '' }, { jobSeen: true }, cancelled],
    [
      'is another one where it did',
      unbegun,
      { jobSeen: true, commandBegan: true },
      { phase: 'Failed', message: 'stopped while its command ran: why' },
    ],
    [
      'is unknown where nobody saw its Job go',
      unbegun,
      {},
      {
        phase: 'Failed',
        outcomeUnknown: true,
        message: 'outcome unknown: the end of its Job was not seen; why',
      },
    ],
    [
      'is unknown where nobody told what became of its pod',
      unbegun,
      { jobSeen: true, unheardSince: BEGAN - 5_000 },
      { phase: 'Failed', outcomeUnknown: true },
    ],
    [
      'is a failure where a time-out was one',
      { ...unbegun, ending: { ...ENDING, unbegun: true } },
      {},
      { phase: 'Failed', message: 'why' },
    ],
    [
      'is another one where a time-out was one and it began after all',
      { ...unbegun, ending: { ...ENDING, unbegun: true } },
      { commandBegan: true },
      { phase: 'Failed', message: 'stopped while its command ran: why' },
    ],
  ])('%s', (_, entry, work, expected) => {
    expect(lookAt({ entry, work }).entry).toMatchObject(expected);
  });

  test('waits a moment for the watch to tell whether it had', () => {
    const unheard = { jobSeen: true, unheardSince: BEGAN };
    const seen = lookAt({ entry: unbegun, work: unheard });
    expect(seen).toMatchObject({ entry: { phase: 'Running' }, does: [], again: 5_000 });
    expect(seen.entry.message).toBe('why; waiting to hear whether its command had begun');
    const told = lookAt({ entry: unbegun, work: { ...unheard, commandBegan: true } });
    expect(told.entry).toMatchObject({ phase: 'Failed', message: 'stopped while its command ran: why' });
  });

  test('cancels its reboot', () => {
    expect(
      lookAt({ entry: { ...unbegun, rebootStatus: 'pending' }, work: { jobSeen: true } }).entry.rebootStatus,
    ).toBe('cancelled');
  });
});

describe('what may not be deleted', () => {
  const refusal = (since: number, at: number) => ({ refusal: () => ({ since, at, why: 'denied' }) });
  const given = (since: number, at: number): Given => ({
    spec: { startTimeoutSeconds: 60 },
    entry: RUNNING,
    work: ACTIVE,
    facts: refusal(POD.createdAt + since, POD.createdAt + at),
  });

  test('leaves the outcome unknown once it was refused for startTimeoutSeconds, and asked for once more', () => {
    expect(lookAt({ ...given(0, 60_000), at: 59_999 }).entry.phase).toBe('Running');
    expect(lookAt({ ...given(0, 59_999), at: 60_000 }).entry.phase).toBe('Running');
    const { entry } = lookAt({ ...given(0, 60_000), at: 60_000 });
    expect(entry).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
    expect(entry.message).toBe(
      'outcome unknown: what was started was not ended within 60 s: the deletion of its Job is refused: denied; why',
    );
  });
});

describe('a node that is another one', () => {
  test('has failed: the one that was worked on is gone', () => {
    const entry: Partial<NodeStatus> = { phase: 'Running', jobName: JOB.name, nodeUID: 'other-ui' };
    const work = { jobSeen: true };
    expect(lookAt({ entry, work }).entry).toMatchObject({
      phase: 'Failed',
      message: 'node is gone; another one has its name now',
    });
    const same = { ...entry, nodeUID: 'node-1-u' };
    expect(lookAt({ entry: same, work: ACTIVE }).entry.phase).toBe('Running');
  });

  test('has failed too where the agent that began with it was lost before its record', () => {
    const pending = { phase: 'Pending' } as const;
    const done = { ...POD, state: 'succeeded', exitCode: 0 } as const;
    const made = (nodeUID: string): WorkFacts[] => [
      { ...ACTIVE, job: { ...JOB, nodeUID, pod: POD } },
      { job: { ...JOB, nodeUID, state: 'succeeded', pod: done }, attempts: [done], commandBegan: true },
      { preflight: { ...POD, nodeUID } },
      { preflight: { ...POD, nodeUID: 'node-1-uid' }, job: { ...JOB, nodeUID } },
    ];
    for (const work of made('other-uid')) {
      const { entry } = lookAt({ entry: pending, work });
      const { phase, message } = entry.ending ?? entry;
      expect({ phase, message }).toEqual({
        phase: 'Failed',
        message: 'node is gone; another one has its name now',
      });
    }
    for (const work of made('node-1-uid')) {
      const { entry } = lookAt({ entry: pending, work, spec: { preflight: { command: ['x'] } } });
      expect(entry.ending).toBeUndefined();
      expect(entry.phase).not.toBe('Failed');
    }
  });

  test('or none at all any more, of whose command nobody saw whether it began: it is not Cancelled', () => {
    const ending = { phase: 'Cancelled', message: 'enough', unbegun: true } as const;
    const entry: Partial<NodeStatus> = { phase: 'Running', jobName: JOB.name, nodeUID: 'node-1-u', ending };
    const work = { jobSeen: true };
    const unknown = {
      phase: 'Failed',
      outcomeUnknown: true,
      message: 'outcome unknown: the end of its Job was not seen; enough',
    };
    expect(lookAt({ entry, work }).entry).toMatchObject({ phase: 'Cancelled' });
    expect(lookAt({ entry, work, facts: { nodes: new Map() } }).entry).toMatchObject(unknown);
    expect(lookAt({ entry: { ...entry, nodeUID: 'other-ui' }, work }).entry).toMatchObject(unknown);
  });

  test('ends what was made for the one before it', () => {
    const began = lookAt({
      entry: { phase: 'Pending' },
      work: { ...ACTIVE, job: { ...JOB, nodeUID: 'other-uid' } },
    });
    expect(began).toMatchObject({ does: [], entry: { phase: 'Running' } });
    const recorded = lookAt({
      entry: began.entry,
      work: { ...ACTIVE, job: { ...JOB, nodeUID: 'other-uid' } },
    });
    expect(recorded.does).toEqual(['delete-job']);
    expect(lookAt({ entry: began.entry }).entry).toMatchObject({
      phase: 'Failed',
      message: 'node is gone; another one has its name now',
    });
  });

  test('or is gone', () => {
    const facts = { nodes: new Map() };
    expect(lookAt({ entry: { phase: 'Draining' }, facts }).entry).toMatchObject({
      phase: 'Failed',
      message: 'node is gone',
    });
    expect(lookAt({ entry: { phase: 'Pending' }, facts }).entry).toMatchObject({
      phase: 'Failed',
      message: 'node is gone',
    });
  });
});
