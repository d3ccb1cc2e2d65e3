import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { podSpec, SLEEP, useTarget } from './target.ts';

/** Pods and Jobs that cannot start, and where the reason is to be read. */

const target = useTarget();
const jobs = (...rest: string[]) => target.it.group('batch/v1', 'jobs', ...rest);
const pods = (...rest: string[]) => target.it.core('pods', ...rest);

const waiting = (pod: Obj, i = 0): { reason?: string; message?: string } | undefined =>
  (pod.status?.['containerStatuses'] as { state: { waiting?: object } }[] | undefined)?.[i]?.state.waiting;

/** A pod whose container differs from the usual one. */
const pod = (name: string, changes: object) => {
  const spec = podSpec('true');
  const [container] = spec['containers'] as object[];
  return target.it.make(pods(), {
    metadata: { name },
    spec: { ...spec, containers: [{ ...container, ...changes }] },
  });
};

const secret = { valueFrom: { secretKeyRef: { name: 'absent', key: 'token' } } };
const config = { valueFrom: { configMapKeyRef: { name: 'absent', key: 'level' } } };

test.each([
  [
    'an image that cannot be pulled',
    { image: 'registry.invalid/tool:1' },
    /^(ErrImagePull|ImagePullBackOff)$/,
    /registry\.invalid/,
  ],
  ['an image name that is none', { image: 'Tool:1' }, /^InvalidImageName$/, /Tool/],
  [
    'a Secret that is not there',
    { env: [{ name: 'A', ...secret }] },
    /^CreateContainerConfigError$/,
    /secret "absent" not found/,
  ],
  [
    'a ConfigMap that is not there',
    { env: [{ name: 'A', ...config }] },
    /^CreateContainerConfigError$/,
    /configmap "absent" not found/,
  ],
])('%s keeps the container waiting, with the reason', async (what, changes, reason, message) => {
  const name = what.replaceAll(/[^a-z]+/gi, '-').toLowerCase();
  await pod(name, changes);
  // A kubelet that is busy may say something of its caches first.
  const isTold = (it: Parameters<typeof waiting>[0]) =>
    reason.test(waiting(it)?.reason ?? '') && message.test(waiting(it)?.message ?? '');
  const told = await target.it.until(pods(name), isTold);
  expect(told.status).toMatchObject({ phase: 'Pending' });
  expect(await target.it.call('GET', pods(name, 'log'))).toMatchObject({ code: 400 });
});

test('a container starts once what it waited for is there', async () => {
  await pod('patient', {
    command: ['sh', '-c', 'echo "$A"'],
    env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'later', key: 'level' } } }],
  });
  await target.it.until(pods('patient'), (it) => waiting(it)?.reason === 'CreateContainerConfigError');
  await target.it.make(target.it.core('configmaps'), {
    metadata: { name: 'later' },
    data: { level: 'high' },
  });
  await target.it.until(pods('patient'), ({ status }) => status?.['phase'] === 'Succeeded');
  expect(await target.it.text(pods('patient', 'log'))).toBe('high\n');
});

test('statuses of containers are sorted by name; a pod ends with the last of them; a log needs a name', async () => {
  const spec = podSpec('echo done');
  const [container] = spec['containers'] as object[];
  const containers = [
    { ...container, name: 'work' },
    { ...container, name: 'aide', command: ['sh', '-c', SLEEP] },
  ];
  await target.it.make(pods(), { metadata: { name: 'pair' }, spec: { ...spec, containers } });
  const ended = await target.it.until(pods('pair'), ({ status }) => {
    const list = status?.['containerStatuses'] as
      | { name: string; state: { terminated?: object } }[]
      | undefined;
    return list?.find(({ name }) => name === 'work')?.state.terminated !== undefined;
  });
  expect(ended.status).toMatchObject({
    phase: 'Running',
    containerStatuses: [
      { name: 'aide', state: { running: {} } },
      { name: 'work', state: { terminated: { exitCode: 0 } } },
    ],
  });
  expect(await target.it.call('GET', pods('pair', 'log'))).toMatchObject({ code: 400 });
  expect(await target.it.text(pods('pair', 'log'), { container: 'work' })).toBe('done\n');
  await target.it.call('DELETE', pods('pair'));
  await target.it.untilGone(pods('pair'));
});

/** The message of the Job controller's warning. */
async function refusal(job: string): Promise<string> {
  const query = `fieldSelector=involvedObject.name%3D${job}%2Creason%3DFailedCreate`;
  const list = `${target.it.core('events')}?${query}`;
  await expect.poll(async () => (await target.it.call('GET', list)).body.items.length).toBeGreaterThan(0);
  return String((await target.it.call('GET', list)).body.items[0]?.['message']);
}

const job = (name: string, spec: Record<string, unknown>) =>
  target.it.make(jobs(), { metadata: { name }, spec: { template: { spec } } });

test('Pod Security refuses a privileged pod; a Job tells of that in an event', async ({ skip }) => {
  skip(target.it.minor < 23, 'Pod Security admission came with Kubernetes 1.23');
  const enforce = (level: string | null) =>
    target.it.patch('merge', `/api/v1/namespaces/${target.it.namespace}`, {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } },
    });
  await enforce('baseline');
  const spec = podSpec('true', { hostPID: true });
  await expect
    .poll(async () => (await target.it.call('POST', pods(), { metadata: { name: 'bold' }, spec })).body)
    .toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: expect.stringContaining('violates PodSecurity') as unknown,
    });
  await job('bold', spec);
  expect(await refusal('bold')).toMatch(/^Error creating: pods "bold-.*violates PodSecurity "baseline/);
  await enforce(null);
});

test('a quota refuses a pod; a Job tells of that in an event, and its pod comes when there is room', async () => {
  const quota = { metadata: { name: 'none' }, spec: { hard: { 'count/jobs.batch': '50', pods: '0' } } };
  await target.it.make(target.it.core('resourcequotas'), quota);
  const spec = podSpec('true');
  await expect
    .poll(
      async () => (await target.it.call('POST', pods(), { metadata: { generateName: 'more-' }, spec })).body,
    )
    .toMatchObject({ code: 403, message: expect.stringContaining('exceeded quota: none') as unknown });
  await job('many', spec);
  expect(await refusal('many')).toMatch(/^Error creating: pods "many-.*exceeded quota: none/);
  await target.it.call('DELETE', target.it.core('resourcequotas', 'none'));
  await target.it.until(jobs('many'), ({ status }) => status?.['succeeded'] === 1);
});
