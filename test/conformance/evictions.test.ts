import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { isReady, podSpec, SLEEP, useTarget } from './target.ts';

const target = useTarget();
const pods = (...rest: string[]) => target.it.core('pods', ...rest);
const budgets = (...rest: string[]) => target.it.group(target.it.budgets, 'poddisruptionbudgets', ...rest);

const pod = (name: string, spec: object = {}, app = name) =>
  target.it.make(pods(), { metadata: { name, labels: { app } }, spec: podSpec(SLEEP, spec) });

async function readyPod(name: string, app = name): Promise<Obj> {
  await pod(name, {}, app);
  return target.it.until(pods(name), isReady);
}

async function budget(name: string, spec: object, app = name, healthy = 1): Promise<void> {
  await target.it.make(budgets(), {
    apiVersion: target.it.budgets,
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { selector: { matchLabels: { app } }, ...spec },
  });
  await target.it.until(
    budgets(name),
    ({ status }) => status?.['observedGeneration'] === 1 && status['currentHealthy'] === healthy,
  );
}

const evict = (name: string, deleteOptions: object = {}, body = name) =>
  target.it.call('POST', pods(name, 'eviction'), {
    apiVersion: target.it.evictionVersion,
    kind: 'Eviction',
    metadata: { name: body, namespace: target.it.namespace },
    deleteOptions,
  });

test('an eviction ends the pod gracefully, with the grace period it asks for', async () => {
  await readyPod('plain');
  expect(await evict('plain', { gracePeriodSeconds: 5 })).toMatchObject({ code: 200 });
  const { body, code } = await target.it.call('GET', pods('plain'));
  if (code === 200) {
    expect(body.metadata.deletionTimestamp).toBeDefined();
    expect(body.metadata.deletionGracePeriodSeconds).toBe(5);
  }
  await target.it.untilGone(pods('plain'));
});

test('a pod that is gone is NotFound; another uid is a Conflict; another name is a bad request', async () => {
  expect(await evict('absent')).toMatchObject({ code: 404, body: { reason: 'NotFound' } });
  const { metadata } = await readyPod('uid');
  const wrong = await evict('uid', { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } });
  expect(wrong).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
  expect(wrong.body.message).toContain('UID in the precondition');
  expect(await evict('uid', {}, 'other')).toMatchObject({ code: 400 });
  expect(await evict('uid', { preconditions: { uid: metadata.uid } })).toMatchObject({ code: 200 });
  await target.it.untilGone(pods('uid'));
});

test('a budget that allows none answers 429 and names itself; freed, the eviction goes through', async () => {
  await readyPod('blocked');
  await budget('blocked', { minAvailable: 1 });
  const answer = await evict('blocked');
  expect(answer).toMatchObject({ code: 429, body: { kind: 'Status', reason: 'TooManyRequests' } });
  expect(answer.body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
  expect(answer.body.details?.causes).toEqual([
    {
      reason: 'DisruptionBudget',
      message: 'The disruption budget blocked needs 1 healthy pods and has 1 currently',
    },
  ]);
  expect(answer.retryAfterMs).toBeUndefined();
  expect((await target.it.call('GET', pods('blocked'))).body.metadata.deletionTimestamp).toBeUndefined();
  await target.it.call('DELETE', budgets('blocked'));
  await expect.poll(async () => (await evict('blocked')).code).toBe(200);
});

test('a budget lets as many go as it allows', async () => {
  await Promise.all(['many-1', 'many-2', 'many-3'].map((name) => readyPod(name, 'many')));
  await budget('many', { minAvailable: 2 }, 'many', 3);
  await target.it.until(budgets('many'), ({ status }) => status?.['disruptionsAllowed'] === 1);
  const codes = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const name of ['many-1', 'many-2', 'many-3']) codes.push((await evict(name)).code);
  expect(codes).toEqual([200, 429, 429]);
});

test('two budgets on one pod are an error for ever', async () => {
  await readyPod('twice');
  await budget('one', { minAvailable: 0 }, 'twice');
  await budget('two', { minAvailable: 0 }, 'twice');
  const answer = await evict('twice');
  expect(answer.code).toBe(500);
  expect(answer.body.message).toContain('more than one PodDisruptionBudget');
});

test('a pending pod and a finished one go whatever a budget says', async () => {
  await pod('pending', { nodeSelector: { 'no-such-label': 'x' } }, 'lax');
  await target.it.make(pods(), {
    metadata: { name: 'finished', labels: { app: 'lax' } },
    spec: podSpec('true'),
  });
  await target.it.until(pods('finished'), ({ status }) => status?.['phase'] === 'Succeeded');
  await budget('lax', { minAvailable: 5 }, 'lax', 0);
  expect(await evict('pending')).toMatchObject({ code: 200 });
  expect(await evict('finished')).toMatchObject({ code: 200 });
  await target.it.untilGone(pods('pending'));
  await target.it.untilGone(pods('finished'));
});

test('a terminating pod may be evicted again', async () => {
  await readyPod('leaving');
  await target.it.patch('merge', pods('leaving'), { metadata: { finalizers: ['nodeop.dev/hold'] } });
  await budget('leaving', { minAvailable: 1 });
  await target.it.call('DELETE', pods('leaving'));
  expect(await evict('leaving')).toMatchObject({ code: 200 });
  await target.it.patch('merge', pods('leaving'), { metadata: { finalizers: null } });
  await target.it.untilGone(pods('leaving'));
});

test('a pod that is not ready goes when the budget has enough without it', async ({ skip }) => {
  skip(target.it.minor < 23, 'older servers count it like a healthy one');
  await readyPod('healthy', 'mixed');
  await pod('unhealthy', { readinessGates: [{ conditionType: 'nodeop.dev/never' }] }, 'mixed');
  await target.it.until(pods('unhealthy'), ({ status }) => status?.['phase'] === 'Running');
  await budget('mixed', { minAvailable: 1 }, 'mixed');
  expect(await evict('healthy')).toMatchObject({ code: 429 });
  expect(await evict('unhealthy')).toMatchObject({ code: 200 });
});
