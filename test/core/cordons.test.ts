import { describe, expect, test } from 'vitest';
import { NodeOpSpecSchema, type NodeOpStatus, type NodeStatus } from '../../src/api/nodeop.ts';
import { claimant, heirOf, type Holder, type Holders, letsGo } from '../../src/core/rollout/cordons.ts';
import { ownerMark } from '../../src/core/rollout/facts.ts';

const at = (hour: number) => `2030-01-01T0${hour}:00:00Z`;
const failed: NodeStatus = { phase: 'Failed', jobName: 'j', startedAt: at(1), finishedAt: at(2) };

function holder(
  name: string,
  status: NodeStatus | undefined,
  more: { deleted?: boolean; spec?: object } = {},
): Holder {
  const spec = NodeOpSpecSchema.parse({ image: 'a', command: ['b'], cordon: true, ...more.spec });
  const nodeStatuses = status === undefined ? {} : { n: status };
  return {
    namespace: 'ops',
    name,
    uid: `uid-${name}`,
    status: { nodeStatuses },
    deleted: more.deleted ?? false,
    spec,
  };
}

function among(all: Holder[], running: string[] = []): Holders {
  return {
    all: () => all,
    byUid: (uid) => all.find((it) => it.uid === uid),
    unfinished: all,
    running: (node) => (node === 'n' ? running : []),
  };
}

const node = (owner?: Holder) => ({ name: 'n', cordonedBy: owner && ownerMark(owner) });

describe('a node is held by', () => {
  test.each([
    ['Soaking', 'ops/a'],
    ['Checking', 'ops/a'],
    ['Running', undefined],
    ['Passed', undefined],
  ] as const)('a step that is %s, once it is finished: %s', (phase, expected) => {
    const done = holder('a', { phase: 'Completed', startedAt: at(1) }, { spec: { steps: [{ name: 's' }] } });
    const steps = [{ name: 's', phase, nodes: 1, finished: 1, failed: 0 }];
    const soaking = { ...done, status: { ...done.status, steps } };
    expect(claimant(node(), 'self', among([soaking]))).toBe(expected);
    expect(claimant({ ...node(), name: 'another' }, 'self', among([soaking]))).toBeUndefined();
  });

  test.each(['Cancelled', 'Failed'] as const)('no step of a rollout that is %s', (phase) => {
    const done = holder('a', { phase: 'Completed', startedAt: at(1) }, { spec: { steps: [{ name: 's' }] } });
    const steps = [{ name: 's', phase: 'Soaking' as const, nodes: 1, finished: 1, failed: 0 }];
    const over = { ...done, status: { ...done.status, phase, steps } };
    expect(claimant(node(), 'self', among([over]))).toBeUndefined();
  });

  test('the status of another NodeOp', () => {
    expect(claimant(node(), 'self', among([holder('a', { phase: 'Draining' })]))).toBe('ops/a');
  });

  test('its mark, of which nobody has written yet why it is there', () => {
    const a = holder('a', { phase: 'Pending' });
    expect(claimant(node(a), 'self', among([a]))).toBe('ops/a');
  });

  test('what it has running there, whatever its status says', () => {
    for (const status of [undefined, { phase: 'Pending' }, { phase: 'Completed' }] as const) {
      const a = holder('a', status);
      expect(claimant(node(), 'self', among([a], ['uid-a']))).toBe('ops/a');
    }
  });

  test('what one that is gone has left running', () => {
    expect(claimant(node(), 'self', among([], ['uid-gone']))).toMatch(/NodeOp that is gone/);
  });

  test('a cordon that is about to be undone', () => {
    const deleted = holder('a', failed, { deleted: true });
    expect(claimant(node(deleted), 'self', among([deleted]))).toBe('ops/a');
    const unwanted = holder('a', failed, { spec: { uncordonOnFailure: true } });
    expect(claimant(node(unwanted), 'self', among([unwanted]))).toBe('ops/a');
    expect(claimant(node(holder('a', failed)), 'self', among([]))).toBe('the cordon of ops/a, which is gone');
  });

  test('nobody: a failed one left it cordoned, people cordoned it, or it is its own', () => {
    const a = holder('a', failed);
    expect(claimant(node(a), 'self', among([a]))).toBeUndefined();
    expect(claimant({ name: 'n', cordonedBy: 'somebody' }, 'self', among([]))).toBeUndefined();
    expect(claimant(node(a), a.uid, among([a], [a.uid]))).toBeUndefined();
  });

  test('nobody, when it is refused: it works on nothing', () => {
    const copy = { ...holder('copy', { phase: 'Running' }), spec: undefined };
    expect(claimant(node(), 'self', among([copy]))).toBeUndefined();
  });
});

describe('a cordon that is let go of is taken over by', () => {
  const a = holder('a', failed);
  const mark = ownerMark(a);

  test('the NodeOp that works on the node', () => {
    const b = holder('b', { phase: 'Running' });
    expect(heirOf('n', mark, among([a, b]))).toBe(ownerMark(b));
    expect(heirOf('n', mark, among([a, holder('b', undefined)], ['uid-b']))).toBe(ownerMark(b));
  });

  test('one that failed under it', () => {
    const later = { ...failed, startedAt: at(3), finishedAt: at(4) };
    const b = holder('b', later);
    expect(heirOf('n', mark, among([a, b]))).toBe(ownerMark(b));
    const others = [
      holder('earlier', { ...failed, startedAt: at(0), finishedAt: at(1) }),
      holder('uncordons', later, { spec: { uncordonOnFailure: true } }),
      holder('needs none', later, { spec: { cordon: false } }),
      holder('began nothing', { phase: 'Failed', startedAt: at(3) }),
      holder('deleted', later, { deleted: true }),
      holder('is done', { ...later, phase: 'Completed' }),
    ];
    expect(heirOf('n', mark, among([a, ...others]))).toBeUndefined();
  });

  test('nobody who is not there', () => {
    expect(heirOf('n', mark, among([a], ['uid-gone']))).toBeUndefined();
  });
});

test.each([
  ['one node fewer is in flight', { summary: { inFlight: 2 } }, { summary: { inFlight: 1 } }, true],
  ['one node more is in flight', { summary: { inFlight: 1 } }, { summary: { inFlight: 2 } }, false],
  ['a step soaks no more', { steps: [{ phase: 'Soaking' }] }, { steps: [{ phase: 'Passed' }] }, true],
  [
    'a rollout is over while a step soaks',
    { phase: 'Running', steps: [{ phase: 'Soaking' }] },
    { phase: 'Cancelled', steps: [{ phase: 'Soaking' }] },
    true,
  ],
  [
    'a step is checked after its soak',
    { steps: [{ phase: 'Soaking' }] },
    { steps: [{ phase: 'Checking' }] },
    false,
  ],
  ['nothing', {}, {}, false],
])('others may have a node when %s: %s → %s: %s', (_, before, after, expected) => {
  expect(letsGo(before as NodeOpStatus, after as NodeOpStatus)).toBe(expected);
});
