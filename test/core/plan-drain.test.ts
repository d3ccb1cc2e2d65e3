import { expect, test } from 'vitest';
import type { Pod } from '../../src/api/kubernetes.ts';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { planDrain, waitingText } from '../../src/core/rollout/drain.ts';
import type { EvictionAnswer } from '../../src/core/rollout/facts.ts';

const options = (given: object = {}) =>
  NodeOpSpecSchema.parse({ image: 'a', command: ['a'], drainOptions: { enabled: true, ...given } })
    .drainOptions;

const owner = (kind: string, apiVersion = 'apps/v1') => [
  { apiVersion, kind, name: 'own', uid: 'o', controller: true },
];

function pod(
  name: string,
  changes: Partial<Pod['metadata']> & { phase?: 'Running' | 'Succeeded'; emptyDir?: boolean } = {},
): Pod {
  const { phase = 'Running', emptyDir = false, ...meta } = changes;
  return {
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, ownerReferences: owner('ReplicaSet'), ...meta },
    spec: { containers: [], volumes: emptyDir ? [{ name: 'scratch', emptyDir: {} }] : [] },
    status: { phase },
  };
}

function plan(
  pods: Pod[],
  given: object = {},
  more: { exists?: boolean; answers?: [string, EvictionAnswer][]; now?: number; late?: string[] } = {},
) {
  const facts = {
    pods,
    latecomers: new Set(more.late),
    daemonSets: new Map([['ns/own', more.exists ?? true]]),
    answers: new Map(more.answers ?? []),
  };
  return planDrain(facts, options(given), 'ns/agent', more.now ?? 0);
}

const bare = { ownerReferences: [] };
const daemon = { ownerReferences: owner('DaemonSet') };
const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: owner('Node', 'v1') };

test.each([
  ['a ReplicaSet pod', pod('a'), {}, true],
  ['a bare pod', pod('a', bare), {}, 'cannot delete Pods that declare no controller (force is off): ns/a'],
  ['a bare pod with force', pod('a', bare), { force: true }, true],
  ['a finished bare pod', pod('a', { ...bare, phase: 'Succeeded' }), {}, true],
  [
    'a pod with emptyDir',
    pod('a', { emptyDir: true }),
    {},
    'cannot delete Pods with local storage (deleteEmptyDirData is off): ns/a',
  ],
  ['a pod with emptyDir, allowed', pod('a', { emptyDir: true }), { deleteEmptyDirData: true }, true],
  ['a finished pod with emptyDir', pod('a', { emptyDir: true, phase: 'Succeeded' }), {}, true],
  ['a DaemonSet pod', pod('a', daemon), {}, false],
  [
    'a DaemonSet pod that is not ignored',
    pod('a', daemon),
    { ignoreDaemonSets: false },
    'cannot delete DaemonSet-managed Pods (ignoreDaemonSets is off): ns/a',
  ],
  ['a finished DaemonSet pod', pod('a', { ...daemon, phase: 'Succeeded' }), {}, true],
  [
    'a pod of a DaemonSet of another group',
    pod('a', { ownerReferences: owner('DaemonSet', 'other.io/v1') }),
    {},
    true,
  ],
  ['a mirror pod', pod('a', mirror), {}, false],
  ['the agent itself', pod('agent', bare), {}, false],
  ['a pod of a NodeOp', pod('a', { labels: { 'kairos.io/nodeop': 'other' } }), {}, false],
] as const)('%s', (_, one, given, expected) => {
  const result = plan([one], given);
  expect(result.refused).toBe(typeof expected === 'string' ? expected : undefined);
  expect(result.evict.map(({ name }) => name)).toEqual(expected === true ? [one.metadata.name] : []);
});

test('a pod whose DaemonSet is gone goes with force only', () => {
  expect(plan([pod('a', daemon)], {}, { exists: false }).refused).toContain('DaemonSet is gone');
  expect(plan([pod('a', daemon)], { force: true }, { exists: false }).evict).toHaveLength(1);
});

