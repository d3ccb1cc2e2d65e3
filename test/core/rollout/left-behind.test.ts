import { describe, expect, test } from 'vitest';
import { MARK } from '../../support/world.ts';
import { JOB, lookAt, POD } from './support.ts';

const FAILED = { ...JOB, state: 'failed', reason: 'BackoffLimitExceeded' } as const;
const OVER = {
  job: { ...FAILED, pod: undefined },
  jobSeen: true,
  attempts: [],
  commandBegan: true,
  confirmedAt: 0,
};
const RUNNING = { phase: 'Running', jobName: JOB.name, bootID: 'node-1-boot-0' } as const;
const STAYS_CORDONED = 'the node stays cordoned';
const CORDONED = { unschedulable: true, cordonedBy: MARK };

describe('what the entry of a node says in the end', () => {
  const end = (more: Partial<Parameters<typeof lookAt>[0]>) =>
    lookAt({ spec: { cordon: true }, entry: RUNNING, node: CORDONED, work: OVER, ...more }).entry;

  test('that it stays cordoned, since nothing else would tell why it takes no pods', () => {
    const entry = end({});
    expect(entry).toMatchObject({ phase: 'Failed', cordoned: true });
    expect(entry.message).toContain(STAYS_CORDONED);
  });

  test.each([
    ['somebody else cordoned it', { node: { unschedulable: true, cordonedBy: 'ops/other@uid-9' } }],
    ['it is uncordoned after failures', { spec: { cordon: true, uncordonOnFailure: true } }],
    ['it goes with its NodeOp', { facts: { deleted: true } }],
  ])('and not so where %s', (_, given) => {
    const entry = end(given);
    expect(entry.phase).toBe('Failed');
    expect(entry).not.toHaveProperty('cordoned');
    expect(entry.message ?? '').not.toContain(STAYS_CORDONED);
  });

  test('the boot ID is kept for as long as it may prove something', () => {
    expect(end({})).toMatchObject({ bootID: RUNNING.bootID });
    const done = lookAt({ entry: RUNNING, work: { job: { ...JOB, state: 'succeeded' } } });
    expect(done.entry).toMatchObject({ phase: 'Completed' });
    expect(done.entry).not.toHaveProperty('bootID');
  });
});

test('a reboot that was refused for as long as it may take was none', () => {
  const [at, minute] = [POD.createdAt + 60_000, 60_000];
  const { entry } = lookAt({
    spec: { rebootOnSuccess: true, startTimeoutSeconds: 60, rebootTimeoutSeconds: 3600 },
    entry: { ...RUNNING, phase: 'Rebooting', rebootStatus: 'pending' },
    work: { confirmedAt: at },
    facts: { refusal: () => ({ since: POD.createdAt, at, why: 'denied' }) },
    at: minute,
  });
  expect(entry).toMatchObject({ phase: 'Failed', rebootStatus: 'cancelled' });
  expect(entry.message).toMatch(/^the reboot did not start within 60 s: its pod is refused: denied/);
});
