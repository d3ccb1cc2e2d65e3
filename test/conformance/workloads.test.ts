import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { isReady, podSpec, SLEEP, useTarget } from './target.ts';

const target = useTarget();
const pods = (...rest: string[]) => target.it.core('pods', ...rest);
const apps = (...rest: [string, ...string[]]) => target.it.group('apps/v1', ...rest);
const podsOf = (app: string) => `${pods()}?labelSelector=app%3D${app}`;

const make = (plural: string, name: string, spec: object = {}) =>
  target.it.make(apps(plural), {
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec(SLEEP, { restartPolicy: 'Always' }) },
      ...spec,
    },
  });

const evict = (name: string) =>
  target.it.make(pods(name, 'eviction'), {
    apiVersion: target.it.evictionVersion,
    kind: 'Eviction',
    metadata: { name },
  });

const readyPods = async (app: string, count: number): Promise<Obj[]> => {
  const { body } = await target.it.answered(podsOf(app), ({ body: { items } }) => {
    return items.length === count && items.every(isReady);
  });
  return body.items;
};

test('an evicted pod of a StatefulSet comes back under its name as another', async () => {
  await make('statefulsets', 'stateful', { serviceName: 'stateful' });
  const [first] = await readyPods('stateful', 1);
  expect(first?.metadata.name).toBe('stateful-0');
  expect(first?.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', controller: true }]);
  await evict('stateful-0');
  const second = await target.it.until(pods('stateful-0'), (pod) => {
    return pod.metadata.uid !== first?.metadata.uid && isReady(pod);
  });
  expect(second.metadata.deletionTimestamp).toBeUndefined();
  await target.it.call('DELETE', apps('statefulsets', 'stateful'));
  await target.it.answered(podsOf('stateful'), ({ body }) => body.items.length === 0);
});

test('a Deployment keeps its number of pods through ReplicaSets, over an eviction and a new template', async () => {
  await make('deployments', 'web', { replicas: 2 });
  const [first] = await readyPods('web', 2);
  expect(first?.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', controller: true }]);
  const name = first?.metadata.name ?? '';
  await evict(name);
  await target.it.untilGone(pods(name));
  const before = await readyPods('web', 2);
  await target.it.until(apps('deployments', 'web'), ({ status }) => status?.['readyReplicas'] === 2);
  const env = [{ name: 'VERSION', value: '2' }];
  const change = { spec: { template: { spec: { containers: [{ name: 'main', env }] } } } };
  await target.it.patch('strategic', apps('deployments', 'web'), change);
  const old = new Set(before.map(({ metadata }) => metadata.uid));
  await target.it.answered(podsOf('web'), ({ body: { items } }) => {
    return items.length === 2 && items.every((pod) => isReady(pod) && !old.has(pod.metadata.uid));
  });
  await target.it.call('DELETE', apps('deployments', 'web'));
  await target.it.answered(podsOf('web'), ({ body }) => body.items.length === 0);
});

test('a cordoned node takes the pods that tolerate it, and no others', async () => {
  const { body } = await target.it.call('GET', '/api/v1/nodes');
  const node = body.items.at(-1)?.metadata.name ?? '';
  const path = `/api/v1/nodes/${node}`;
  await target.it.patch('merge', path, { spec: { unschedulable: true } });
  try {
    const nodeSelector = { 'kubernetes.io/hostname': node };
    const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }];
    await target.it.make(pods(), { metadata: { name: 'shy' }, spec: podSpec('true', { nodeSelector }) });
    const bold = podSpec('true', { nodeSelector, tolerations });
    await target.it.make(pods(), { metadata: { name: 'bold' }, spec: bold });
    const placed = await target.it.until(pods('bold'), ({ spec }) => spec?.['nodeName'] !== undefined);
    expect(placed.spec?.['nodeName']).toBe(node);
    // Made first, so it would have been placed first.
    const { body: left } = await target.it.call('GET', pods('shy'));
    expect(left.spec).not.toHaveProperty('nodeName');
  } finally {
    await target.it.patch('merge', path, { spec: { unschedulable: null } });
  }
  await target.it.until(pods('shy'), ({ spec }) => spec?.['nodeName'] === node);
});

test('a budget counts what the controllers of its pods want', async () => {
  await make('deployments', 'counted', { replicas: 2 });
  await readyPods('counted', 2);
  const budgets = (...rest: string[]) => target.it.group(target.it.budgets, 'poddisruptionbudgets', ...rest);
  const selector = { matchLabels: { app: 'counted' } };
  await target.it.make(budgets(), { metadata: { name: 'counted' }, spec: { maxUnavailable: 1, selector } });
  const budget = await target.it.until(budgets('counted'), ({ status }) => status?.['currentHealthy'] === 2);
  expect(budget.status).toMatchObject({ expectedPods: 2, desiredHealthy: 1, disruptionsAllowed: 1 });
});
