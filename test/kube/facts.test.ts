import { expect, test } from 'vitest';
import type { ContainerStatus, Job, Pod } from '../../src/api/kubernetes.ts';
import type { PodFacts } from '../../src/core/rollout/facts.ts';
import { jobFacts, newestOf, podFacts } from '../../src/kube/facts.ts';
import { trimPod } from '../../src/kube/trim.ts';

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

const container = (name: string, state: ContainerStatus['state']): ContainerStatus => ({
  name,
  ...(state && { state }),
});
const exit = (exitCode: number, message?: string) => ({
  terminated: { exitCode, ...(message !== undefined && { message }) },
});
const pod = (status: Pod['status'], restartPolicy: 'Never' | 'OnFailure' = 'Never'): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [], restartPolicy },
  ...(status && { status }),
});

test.each<[string, Pod, Partial<PodFacts>]>([
  [
    'runs while one beside it has ended',
    pod({
      phase: 'Running',
      containerStatuses: [container('aide', exit(0, 'done')), container('nodeop', { running: {} })],
    }),
    { state: 'running', exitCode: undefined, message: undefined },
  ],
  [
    'has ended well while one beside it runs',
    pod({
      phase: 'Running',
      containerStatuses: [container('aide', { running: {} }), container('nodeop', exit(0, 'nothing to do'))],
    }),
    { state: 'succeeded', exitCode: 0, message: 'nothing to do', keptBy: ['aide'] },
  ],
  [
    'has failed for good while one beside it runs',
    pod({
      phase: 'Running',
      containerStatuses: [container('aide', { running: {} }), container('nodeop', exit(3))],
    }),
    { state: 'failed', exitCode: 3, keptBy: ['aide'] },
  ],
  [
    'will be restarted',
    pod(
      {
        phase: 'Running',
        containerStatuses: [container('aide', { running: {} }), container('nodeop', exit(3))],
      },
      'OnFailure',
    ),
    { state: 'waiting', exitCode: 3 },
  ],
  [
    'has ended well, the one beside it badly',
    pod({ phase: 'Failed', containerStatuses: [container('aide', exit(1)), container('nodeop', exit(0))] }),
    { state: 'succeeded', exitCode: 0 },
  ],
  [
    'took its pod’s deadline well',
    pod({ phase: 'Failed', reason: 'DeadlineExceeded', containerStatuses: [container('nodeop', exit(0))] }),
    { state: 'failed', reason: 'DeadlineExceeded' },
  ],
  [
    'waits for an image while one beside it runs',
    pod({
      phase: 'Pending',
      containerStatuses: [
        container('aide', { running: {} }),
        container('nodeop', { waiting: { reason: 'ErrImagePull', message: 'no such host' } }),
      ],
    }),
    { state: 'waiting', reason: 'ErrImagePull', message: 'no such host' },
  ],
  [
    'waits for an init container that cannot start',
    pod({
      phase: 'Pending',
      initContainerStatuses: [
        container('mesh-init', { waiting: { reason: 'ImagePullBackOff', message: 'denied' } }),
      ],
      containerStatuses: [container('nodeop', { waiting: { reason: 'PodInitializing' } })],
    }),
    { state: 'waiting', reason: 'init container mesh-init: ImagePullBackOff', message: 'denied' },
  ],
  [
    'never began, since an init container failed',
    pod({
      phase: 'Failed',
      initContainerStatuses: [container('mesh-init', exit(1, 'no iptables'))],
      containerStatuses: [container('nodeop', { waiting: { reason: 'PodInitializing' } })],
    }),
    {
      state: 'failed',
      exitCode: undefined,
      reason: 'init container mesh-init: exit code 1',
      message: 'no iptables',
    },
  ],
  [
    'is not told of yet',
    pod({ phase: 'Running', containerStatuses: [container('aide', exit(0))] }),
    { state: 'waiting', exitCode: undefined },
  ],
])('the container that does the work decides: %s', (_, seen, expected) => {
  expect(podFacts(trimPod(seen))).toMatchObject(expected);
});

test('of attempts of the same second the one that goes on is the newest, else the one that ended last', () => {
  const at = (name: string, state: ContainerStatus['state'], phase: 'Running' | 'Failed'): Pod => ({
    metadata: { name, creationTimestamp: '2030-01-01T00:00:00Z' },
    status: { phase, containerStatuses: [container('nodeop', state)] },
  });
  const ended = (second: number) => ({
    terminated: { exitCode: 1, finishedAt: `2030-01-01T00:00:0${second}Z` },
  });
  const [first, second] = [at('a', ended(1), 'Failed'), at('b', ended(2), 'Failed')];
  const third = at('c', { running: {} }, 'Running');
  for (const pods of [
    [first, second, third],
    [third, second, first],
  ]) {
    expect(newestOf(pods)?.metadata.name).toBe('c');
    expect(newestOf(pods.filter((it) => it !== third))?.metadata.name).toBe('b');
  }
});