test('one refusal keeps every pod, and all refusals are named', () => {
  const result = plan([
    pod('fine'),
    pod('bare-2', bare),
    pod('bare-1', bare),
    pod('disk', { emptyDir: true }),
  ]);
  expect(result.evict).toEqual([]);
  expect(result.refused).toBe(
    'cannot delete Pods that declare no controller (force is off): ns/bare-1, ns/bare-2; ' +
      'cannot delete Pods with local storage (deleteEmptyDirData is off): ns/disk',
  );
});

test('a blocked pod is asked again when it is due, and holds up no other', () => {
  const blocked: EvictionAnswer = { kind: 'blocked', message: 'budget web', retryAt: 5000 };
  const answers: [string, EvictionAnswer][] = [['uid-a', blocked]];
  const early = plan([pod('a'), pod('b')], {}, { answers, now: 1000 });
  expect(early.evict.map(({ name }) => name)).toEqual(['b']);
  expect(early.retryAt).toBe(5000);
  expect(waitingText(early)).toBe('eviction blocked: ns/a (budget web)');
  expect(plan([pod('a')], {}, { answers, now: 5000 }).evict).toHaveLength(1);
});

test('an evicted pod is waited for until it is gone, not evicted again', () => {
  const answers: [string, EvictionAnswer][] = [['uid-a', { kind: 'accepted' }]];
  const result = plan([pod('a')], {}, { answers });
  expect(result.evict).toEqual([]);
  expect(result.waiting).toHaveLength(1);
  expect(plan([], {}, { answers }).waiting).toEqual([]);
});

test('an eviction refused for good fails the drain and says why', () => {
  const answers: [string, EvictionAnswer][] = [
    ['uid-a', { kind: 'refused', message: 'more than one budget' }],
  ];
  expect(plan([pod('a')], {}, { answers }).refused).toBe('cannot delete Pods (more than one budget): ns/a');
});

test.each([
  ['of everything', [{ operator: 'Exists' }], true],
  ['of the taint', [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }], true],
  ['of the taint without a value', [{ key: 'node.kubernetes.io/unschedulable' }], true],
  [
    'of its effect',
    [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }],
    true,
  ],
  ['of another effect', [{ operator: 'Exists', effect: 'NoExecute' }], false],
  ['of another value', [{ key: 'node.kubernetes.io/unschedulable', value: 'x' }], false],
  ['of another taint', [{ key: 'example.com/gpu', operator: 'Exists' }], false],
  ['of nothing', [], false],
] as const)('with a toleration %s, a pod that comes during the drain stays: %j', (_, tolerations, stays) => {
  const bold = pod('a');
  bold.spec = { containers: [], tolerations: [...tolerations] };
  expect(plan([bold]).evict).toHaveLength(1);
  const { evict, waiting } = plan([bold], {}, { late: ['uid-a'] });
  expect([evict.length, waiting.length]).toEqual(stays ? [0, 0] : [1, 1]);
});

test('who may not evict is asked for a minute whether that is so, since a server that just started says it of all', () => {
  const denied = (retryAt: number): [string, EvictionAnswer][] => [
    ['uid-a', { kind: 'blocked', message: 'forbidden', retryAt, deniedSince: 1_000 }],
  ];
  const early = plan([pod('a')], { timeoutSeconds: 0 }, { answers: denied(6_000), now: 2_000 });
  expect(early).toMatchObject({ evict: [], refused: undefined, retryAt: 6_000 });
  expect(waitingText(early)).toBe('eviction blocked: ns/a (forbidden)');
  expect(plan([pod('a')], {}, { answers: denied(6_000), now: 6_000 }).evict).toHaveLength(1);
  const last = plan([pod('a')], {}, { answers: denied(300_000), now: 60_000 });
  expect(last).toMatchObject({ refused: undefined, retryAt: 61_000 });
  const over = plan([pod('a')], { timeoutSeconds: 0 }, { answers: denied(300_000), now: 61_000 });
  expect(over.refused).toBe('cannot delete Pods (forbidden): ns/a');
});
