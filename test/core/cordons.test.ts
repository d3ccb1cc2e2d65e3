import { describe, expect, test } from 'vitest';
import { NodeOpSpecSchema, type NodeOpStatus, type NodeStatus } from '../../src/api/nodeop.ts';
import { claimant, heirOf, type Holder, type Holders, letsGo } from '../../src/core/rollout/cordons.ts';
import { ownerMark, type PodFacts, type WorkFacts } from '../../src/core/rollout/facts.ts';

const at = (hour: number) => `2030-01-01T0${hour}:00:00Z`;
const failed: NodeStatus = { phase: 'Failed', jobName: 'j', startedAt: at(1), finishedAt: at(2) };

function holder(
  name: string,
  status: NodeStatus | undefined,
  more: { deleted?: boolean; spec?: object; record?: NodeStatus } = {},
): Holder {
  const spec = NodeOpSpecSchema.parse({ image: 'a', command: ['b'], cordon: true, ...more.spec });
  const nodeStatuses = status === undefined ? {} : { n: status };
  const persisted = more.record === undefined ? { nodeStatuses } : { nodeStatuses: { n: more.record } };
  return {
    namespace: 'ops',
    name,
    uid: `uid-${name}`,
    status: { nodeStatuses },
    persisted,
    deleted: more.deleted ?? false,
    spec,
  };
}

function among(all: Holder[], running: string[] = [], work: Record<string, WorkFacts> = {}): Holders {
  return {
    all: () => all,
    byUid: (uid) => all.find((it) => it.uid === uid),
    unfinished: all,
    running: (node) => (node === 'n' ? running : []),
    work: (uid, node) => (node === 'n' ? work[uid] : undefined),
  };
}

const ended: PodFacts = {
  name: 'p',
  uid: 'u',
  createdAt: 0,
  state: 'succeeded',
  started: true,
  deleting: false,
  exitCode: 0,
  reason: undefined,
  message: undefined,
};

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
    const byRecord = { ...done, persisted: { ...done.status, steps } };
    expect(claimant(node(), 'self', among([byRecord]))).toBe(expected);
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

  test.each(['Completed', 'Failed', 'Cancelled'] as const)(
    'one that is done with it, until %s is on record',
    (phase) => {
      const verdict: NodeStatus = { phase, startedAt: at(1), finishedAt: at(2) };
      for (const record of [{ phase: 'Draining' }, { phase: 'Pending' }] as const) {
        const done = holder('a', verdict, { record });
        expect(claimant(node(), 'self', among([done]))).toBe('ops/a');
        const recorded = { ...done, persisted: done.status };
        expect(claimant(node(), 'self', among([recorded]))).toBeUndefined();
      }
    },
  );

  test('what it has made there, though that has ended, until its verdict is on record', () => {
    const work = { 'uid-a': { preflight: ended } };
    const claimOf = (it: Holder) => claimant(node(), 'self', among([it], [], work));
    const unrecorded = holder('a', { phase: 'Pending' });
    expect(claimOf(unrecorded)).toBe('ops/a');
    expect(claimOf({ ...unrecorded, status: {}, persisted: {} })).toBe('ops/a');
    expect(claimOf(holder('a', failed))).toBeUndefined();
    const noTarget = { ...unrecorded, status: { nodeStatuses: {} }, persisted: { nodeStatuses: {} } };
    expect(claimOf(noTarget)).toBeUndefined();
    expect(claimant(node(), 'self', among([unrecorded]))).toBeUndefined();
  });

  test('nobody: it gave the node up before it began there', () => {
    const given = holder('a', { phase: 'Cancelled', finishedAt: at(2) }, { record: { phase: 'Pending' } });
    expect(claimant(node(), 'self', among([given]))).toBeUndefined();
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
    const done = holder(
      'b',
      { ...failed, jobName: 'none' },
      { spec: { cordon: false }, record: { phase: 'Running' } },
    );
    expect(heirOf('n', mark, among([a, done]))).toBe(ownerMark(b));
    const made = { 'uid-b': { preflight: ended } };
    expect(heirOf('n', mark, among([a, holder('b', { phase: 'Pending' })], [], made))).toBe(ownerMark(b));
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
  [
    'a node is done and the next one begun',
    { nodeStatuses: { a: { phase: 'Running' }, b: { phase: 'Pending' } } },
    { nodeStatuses: { a: { phase: 'Completed' }, b: { phase: 'Running' } } },
    true,
  ],
  [
    'a node is begun',
    { nodeStatuses: { a: { phase: 'Pending' } } },
    { nodeStatuses: { a: { phase: 'Running' } } },
    false,
  ],
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
