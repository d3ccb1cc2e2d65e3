import { describe, expect, test } from 'vitest';
import type { NodeOpStatus, NodeStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts } from '../../../src/core/rollout/facts.ts';
import { World } from '../../support/world.ts';

const BEGAN = Date.parse('2030-01-01T00:00:00Z');
const DONE: NodeStatus = {
  phase: 'Completed',
  rebootStatus: 'not-requested',
  jobName: 'j',
  startedAt: '2029-12-31T23:00:00Z',
  finishedAt: '2030-01-01T00:00:00Z',
};
const WAITS: NodeStatus = { phase: 'Pending', rebootStatus: 'not-requested' };
const SPEC = { steps: [{ name: 'first', upTo: 1, soakSeconds: 60, soakGraceSeconds: 20 }] };

interface Given {
  node?: Partial<NodeFacts>;
  isGone?: boolean;
  at?: number;
  facts?: Partial<RolloutFacts>;
  step?: object;
}

/** The first step soaks since the beginning; its one node is `a`. */
function look({ node = {}, isGone = false, at = 0, facts = {}, step = {} }: Given = {}) {
  const world = new World({ concurrency: 1, ...SPEC }, { a: {}, b: {} });
  world.adopted = true;
  world.change('a', node);
  if (isGone) world.nodes.delete('a');
  const soaks = {
    name: 'first',
    phase: 'Soaking',
    nodes: 1,
    finished: 1,
    failed: 0,
    since: '2030-01-01T00:00:00Z',
    ...step,
  };
  const rest = { name: 'rest', phase: 'Pending', nodes: 1, finished: 0, failed: 0 };
  world.status = {
    phase: 'Running',
    observedGeneration: 1,
    nodeStatuses: { a: DONE, b: WAITS },
    stepOf: '01',
    steps: [soaks, rest],
  } as NodeOpStatus;
  world.persist();
  const { actions, status, lookAgainAt } = decide(
    { ...world.facts(), rehearsal: { kind: 'accepted' }, ...facts },
    BEGAN + at,
  );
  const [first] = status.steps ?? [];
  return {
    first,
    a: status.nodeStatuses?.['a'],
    b: status.nodeStatuses?.['b'],
    does: actions.map((it) => ('node' in it ? `${it.type} ${it.node}` : it.type)),
    again: lookAgainAt === undefined ? undefined : lookAgainAt - BEGAN,
  };
}

describe('a step that soaks', () => {
  test('lets no node of the next one begin before its time is over, and is on record as passed', () => {
    expect(look({ at: 59_999 })).toMatchObject({
      does: [],
      again: 60_000,
      first: { phase: 'Soaking', message: 'soaks for 60 s' },
    });
    const over = look({ at: 60_000 });
    expect(over).toMatchObject({ does: [], first: { phase: 'Passed' }, b: { phase: 'Pending' } });
    const persisted = { steps: [over.first], nodeStatuses: { a: DONE, b: WAITS } } as NodeOpStatus;
    expect(look({ at: 60_000, facts: { persisted } }).does).toEqual(['create-job b']);
  });

  const away = { ready: false, readySince: BEGAN + 10_000 };
  const read = (ms: number) => ({ work: new Map([['a', { confirmedAt: BEGAN + ms }]]) });

  test('waits for a node that is not Ready, for as long as the step grants', () => {
    expect(look({ node: away, at: 20_000 })).toMatchObject({
      does: [],
      again: 30_000,
      first: { message: 'soaks for 60 s; not Ready: a' },
    });
    expect(look({ node: { ready: false, readySince: BEGAN - 50_000 }, at: 5_000 }).again).toBe(20_000);
    expect(look({ node: away, at: 30_000 }).does).toEqual(['confirm a']);
    expect(look({ node: { ...away, readySince: BEGAN + 55_000 }, at: 60_000 })).toMatchObject({
      again: 75_000,
      first: { phase: 'Soaking', message: 'the soak is over; not Ready: a' },
    });
  });

  test('has failed with a node that was not Ready for longer, by what is read then', () => {
    const { a, first, b } = look({ node: away, at: 30_000, facts: read(30_000) });
    expect(a).toMatchObject({
      phase: 'Completed',
      lostInSoak: true,
      message: 'not Ready for 20 s during the soak of step first',
    });
    expect(first).toMatchObject({
      phase: 'Failed',
      failed: 1,
      message: '1 of 1 nodes failed, 0 tolerated, not Ready during the soak: a',
    });
    expect(b).toMatchObject({ phase: 'Cancelled' });
    expect(look({ node: away, at: 30_000, facts: read(29_999) }).does).toEqual(['confirm a']);
  });

  test('has failed with a node that is gone, once that was read since the soak began', () => {
    expect(look({ isGone: true }).does).toEqual(['confirm a']);
    const { a, first } = look({ isGone: true, facts: read(0) });
    expect(a?.message).toBe('the node is gone during the soak of step first');
    expect(first?.phase).toBe('Failed');
  });

  test('of a rollout that is stopped is given up: nothing of the next one begins', () => {
    const { first, b } = look({ facts: { cancelled: 'why', cancelledAt: 0 } });
    expect(first).toMatchObject({ phase: 'Cancelled', message: 'Cancelled: why' });
    expect(b?.phase).toBe('Cancelled');
  });
});

test('a step that stands given up keeps all others from beginning, whoever thinks better of it', () => {
  const { b, does } = look({ step: { phase: 'Cancelled', message: 'Cancelled: why' }, at: 60_000 });
  expect(does).toEqual([]);
  expect(b).toMatchObject({ phase: 'Cancelled', message: 'Cancelled: why' });
});
