import { describe, expect, test } from 'vitest';
import type { NodeOpStatus, NodeStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { RolloutFacts } from '../../../src/core/rollout/facts.ts';
import { World } from '../../support/world.ts';
import { JOB, POD } from './support.ts';

const RUNS: NodeStatus = {
  phase: 'Running',
  rebootStatus: 'not-requested',
  jobName: JOB.name,
  attempts: 1,
  startedAt: '2030-01-01T00:00:00Z',
};
const WAITS: NodeStatus = { phase: 'Pending', rebootStatus: 'not-requested' };
const FAILED: NodeStatus = { ...RUNS, phase: 'Failed', message: 'no space' };
const DONE: NodeStatus = { ...RUNS, phase: 'Completed' };

/** The status after one look at a rollout whose nodes stand like that; commands that run go on. */
function look(
  nodeStatuses: Record<string, NodeStatus>,
  {
    spec = {},
    facts = {},
    before = {},
  }: { spec?: object; facts?: Partial<RolloutFacts>; before?: NodeOpStatus } = {},
) {
  const names = Object.keys(nodeStatuses);
  const world = new World(spec, Object.fromEntries(names.map((name) => [name, {}])));
  world.adopted = true;
  for (const name of names.filter((it) => nodeStatuses[it]?.phase === 'Running')) {
    world.work.set(name, { job: { ...JOB, pod: POD }, jobSeen: true, attempts: [POD], commandBegan: true });
  }
  world.status = { phase: 'Running', observedGeneration: 1, nodeStatuses, ...before };
  world.persist();
  const rehearsal = { kind: 'accepted' } as const;
  const { status } = decide({ ...world.facts(), rehearsal, ...facts }, world.now);
  const condition = (type: string) => status.conditions?.find((it) => it.type === type);
  const brief = (type: string) => {
    const { status: is, reason, message } = condition(type) ?? {};
    return [is, reason, message];
  };
  return { status, condition, brief };
}

describe('a rollout that goes on', () => {
  test('says so', () => {
    const { brief } = look({ a: RUNS });
    expect(brief('Ready')).toEqual(['False', 'Progressing', '0 of 1 node completed, 1 left']);
    expect(brief('Reconciling')).toEqual(['True', 'Progressing', 'the rollout goes on']);
    expect(brief('Stalled')).toEqual(['False', 'Progressing', 'nothing is in its way']);
  });

  test('tells of a failure at once', () => {
    const { status, brief } = look({ a: FAILED, b: RUNS });
    expect(status.phase).toBe('Running');
    expect(brief('Ready')).toEqual([
      'False',
      'NodesFailed',
      '0 of 2 nodes completed, 1 failed, 1 left: a: no space',
    ]);
    expect(brief('Reconciling')[1]).toBe('Progressing');
  });

  test('that is held tells by whom, before all else', () => {
    const hold = { by: 'Annotation', text: 'held: firmware is bad' } as const;
    const { status, brief } = look({ a: RUNS, b: WAITS }, { spec: { concurrency: 2 }, facts: { hold } });
    expect(status.conditions?.[0]).toMatchObject({
      type: 'Held',
      status: 'True',
      reason: 'HeldByAnnotation',
      message: 'held: firmware is bad',
    });
    expect(brief('Ready')).toEqual(['False', 'Held', 'held: firmware is bad']);
    expect(brief('Reconciling')).toEqual(['True', 'Held', 'held: firmware is bad']);
    expect(status.nodeStatuses?.['b']?.phase).toBe('Pending');
  });

  test('that is held after a failure tells both', () => {
    const hold = { by: 'Lease', text: 'held: night shift' } as const;
    const { brief } = look({ a: FAILED, b: WAITS }, { facts: { hold } });
    expect(brief('Ready')).toEqual([
      'False',
      'Held',
      '0 of 2 nodes completed, 1 failed, 1 left: a: no space; held: night shift',
    ]);
  });
});

describe('a rollout that is stopped', () => {
  const facts = { cancelled: 'the run file was removed', cancelledAt: 0 };

  test('says what may go on, and for how long', () => {
    expect(look({ a: RUNS, b: WAITS }, { facts }).brief('Reconciling')[2]).toBe(
      'the rollout was stopped: no further node is started, 1 node in flight may finish',
    );
    const spec = { cancelTimeoutSeconds: 300 };
    const bounded = { ...facts, cancelledAt: Date.parse('2030-01-01T00:00:00Z') };
    expect(look({ a: RUNS, b: RUNS }, { spec, facts: bounded }).brief('Reconciling')[2]).toBe(
      'the rollout was stopped: no further node is started, 2 nodes in flight may finish within 5 min',
    );
  });

  test('by too many failures says so as well', () => {
    const { status, brief } = look(
      { a: FAILED, b: RUNS, c: WAITS },
      { spec: { stopOnFailure: true, concurrency: 3 } },
    );
    expect(status.nodeStatuses?.['c']).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: 1 failed, 0 tolerated',
    });
    expect(brief('Reconciling')[2]).toBe(
      'the rollout was stopped: no further node is started, 1 node in flight may finish',
    );
  });

  test('is marked as cancelled, since when it was first seen: what may go on is counted from there', () => {
    const first = look({ a: RUNS }, { facts });
    expect(first.condition('Cancelled')).toMatchObject({
      status: 'True',
      reason: 'Cancelled',
      message: 'the run file was removed',
      lastTransitionTime: '2030-01-01T00:00:00Z',
    });
    const conditions =
      first.status.conditions?.map((it) => ({ ...it, lastTransitionTime: '2029-12-31T23:00:00Z' })) ?? [];
    const later = look({ a: RUNS }, { facts, before: { conditions } });
    expect(later.condition('Cancelled')?.lastTransitionTime).toBe('2029-12-31T23:00:00Z');
  });

  test('ends Cancelled, or Failed where a node had failed', () => {
    expect(look({ a: DONE, b: WAITS }, { facts }).status.phase).toBe('Cancelled');
    expect(look({ a: FAILED, b: WAITS }, { facts }).status.phase).toBe('Failed');
    expect(look({ a: DONE }, { facts }).status.phase).toBe('Completed');
    const { brief } = look({ a: DONE, b: WAITS }, { facts });
    expect(brief('Ready')).toEqual(['False', 'Cancelled', '1 of 2 nodes completed, 1 cancelled']);
    expect(brief('Stalled')).toEqual(['True', 'Cancelled', '1 of 2 nodes completed, 1 cancelled']);
    expect(brief('Reconciling')).toEqual(['False', 'Cancelled', 'the rollout has ended']);
  });
});

