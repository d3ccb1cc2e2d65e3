import { expect, test } from 'vitest';
import type { Pod, PodDisruptionBudget } from '../../src/api/kubernetes.ts';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { previewDrain } from '../../src/core/preview/drain.ts';

const OPTIONS = NodeOpSpecSchema.parse({ image: 'i', command: ['c'] }).drainOptions;
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs', controller: true };

function pod(status: Pod['status'], metadata: object = {}): Pod {
  return {
    metadata: {
      name: 'pod',
      namespace: 'shop',
      uid: 'u',
      labels: { app: 'a' },
      ownerReferences: [owner],
      ...metadata,
    },
    spec: { containers: [] },
    ...(status ? { status } : {}),
  };
}
const ready: Pod['status'] = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const sick: Pod['status'] = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };

function budget(spec: PodDisruptionBudget['spec'], status: object, namespace = 'shop'): PodDisruptionBudget {
  return { metadata: { name: 'b', namespace }, spec: spec ?? {}, status };
}
const all = { selector: {} };
const none = { disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 1 };
const enough = { disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 2 };

test.each([
  ['a Ready pod without disruptions left', pod(ready), budget(all, none), true],
  ['a Ready pod with one left', pod(ready), budget(all, { disruptionsAllowed: 1 }), false],
  ['a budget that has no status yet', pod(ready), { ...budget(all, {}) }, true],
  ['a budget of another namespace', pod(ready), budget(all, none, 'other'), false],
  ['a budget without selector selects nothing', pod(ready), budget({}, none), false],
  ['a budget for other labels', pod(ready), budget({ selector: { matchLabels: { app: 'b' } } }, none), false],
  ['a pod that has not started', pod({ phase: 'Pending' }), budget(all, none), false],
  ['a pod that is finished', pod({ phase: 'Succeeded' }), budget(all, none), false],
  [
    'a pod on its way out',
    pod(ready, { deletionTimestamp: '2030-01-01T00:00:00Z' }),
    budget(all, none),
    false,
  ],
  ['a sick pod and too few healthy ones', pod(sick), budget(all, none), true],
  ['a sick pod and enough healthy ones', pod(sick), budget(all, enough), false],
  ['a sick pod of a budget that wants none', pod(sick), budget(all, { disruptionsAllowed: 0 }), true],
  [
    'a sick pod that may always go',
    pod(sick),
    budget({ ...all, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, none),
    false,
  ],
])('%s', (_, one, guard, blocked) => {
  const preview = previewDrain({ pods: [one], daemonSets: new Map() }, [guard], OPTIONS, undefined);
  expect(preview.evict).toEqual(['shop/pod']);
  expect(preview.blockers.length > 0).toBe(blocked);
});

test('a drain that would be refused evicts nothing, and says why', () => {
  const bare = pod(ready, { ownerReferences: [] });
  const drain = previewDrain(
    { pods: [bare, pod(ready, { name: 'other', uid: 'v' })], daemonSets: new Map() },
    [],
    OPTIONS,
    undefined,
  );
  expect(drain).toEqual({
    evict: [],
    blockers: [expect.stringContaining('shop/pod') as string],
    notes: [],
    shares: [],
  });
});

test('more than one budget on a pod is an error of the eviction API, which names them', () => {
  const budgets = ['x', 'y'].map((name) => ({
    ...budget(all, enough),
    metadata: { name, namespace: 'shop' },
  }));
  const { blockers } = previewDrain(
    { pods: [pod(ready)], daemonSets: new Map() },
    budgets,
    OPTIONS,
    undefined,
  );
  expect(blockers).toEqual([
    'shop/pod has more than one budget, which the eviction API refuses: shop/x, shop/y',
  ]);
});

test('of a budget that lets some go the others wait, and both are told', () => {
  const pods = ['b', 'a'].map((name) => pod(ready, { name, uid: name }));
  const one = budget(all, { disruptionsAllowed: 1 });
  expect(previewDrain({ pods, daemonSets: new Map() }, [one], OPTIONS, undefined)).toEqual({
    evict: ['shop/a', 'shop/b'],
    blockers: [],
    notes: ['budget shop/b lets 1 of 2 pods go at a time: shop/a, shop/b'],
    shares: [{ budget: 'shop/b', allowed: 1, pods: 2 }],
  });
  const two = budget(all, { disruptionsAllowed: 2 });
  expect(previewDrain({ pods, daemonSets: new Map() }, [two], OPTIONS, undefined).notes).toEqual([]);
});
