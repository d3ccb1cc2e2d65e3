import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Rollout } from '../../src/agent/rollouts/rollout.ts';
import { ANNOTATION_SPEC, ANNOTATION_UID } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { Check } from '../../src/api/checks.ts';
import type { Answer } from '../../src/core/checks/try.ts';
import type { Obj, Outcome } from '../../src/sim/index.ts';
import { Cluster, type VirtualCluster } from '../support/cluster.ts';

/** Checks of steps on an embedded cluster: requests are answered by the test, commands are pods of the cluster. */

let cluster: VirtualCluster;
/** What is answered next; the last one again and again. */
let answers: boolean[];
/** How the pods of checks end, one after the other. */
let ends: Outcome[];
let asked: Check[];
/** Names of all pods of checks that were ever made. */
let made: string[];

beforeAll(async () => {
  cluster = await Cluster.virtual(
    {
      nodes: 3,
      script: ({ metadata }) => {
        const isCheck = metadata.labels?.['agent.nodeop.dev/check'] !== undefined;
        return (isCheck ? ends.shift() : undefined) ?? { durationMs: 1000 };
      },
    },
    {
      asker: (check): Promise<Answer> => {
        asked.push(check);
        const passed = (answers.length > 1 ? answers.shift() : answers[0]) ?? true;
        return Promise.resolve({ passed, seen: passed ? 'status 200' : 'status 503, expected 200' });
      },
    },
  );
  cluster.sim.store.watch('pods', undefined, ({ type, object }) => {
    if (type === 'ADDED' && isCheck(object)) made.push(object.metadata.name ?? '');
  });
});

afterAll(() => cluster.stop());

beforeEach(() => {
  [answers, ends, asked, made] = [[], [], [], []];
});

const isCheck = (pod: Obj) => pod.metadata.labels?.['agent.nodeop.dev/check'] !== undefined;
const checkPods = () => cluster.sim.store.all('pods').filter(isCheck);
const http = { http: { url: 'http://shop.example/healthz' } };
const canary = (fields: object, ...checks: object[]) => [{ name: 'canary', upTo: 1, ...fields, checks }];
const first = (op: NodeOp) => op.status?.steps?.[0];
const ready = (op: NodeOp) => op.status?.conditions?.find(({ type }) => type === 'Ready');

test('a check that fails once and passes lets the rest begin, not before', async () => {
  answers = [false, true];
  const op = await cluster.ended(await cluster.nodeOp({ steps: canary({}, http) }));
  expect(op.status?.phase).toBe('Completed');
  expect(first(op)).toMatchObject({
    phase: 'Passed',
    checks: [{ name: 'http (checks[0])', phase: 'Passed', tries: 2, message: 'status 200' }],
  });
  const { 'node-1': canaryNode, 'node-2': next } = op.status?.nodeStatuses ?? {};
  const between = Date.parse(next?.startedAt ?? '') - Date.parse(canaryNode?.finishedAt ?? '');
  expect(between).toBeGreaterThanOrEqual(5000);
});

test('one that fails for good stops the rollout, and says why', async () => {
  answers = [false];
  const op = await cluster.ended(await cluster.nodeOp({ steps: canary({}, { ...http, name: 'shop' }) }));
  const message = 'check shop failed, 3 tries: status 503, expected 200';
  expect(op.status).toMatchObject({ phase: 'Failed', summary: { completed: 1, cancelled: 2 } });
  expect(first(op)).toMatchObject({ phase: 'Failed', message, checks: [{ phase: 'Failed', tries: 3 }] });
  expect(ready(op)).toMatchObject({
    reason: 'StepFailed',
    message: expect.stringContaining(message) as string,
  });
  expect(asked).toHaveLength(3);
});

test('during the soak two evaluations that fail in a row end it', async () => {
  answers = [true, false];
  const often = { ...http, attempts: 1, intervalSeconds: 60 };
  const op = await cluster.ended(await cluster.nodeOp({ steps: canary({ soakSeconds: 3600 }, often) }));
  expect(first(op)).toMatchObject({ phase: 'Failed', checks: [{ tries: 3 }] });
});

