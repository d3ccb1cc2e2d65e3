import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { conditionOf, podSpec, useTarget } from './target.ts';

/** How Jobs end whose pods fail, are disrupted, or take their time. */

const target = useTarget();
const jobs = (...rest: string[]) => target.it.group('batch/v1', 'jobs', ...rest);
const pods = (...rest: string[]) => target.it.core('pods', ...rest);

const CODES = { containerName: 'main', operator: 'In', values: [137, 143] };
const POLICY = {
  podReplacementPolicy: 'Failed',
  podFailurePolicy: {
    rules: [
      { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: CODES },
    ],
  },
};

/** A container that hears SIGTERM and goes on for a while. */
const SLOW = 'trap "sleep 4; exit 1" TERM; echo up; while true; do sleep 0.2; done';

const job = (name: string, command: string, spec: object = {}, pod: object = {}) =>
  target.it.make(jobs(), {
    metadata: { name },
    spec: { backoffLimit: 3, template: { spec: podSpec(command, pod) }, ...spec },
  });

const podsOf = async (name: string): Promise<Obj[]> =>
  (await target.it.call('GET', `${pods()}?labelSelector=job-name%3D${name}`)).body.items;

/** A pod runs before its command is ready to hear anything. */
async function isUp(name: string): Promise<void> {
  await expect.poll(() => target.it.text(pods(name, 'log')).catch(() => '')).toBe('up\n');
}

/** The Job's pod, once it runs. */
async function running(name: string): Promise<Obj> {
  await expect.poll(async () => (await podsOf(name)).length).toBe(1);
  const [pod] = await podsOf(name);
  await isUp(pod?.metadata.name ?? '');
  return pod as Obj;
}

const failed = (name: string) =>
  target.it.until(jobs(name), (it) => conditionOf(it, 'Failed')?.status === 'True');

test('fields that a server does not know are dropped without a word', async () => {
  const made = await job('known', 'true', POLICY);
  expect('podFailurePolicy' in (made.spec ?? {})).toBe(target.it.minor >= 26);
  expect('podReplacementPolicy' in (made.spec ?? {})).toBe(target.it.minor >= 29);
});

test('a container that ends by one of the policy’s exit codes fails its Job: no second pod', async ({
  skip,
}) => {
  skip(target.it.minor < 26, 'podFailurePolicy came with Kubernetes 1.26');
  await job('killed', 'exit 143', POLICY);
  expect(conditionOf(await failed('killed'), 'Failed')).toMatchObject({
    reason: 'PodFailurePolicy',
    message: expect.stringMatching(
      /Container main for pod .* failed with exit code 143 matching FailJob/,
    ) as unknown,
  });
  expect(await podsOf('killed')).toHaveLength(1);
});

test('other exit codes are retried as ever', async ({ skip }) => {
  skip(target.it.minor < 26, 'podFailurePolicy came with Kubernetes 1.26');
  await job('plain', 'exit 3', { ...POLICY, backoffLimit: 1 });
  expect(conditionOf(await failed('plain'), 'Failed')?.reason).toBe('BackoffLimitExceeded');
  expect(await podsOf('plain')).toHaveLength(2);
});

test('a pod that is evicted is a disruption target, and fails its Job', async ({ skip }) => {
  skip(target.it.minor < 26, 'podFailurePolicy came with Kubernetes 1.26');
  await job('evicted', SLOW, POLICY, { terminationGracePeriodSeconds: 30 });
  const { metadata } = await running('evicted');
  const eviction = { apiVersion: target.it.evictionVersion, kind: 'Eviction', metadata };
  expect((await target.it.call('POST', pods(metadata.name ?? '', 'eviction'), eviction)).code).toBe(200);
  const pod = await target.it.until(
    pods(metadata.name ?? ''),
    (it) => it.metadata.deletionTimestamp !== undefined,
  );
  expect(conditionOf(pod, 'DisruptionTarget')?.status).toBe('True');
  expect(conditionOf(await failed('evicted'), 'Failed')).toMatchObject({
    reason: 'PodFailurePolicy',
    message: expect.stringMatching(/has condition DisruptionTarget matching FailJob/) as unknown,
  });
});