test('where the server drops what guards retries that is said while the rollout goes on', () => {
  const given = { spec: { backoffLimit: 2 }, facts: { serverMinor: 25 } };
  expect(look({ a: RUNS }, given).brief('RetriesUnguarded')).toEqual([
    'True',
    'ServerLacksFields',
    expect.stringContaining('Kubernetes 1.25'),
  ]);
  expect(look({ a: DONE }, given).condition('RetriesUnguarded')).toBeUndefined();
  expect(
    look({ a: RUNS }, { ...given, facts: { serverMinor: 29 } }).condition('RetriesUnguarded'),
  ).toBeUndefined();
});

describe('a spec that changes', () => {
  const changed = { specChanged: true, generation: 2 };

  test('is answered while the rollout goes on, and after its end', () => {
    const [going, ended] = [
      look({ a: RUNS }, { facts: changed }),
      look({ a: DONE }, { before: { phase: 'Completed' }, facts: changed }),
    ];
    for (const { status, brief } of [going, ended]) {
      expect(brief('SpecChanged').slice(0, 2)).toEqual(['True', 'SpecChanged']);
      expect(status.observedGeneration).toBe(2);
    }
    expect(ended.status).toMatchObject({ phase: 'Completed', lastUpdated: '2030-01-01T00:00:00Z' });
  });

  test('is answered once', () => {
    const { status } = look({ a: DONE }, { before: { phase: 'Completed' }, facts: changed });
    const again = look({ a: DONE }, { before: status, facts: changed });
    expect(again.status).toEqual(status);
    const back = look({ a: DONE }, { before: status, facts: { specChanged: false, generation: 3 } });
    expect(back.condition('SpecChanged')).toBeUndefined();
    expect(back.status.observedGeneration).toBe(3);
  });

  test('by its deletion is not answered after the end: nobody is left to read it', () => {
    const { status } = look(
      { a: DONE },
      { before: { phase: 'Completed' }, facts: { ...changed, deleted: true } },
    );
    expect(status.observedGeneration).toBe(1);
  });
});