test('a command that fails once and passes has a pod for each try, and leaves none', async () => {
  ends = [{ durationMs: 500, exitCode: 4, terminationMessage: 'two volumes are degraded' }];
  const steps = canary({}, { command: { command: ['verify'] } });
  const name = await cluster.nodeOp({ steps });
  const again = await cluster.until(name, (op) => first(op)?.checks?.[0]?.message !== undefined);
  expect(first(again)?.checks?.[0]?.message).toBe('exit code 4: two volumes are degraded');
  const op = await cluster.ended(name);
  expect(first(op)).toMatchObject({ phase: 'Passed', checks: [{ phase: 'Passed', tries: 2 }] });
  expect([made.length, new Set(made).size]).toEqual([2, 2]);
  await cluster.passes(() => checkPods().length === 0);
});

test('one that takes too long has failed, and its pod is gone before the next try', async () => {
  ends = [{ hang: true }];
  const steps = canary({}, { command: { command: ['verify'] }, timeoutSeconds: 10 });
  const name = await cluster.nodeOp({ steps });
  let most = 0;
  const stop = cluster.sim.store.watch('pods', undefined, () => {
    const running = checkPods().filter((it) => it.metadata.deletionTimestamp === undefined);
    most = Math.max(most, running.filter((it) => it.status?.['phase'] === 'Running').length);
  });
  const op = await cluster.ended(name);
  stop();
  expect(first(op)?.checks).toMatchObject([{ phase: 'Passed', tries: 2 }]);
  expect([most, made.length]).toEqual([1, 2]);
});

test('another agent goes on with the pod that is there', async () => {
  ends = [{ durationMs: 20_000 }];
  const steps = canary({}, { command: { command: ['verify'] } });
  const name = await cluster.nodeOp({ steps });
  await cluster.passes(() => checkPods().length === 1);
  await cluster.restart();
  const op = await cluster.ended(name);
  expect(first(op)?.checks).toMatchObject([{ phase: 'Passed', tries: 1 }]);
  expect(made).toHaveLength(1);
});

test('of a pod that went while there was no agent the next one makes no second for the same try', async () => {
  ends = [{ durationMs: 20_000 }];
  const steps = canary({}, { command: { command: ['verify'] } });
  const name = await cluster.nodeOp({ steps });
  await cluster.passes(() => checkPods().length === 1);
  await cluster.restart(() => {
    for (const pod of checkPods()) cluster.sim.store.remove('pods', pod);
  });
  const op = await cluster.ended(name);
  expect(first(op)?.checks).toMatchObject([{ phase: 'Passed', tries: 2 }]);
  expect([made.length, new Set(made).size]).toEqual([2, 2]);
});

test('a run that is taken back leaves no pod of a check', async () => {
  ends = [{ hang: true }];
  const steps = canary({}, { command: { command: ['verify'] }, timeoutSeconds: 3600 });
  const name = await cluster.nodeOp({ steps });
  await cluster.passes(() => checkPods().length === 1);
  const annotations = { 'agent.nodeop.dev/cancel': 'not today' };
  const op = cluster.sim.store.get('nodeops.operator.kairos.io', name, 'default');
  if (!op) throw new Error('no NodeOp');
  cluster.sim.store.update('nodeops.operator.kairos.io', {
    ...op,
    metadata: { ...op.metadata, annotations: { ...op.metadata.annotations, ...annotations } },
  });
  expect((await cluster.ended(name)).status).toMatchObject({ phase: 'Cancelled' });
  await cluster.passes(() => checkPods().length === 0);
});

test('one that may ask nowhere keeps a NodeOp from beginning, and not one that has begun', () => {
  const rules = { checkAccess: { allowedHosts: [], credentials: [] } };
  const spec = { image: 'busybox', command: ['true'], steps: canary({}, http) };
  const specOf = (annotations: Record<string, string>) => {
    const object = { metadata: { name: 'op', uid: 'u1', annotations }, spec };
    return new Rollout(object as unknown as NodeOp, cluster.clock, rules).spec();
  };
  expect(specOf({})).toEqual({
    refusal: {
      reason: 'InvalidSpec',
      message:
        "spec.steps[0].checks[0].http.url: http://shop.example:80 is not among checks.allowedHosts of the agent's configuration",
    },
  });
  expect(specOf({ [ANNOTATION_SPEC]: JSON.stringify(spec), [ANNOTATION_UID]: 'u1' })).toHaveProperty('spec');
});