test('with podReplacementPolicy: Failed no pod follows one that is still terminating', async ({ skip }) => {
  skip(target.it.minor < 29, 'podReplacementPolicy came with Kubernetes 1.29');
  const spec = { podReplacementPolicy: 'Failed' };
  await job('slow', SLOW, spec, { terminationGracePeriodSeconds: 30 });
  const first = await running('slow');
  await target.it.call('DELETE', pods(first.metadata.name ?? ''));
  const { status } = await target.it.until(jobs('slow'), (it) => it.status?.['terminating'] === 1);
  expect(status).not.toHaveProperty('active');
  const names = async () => (await podsOf('slow')).map(({ metadata }) => metadata.name);
  expect(await names()).toEqual([first.metadata.name]);
  await expect.poll(names).not.toContain(first.metadata.name);
  await expect.poll(async () => (await podsOf('slow')).length).toBe(1);
});

test('a Job that is to fail says FailureTarget at once, Failed when its pods have ended', async ({
  skip,
}) => {
  skip(target.it.minor < 31, 'before Kubernetes 1.31 a Job is Failed while its pods go on');
  await job('late', SLOW, { ...POLICY, activeDeadlineSeconds: 8 }, { terminationGracePeriodSeconds: 30 });
  await running('late');
  const told = await target.it.until(jobs('late'), (it) => conditionOf(it, 'FailureTarget') !== undefined);
  expect(conditionOf(told, 'FailureTarget')).toMatchObject({ status: 'True', reason: 'DeadlineExceeded' });
  expect(conditionOf(told, 'Failed')).toBeUndefined();
  expect((await podsOf('late')).length).toBe(1);
  expect(conditionOf(await failed('late'), 'Failed')?.reason).toBe('DeadlineExceeded');
  const left = (await podsOf('late')).filter((pod) => pod.status?.['phase'] === 'Running');
  expect(left).toEqual([]);
});

test('a pod that is deleted hears SIGTERM first, and is killed when its grace period is over', async () => {
  const hears = 'trap "exit 0" TERM; echo up; while true; do sleep 0.2; done';
  const deaf = 'trap "" TERM; echo up; while true; do sleep 0.2; done';
  await target.it.make(pods(), {
    metadata: { name: 'deaf' },
    spec: podSpec(deaf, { terminationGracePeriodSeconds: 3 }),
  });
  await target.it.make(pods(), {
    metadata: { name: 'hears' },
    spec: podSpec(hears, { terminationGracePeriodSeconds: 60 }),
  });
  await Promise.all([isUp('deaf'), isUp('hears')]);
  const began = Date.now();
  await target.it.call('DELETE', pods('deaf'));
  await target.it.call('DELETE', pods('hears'));
  await target.it.untilGone(pods('hears'));
  expect(Date.now() - began).toBeLessThan(50_000);
  await target.it.untilGone(pods('deaf'));
  expect(Date.now() - began).toBeGreaterThan(2_000);
});

test('a policy needs pods that are never restarted, and exit codes in order', async ({ skip }) => {
  skip(target.it.minor < 26, 'podFailurePolicy came with Kubernetes 1.26');
  const post = (name: string, spec: object, pod: object = {}) =>
    target.it.call('POST', jobs(), {
      metadata: { name },
      spec: { template: { spec: podSpec('true', pod) }, ...POLICY, ...spec },
    });
  expect(await post('restarts', {}, { restartPolicy: 'OnFailure' })).toMatchObject({ code: 422 });
  const rules = [{ action: 'FailJob', onExitCodes: { ...CODES, values: [143, 137] } }];
  expect(await post('disorder', { podFailurePolicy: { rules } })).toMatchObject({ code: 422 });
});
