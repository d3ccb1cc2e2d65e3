import { expect, test } from 'vitest';
import { CheckWork } from '../../src/agent/rollouts/check-work.ts';
import { LABEL_CHECK, LABEL_NODEOP_UID } from '../../src/api/labels.ts';
import type { Pod } from '../../src/api/kubernetes.ts';
import { type NodeOp, NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { Rollout } from '../../src/agent/rollouts/rollout.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { DrainSessions } from '../../src/kube/drain-session.ts';
import { type Caches, Executor, type ExecutorListener } from '../../src/kube/executor.ts';
import { FakeClock } from '../support/fake-clock.ts';

const podOf = (key: string, uid: string): Pod => ({
  metadata: { name: uid, uid, labels: { [LABEL_NODEOP_UID]: 'op', [LABEL_CHECK]: key } },
});

test('of a check that is asked again and again only the last tries are kept, and none of another check goes', () => {
  const work = new CheckWork();
  work.answered('op', '0.1.1', { passed: true, seen: 'of another check' });
  for (let i = 1; i <= 1000; i += 1) work.answered('op', `0.0.${i}`, { passed: true, seen: `try ${i}` });
  expect([...work.facts('op').answers.keys()]).toEqual(['0.1.1', '0.0.1000']);
});

test('a pod that goes is remembered, a namesake that is there does not go with it', () => {
  const work = new CheckWork();
  work.change(podOf('0.0.1', 'first'), false);
  work.change(podOf('0.0.1', 'second'), true);
  expect(work.facts('op').pods.size).toBe(1);
  work.change(podOf('0.0.1', 'first'), true);
  work.lookedUp('op', '0.0.1', 7, false);
  const { pods, seen, gone, readAt } = work.facts('op');
  expect([pods.size, [...seen], [...gone], [...readAt]]).toEqual([0, ['0.0.1'], ['0.0.1'], [['0.0.1', 7]]]);
});

test('what is no pod of a check is none of its business', () => {
  expect(
    new CheckWork().change({ metadata: { labels: { [LABEL_NODEOP_UID]: 'op' } } }, false),
  ).toBeUndefined();
});

test('answers go when another status is put in the place of the one that was decided, and with no write of its own', () => {
  const work = new CheckWork();
  const object = {
    metadata: { name: 'a', uid: 'op' },
    spec: {},
    status: { phase: 'Running' },
  } as unknown as NodeOp;
  const rollout = new Rollout(object, new FakeClock(), {}, (uid) => work.dropAnswers(uid));
  work.answered('op', '0.0.1', { passed: true, seen: 'status 200' });
  rollout.take({ ...object, status: { phase: 'Running' } });
  expect(work.facts('op').answers.size).toBe(1);
  rollout.take({ ...object, status: { phase: 'Pending' } });
  expect(work.facts('op').answers.size).toBe(0);
});

test.each([
  ['is lost on its way', new ApiError(0, {}, undefined, { wasSent: true }), true],
  ['comes from a proxy that has lost it', new ApiError(504, {}), true],
  ['was never sent', new ApiError(0, {}), false],
  ['is a refusal', new ApiError(403, {}), false],
])('whether a pod was made by a request whose answer %s', async (_, error, mayBe) => {
  const asked: string[] = [];
  const client = { create: () => Promise.reject(error) } as unknown as KubeClient;
  const told = { checkMayBeMade: (uid: string, key: string) => asked.push(`${uid} ${key}`) };
  const executor = new Executor(
    client,
    { pods: { put: () => undefined } } as unknown as Caches,
    {} as DrainSessions,
    told as unknown as ExecutorListener,
    new FakeClock(),
    () => Promise.reject(new Error('no request')),
  );
  const steps = [{ name: 'a', checks: [{ command: { command: ['true'] } }] }];
  const spec = NodeOpSpecSchema.parse({ image: 'a', command: ['b'], steps });
  const target = { namespace: 'ops', name: 'a', uid: 'op', object: {} as NodeOp, spec, rehearsal: undefined };
  const ask = { type: 'ask-check', step: 0, check: 0, number: 1, reason: '' } as const;
  await expect(executor.execute(ask, target)).rejects.toBe(error);
  expect(asked).toEqual(mayBe ? ['op 0.0.1'] : []);
});
