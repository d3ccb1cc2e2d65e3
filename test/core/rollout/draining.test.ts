import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../src/api/kubernetes.ts';
import { NodeOpSpecSchema } from '../../../src/api/nodeop.ts';
import { planDrain, waitingText } from '../../../src/core/rollout/drain.ts';
import type { DrainFacts, EvictionAnswer } from '../../../src/core/rollout/facts.ts';
import { MARK } from '../../support/world.ts';
import { lookAt, POD } from './support.ts';

const NOW = POD.createdAt;
const DRAIN = { drainOptions: { enabled: true, timeoutSeconds: 60 } };
const OPTIONS = NodeOpSpecSchema.parse({ image: 'i', command: ['true'], ...DRAIN }).drainOptions;

function pod(name: string, more: object = {}): Pod {
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true },
  ];
  return {
    metadata: { namespace: 'shop', name, uid: `uid-${name}`, ownerReferences, ...more },
  };
}

function facts(pods: Pod[], answers: Record<string, EvictionAnswer> = {}): DrainFacts {
  return {
    pods,
    answers: new Map(Object.entries(answers)),
    latecomers: new Set(),
    daemonSets: new Map(),
  };
}

const plan = (given: DrainFacts) => planDrain(given, OPTIONS, undefined, NOW);
const blocked = (retryAt: number): EvictionAnswer => ({ kind: 'blocked', message: 'budget web', retryAt });

test('a pod whose eviction was accepted is waited for, whatever would be said of it now', () => {
  const bare = pod('a', { ownerReferences: [] });
  expect(plan(facts([bare])).refused).toBe(
    'cannot delete Pods that declare no controller (force is off): shop/a',
  );
  const accepted = plan(facts([bare], { 'uid-a': { kind: 'accepted' } }));
  expect(accepted).toMatchObject({ evict: [], refused: undefined, waiting: [{ pod: { name: 'a' } }] });
});

test('of several that are asked for again the first time counts', () => {
  const given = facts([pod('a'), pod('b')], { 'uid-a': blocked(NOW + 9_000), 'uid-b': blocked(NOW + 7_000) });
  expect(plan(given).retryAt).toBe(NOW + 7_000);
});

test('what is waited for is told, what a budget holds first, five of it', () => {
  const pods = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => pod(name));
  expect(waitingText(plan(facts(pods)))).toBe(
    'waiting for pods to end: shop/a, shop/b, shop/c, shop/d, shop/e and 1 more',
  );
  expect(waitingText(plan(facts(pods.slice(0, 5))))).toMatch(/shop\/e$/);
  expect(waitingText(plan(facts(pods, { 'uid-f': blocked(NOW + 5) })))).toBe(
    'eviction blocked: shop/f (budget web)',
  );
});

describe('a node that is drained', () => {
  const entry = { phase: 'Draining' } as const;
  const cordoned = { unschedulable: true, cordonedBy: MARK };

  test('is cordoned first, then its pods are listed, then evicted', () => {
    expect(lookAt({ spec: DRAIN, entry }).actions).toEqual([
      { type: 'cordon', node: 'node-1', reason: 'no new pods while the node is drained' },
    ]);
    expect(lookAt({ spec: DRAIN, entry, node: cordoned }).does).toEqual(['watch-pods']);
    const work = { drain: facts([pod('a')]) };
    expect(lookAt({ spec: DRAIN, entry, node: cordoned, work }).does).toEqual(['evict']);
    expect(lookAt({ spec: DRAIN, entry, work }).does).toEqual(['cordon']);
  });

  test('has its command once nothing is left', () => {
    expect(lookAt({ spec: DRAIN, entry, node: cordoned, work: { drain: facts([]) } })).toMatchObject({
      does: ['create-job'],
      entry: { phase: 'Running' },
    });
    expect(lookAt({ spec: DRAIN, entry, work: { drain: facts([]) } }).does).toEqual(['cordon']);
  });

  test('only cordoned it has it at once', () => {
    const spec = { cordon: true };
    expect(lookAt({ spec, entry }).actions).toEqual([
      { type: 'cordon', node: 'node-1', reason: 'no new pods during the operation' },
    ]);
    expect(lookAt({ spec, entry, node: cordoned }).does).toEqual(['create-job']);
  });

  test('by nobody it may be that others have cordoned it: that is not claimed', () => {
    const others = { unschedulable: true };
    expect(lookAt({ spec: { cordon: true }, entry, node: others }).does).toEqual(['create-job']);
  });

  test('says what is in the way, and that its kubelet is', () => {
    const work = { drain: facts([pod('a')], { 'uid-a': blocked(NOW + 5_000) }) };
    const given = { spec: DRAIN, entry, node: cordoned, work };
    expect(lookAt(given)).toMatchObject({
      does: [],
      again: 5_000,
      entry: { message: 'eviction blocked: shop/a (budget web)' },
    });
    expect(lookAt({ ...given, node: { ...cordoned, ready: false } }).entry.message).toBe(
      'eviction blocked: shop/a (budget web); the node is not Ready',
    );
  });

  test('has failed past timeoutSeconds, by what is read then; 0 is no bound', () => {
    const drain = facts([pod('a')], { 'uid-a': { kind: 'accepted' } });
    const given = { spec: DRAIN, entry, node: cordoned, work: { drain } };
    expect(lookAt({ ...given, at: 59_999 })).toMatchObject({ does: [], again: 60_000 });
    expect(lookAt({ ...given, at: 60_000 }).does).toEqual(['confirm']);
    const work = { drain, confirmedAt: NOW + 60_000 };
    const { entry: failed, does } = lookAt({ ...given, work, at: 60_000 });
    expect(failed).toMatchObject({
      phase: 'Failed',
      message: 'drain timed out after 60 s: waiting for pods to end: shop/a',
    });
    expect(does).toContain('uncordon');
    const endless = { drainOptions: { enabled: true, timeoutSeconds: 0 } };
    expect(lookAt({ ...given, spec: endless, work, at: 60_000 }).entry.phase).toBe('Draining');
  });

  test('that is refused has failed, and is uncordoned', () => {
    const work = { drain: facts([pod('a', { ownerReferences: [] })]) };
    const { entry: failed, does } = lookAt({ spec: DRAIN, entry, node: cordoned, work });
    expect(failed.message).toBe(
      'drain refused: cannot delete Pods that declare no controller (force is off): shop/a',
    );
    expect(does).toEqual(['uncordon']);
  });

  test('of a run that is taken back is left as it was found', () => {
    const given = { spec: DRAIN, entry, node: cordoned, facts: { cancelled: 'why', cancelledAt: 0 } };
    expect(lookAt(given)).toMatchObject({
      does: ['uncordon'],
      entry: { phase: 'Cancelled', message: 'Cancelled: why' },
    });
  });
});
