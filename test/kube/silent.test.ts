import { expect, test } from 'vitest';
import type { Job, Pod } from '../../src/api/kubernetes.ts';
import { silentOf } from '../../src/kube/silent.ts';

/** Which of a node's objects is asked about in Events. */

const job: Job = { metadata: { name: 'job' } };
const CREATING = { state: { waiting: { reason: 'ContainerCreating' } } };
const PULLING = { state: { waiting: { reason: 'ImagePullBackOff' } } };
const RUNNING = { state: { running: {} } };
const DONE = { state: { terminated: { exitCode: 0 } } };

function pod(name: string, container: object | undefined, labels = {}, status = {}): Pod {
  const containerStatuses = container === undefined ? [] : [{ name: 'nodeop', ...container }];
  return { metadata: { name, labels }, status: { phase: 'Pending', containerStatuses, ...status } };
}
const attempt = (container?: object) => pod('attempt', container, { 'job-name': 'job' });

test.each<[string, Job | undefined, Pod[], string | undefined]>([
  ['a Job that has no pod', job, [], 'job'],
  ['its pod, whose volume cannot be mounted', job, [attempt(CREATING)], 'attempt'],
  ['its pod, of which no kubelet has said anything', job, [attempt()], 'attempt'],
  ['none that says why itself', job, [attempt(PULLING)], undefined],
  ['none that runs', job, [attempt(RUNNING)], undefined],
  ['a preflight or reboot pod', undefined, [pod('helper', CREATING)], 'helper'],
  ['a reboot pod beside the Job that is done', job, [attempt(DONE), pod('helper', CREATING)], 'helper'],
  ['not the preflight that is over', job, [pod('helper', DONE), attempt(CREATING)], 'attempt'],
  [
    'a pod that was ended before it had begun',
    undefined,
    [pod('helper', CREATING, {}, { phase: 'Failed', reason: 'DeadlineExceeded' })],
    'helper',
  ],
  ['nothing where nothing is', undefined, [], undefined],
])('%s', (_, of, pods, expected) => {
  expect(silentOf(of, pods)?.metadata.name).toBe(expected);
});
