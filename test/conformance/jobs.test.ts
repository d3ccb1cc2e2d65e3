import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { conditionOf, podSpec, SLEEP, useTarget } from './target.ts';

const target = useTarget();
const jobs = (...rest: string[]) => target.it.group('batch/v1', 'jobs', ...rest);
const pods = (...rest: string[]) => target.it.core('pods', ...rest);

const job = (name: string, command: string, spec: object = {}) =>
  target.it.make(jobs(), {
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec: podSpec(command) }, ...spec },
  });

const podsOf = async (name: string): Promise<Obj[]> =>
  (await target.it.call('GET', `${pods()}?labelSelector=job-name%3D${name}`)).body.items;

const ended = (name: string) =>
  target.it.until(jobs(name), (it) =>
    ['Complete', 'Failed'].some((type) => conditionOf(it, type)?.status === 'True'),
  );

test('a job that succeeds is Complete; its pod carries its name and owner', async () => {
  const made = await job('good', 'echo one; echo two; echo three');
  const done = await ended('good');
  expect(conditionOf(done, 'Complete')?.status).toBe('True');
  expect(done.status).toMatchObject({ succeeded: 1 });
  expect(done.status?.['startTime']).toBeDefined();
  expect(done.status?.['completionTime']).toBeDefined();
  const [pod] = await podsOf('good');
  expect(pod?.metadata.ownerReferences).toMatchObject([
    { apiVersion: 'batch/v1', kind: 'Job', name: 'good', uid: made.metadata.uid, controller: true },
  ]);
  expect(pod?.metadata.name).toMatch(/^good-/);
  const log = pods(pod?.metadata.name ?? '', 'log');
  expect(await target.it.text(log)).toBe('one\ntwo\nthree\n');
  expect(await target.it.text(log, { tailLines: 2 })).toBe('two\nthree\n');
  expect(await target.it.text(log, { limitBytes: 5 })).toBe('one\nt');
  expect(await target.it.text(log, { container: 'main' })).toBe('one\ntwo\nthree\n');
  const timed = (await target.it.text(log, { timestamps: 'true' })).trimEnd().split('\n');
  expect(timed.map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}\S+ /, ''))).toEqual([
    'one',
    'two',
    'three',
  ]);
  const since = (time: string) => target.it.text(log, { sinceTime: time });
  expect(await since('2020-01-01T00:00:00Z')).toBe('one\ntwo\nthree\n');
  expect(await since('2190-01-01T00:00:00Z')).toBe('');
  expect(await target.it.text(log, { follow: 'true' })).toBe('one\ntwo\nthree\n');
});

test('a job that fails beyond its limit says so; its pod tells exit code and message', async () => {
  await job('bad', 'echo it broke; exit 3');
  const done = await ended('bad');
  expect(conditionOf(done, 'Failed')).toMatchObject({ status: 'True', reason: 'BackoffLimitExceeded' });
  expect(done.status).toMatchObject({ failed: 1 });
  const [pod] = await podsOf('bad');
  expect(pod?.status).toMatchObject({
    phase: 'Failed',
    containerStatuses: [
      { name: 'main', state: { terminated: { exitCode: 3, reason: 'Error', message: 'it broke\n' } } },
    ],
  });
});

test('a retry is a pod of its own', async () => {
  await job('retry', 'exit 1', { backoffLimit: 1 });
  const done = await ended('retry');
  expect(conditionOf(done, 'Failed')?.reason).toBe('BackoffLimitExceeded');
  expect(await podsOf('retry')).toHaveLength(2);
});

test('a job past its deadline is Failed and its pod is gone', async () => {
  await job('late', SLEEP, { activeDeadlineSeconds: 1 });
  const done = await ended('late');
  expect(conditionOf(done, 'Failed')).toMatchObject({ status: 'True', reason: 'DeadlineExceeded' });
  await expect.poll(() => podsOf('late')).toEqual([]);
});

test('a job bound to a node runs there, even a cordoned one, and the pod knows its node', async () => {
  const { body } = await target.it.call('GET', '/api/v1/nodes');
  const nodeName = body.items.at(-1)?.metadata.name;
  const env = [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }];
  const spec = podSpec('echo "on $NODE"', { nodeName });
  const [container] = spec['containers'] as object[];
  await job('bound', '', { template: { spec: { ...spec, containers: [{ ...container, env }] } } });
  await ended('bound');
  const [pod] = await podsOf('bound');
  expect(pod?.spec?.['nodeName']).toBe(nodeName);
  expect(await target.it.text(pods(pod?.metadata.name ?? '', 'log'))).toBe(`on ${nodeName}\n`);
});

test('the log of no pod is NotFound', async () => {
  expect(await target.it.call('GET', pods('absent', 'log'))).toMatchObject({ code: 404 });
});

test('the template cannot be changed; a pod policy that restarts for ever is refused', async () => {
  await job('fixed', 'true');
  const patch = { spec: { template: { spec: { containers: [{ name: 'main', image: 'other' }] } } } };
  expect(await target.it.patch('strategic', jobs('fixed'), patch)).toMatchObject({
    code: 422,
    body: { reason: 'Invalid' },
  });
  const always = { backoffLimit: 0, template: { spec: podSpec('true', { restartPolicy: 'Always' }) } };
  const refused = await target.it.call('POST', jobs(), { metadata: { name: 'always' }, spec: always });
  expect(refused).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  expect(refused.body.message).toContain('restartPolicy');
});
