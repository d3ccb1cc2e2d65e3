import { expect, test } from 'vitest';
import type { Job, Pod } from '../../src/api/kubernetes.ts';
import { jobFacts, podFacts } from '../../src/kube/facts.ts';

const attempt = (name: string, second: number, exitCode: number, message: string): Pod => ({
  metadata: { name, creationTimestamp: `2030-01-01T00:00:0${second}Z` },
  status: {
    phase: 'Failed',
    containerStatuses: [{ name: 'nodeop', state: { terminated: { exitCode, reason: 'Error', message } } }],
  },
});

test('of several attempts the newest tells what happened, in whatever order they are known', () => {
  const job: Job = {
    metadata: { name: 'flash' },
    status: { failed: 2, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
  };
  const attempts = [attempt('second', 2, 4, 'disk full'), attempt('first', 1, 1, 'no network')];
  for (const pods of [attempts, attempts.toReversed()]) {
    expect(jobFacts(job, pods)).toMatchObject({
      state: 'failed',
      attempts: 2,
      pod: { name: 'second', exitCode: 4, message: 'disk full' },
    });
  }
});

test('a Job without a final condition is active, whatever its pods say', () => {
  const job: Job = { metadata: { name: 'flash' }, status: { failed: 1, active: 0 } };
  expect(jobFacts(job, [attempt('first', 1, 1, 'no network')])).toMatchObject({
    state: 'active',
    attempts: 1,
  });
});

test('what the kubelet says of the pod explains more than what it says of the container', () => {
  const late = attempt('late', 1, 137, '');
  const pod = { ...late, status: { ...late.status, reason: 'DeadlineExceeded' } };
  expect(podFacts(pod)).toMatchObject({ state: 'failed', exitCode: 137, reason: 'DeadlineExceeded' });
});
