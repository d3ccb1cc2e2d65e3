import { describe, expect, test } from 'vitest';
import type { NodeOpStatus, NodeStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../../src/core/rollout/facts.ts';
import { MARK, World } from '../../support/world.ts';
import { JOB, POD } from './support.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const WAITS: NodeStatus = { phase: 'Pending', rebootStatus: 'not-requested' };
const DONE: NodeStatus = {
  phase: 'Completed',
  rebootStatus: 'not-requested',
  jobName: 'flash-done',
  startedAt: '2029-12-31T23:59:00Z',
  finishedAt: '2030-01-01T00:00:00Z',
};
const RUNS: NodeStatus = { ...DONE, phase: 'Running', jobName: JOB.name, attempts: 1 };
const RUNNING: WorkFacts = { job: { ...JOB, pod: POD }, jobSeen: true, attempts: [POD], commandBegan: true };

/** `b` is in the first of two steps. */
const STEPPED: NodeOpStatus = {
  phase: 'Running',
  observedGeneration: 1,
  nodeStatuses: { a: WAITS, b: WAITS },
  stepOf: '10',
  steps: ['first', 'rest'].map((name) => ({ name, phase: 'Pending', nodes: 1, finished: 0, failed: 0 })),
};

interface Given {
  spec?: object;
  nodes?: Record<string, Partial<NodeFacts>>;
  facts?: Partial<RolloutFacts>;
  at?: number;
}

/** One look at a rollout whose nodes stand like that: which ones it starts, and what it says it waits for. */
function look(
  entries: Record<string, NodeStatus>,
  { spec = {}, nodes = {}, facts = {}, at = 0 }: Given = {},
) {
  const world = new World(
    { concurrency: 1, ...spec },
    Object.fromEntries(Object.keys(entries).map((name) => [name, {}])),
  );
  world.adopted = true;
  for (const [name, node] of Object.entries(nodes)) world.change(name, node);
  for (const [name, { phase }] of Object.entries(entries))
    if (phase === 'Running') world.work.set(name, RUNNING);
  world.status = { phase: 'Running', observedGeneration: 1, nodeStatuses: entries };
  world.persist();
  const rehearsal = { kind: 'accepted' } as const;
  const { actions, status, lookAgainAt } = decide({ ...world.facts(), rehearsal, ...facts }, NOW + at);
  const starts = actions.flatMap((it) => (it.type === 'create-job' ? [it.node] : []));
  return {
    starts,
    actions: actions.map((it) => ('node' in it ? `${it.type} ${it.node}` : it.type)),
    says: status.conditions?.find(({ type }) => type === 'Reconciling')?.message,
    entries: status.nodeStatuses ?? {},
    status,
    again: lookAgainAt === undefined ? undefined : lookAgainAt - NOW,
  };
}

describe('nodes are started', () => {
  test('as many as there is room for', () => {
    const three = { a: WAITS, b: WAITS, c: WAITS };
    expect(look(three).starts).toEqual(['a']);
    expect(look(three, { spec: { concurrency: 2 } }).starts).toEqual(['a', 'b']);
    expect(look(three, { spec: { concurrency: 0 } }).starts).toEqual(['a', 'b', 'c']);
    expect(look({ ...three, a: RUNS }, { spec: { concurrency: 2 } }).starts).toEqual(['b']);
    expect(look({ ...three, a: RUNS })).toMatchObject({ starts: [], says: 'the rollout goes on' });
  });

  test('but for those that others work on, which is said of five at most', () => {
    const claims = new Map([['a', 'ops/other']]);
    const { starts, says } = look({ a: WAITS, b: WAITS }, { facts: { claims } });
    expect(starts).toEqual(['b']);
    expect(says).toBe('waiting for a (busy with ops/other)');
    const all = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, WAITS]));
    const busy = { get: () => 'ops/other' };
    expect(look(all, { facts: { claims: busy } })).toMatchObject({
      starts: [],
      says: `waiting for ${['a', 'b', 'c', 'd', 'e'].map((name) => `${name} (busy with ops/other)`).join(', ')}`,
    });
  });

  test('of one topology value before those of the next', () => {
    const spec = { concurrency: 3, topologyKey: 'zone' };
    const nodes = {
      a: { labels: { zone: 'x' } },
      b: { labels: { zone: 'y' } },
      c: { labels: { zone: 'x' } },
    };
    const three = { a: WAITS, b: WAITS, c: WAITS };
    expect(look(three, { spec, nodes }).starts).toEqual(['a', 'c']);
    expect(look({ ...three, a: RUNS }, { spec, nodes }).starts).toEqual(['c']);
    expect(look({ ...three, b: RUNS }, { spec, nodes }).starts).toEqual([]);
    expect(look({ ...three, a: DONE, c: DONE }, { spec, nodes }).starts).toEqual(['b']);
  });

  test('of a step that waits before those of the next, though these are Ready', () => {
    const spec = {
      concurrency: 2,
      steps: [{ name: 'first', nodeSelector: { matchLabels: { canary: 'yes' } } }],
    };
    const nodes = { b: { labels: { canary: 'yes' } } };
    const facts = { status: { ...STEPPED, nodeStatuses: { a: WAITS, b: WAITS } }, persisted: STEPPED };
    expect(look({ a: WAITS, b: WAITS }, { spec, nodes, facts }).starts).toEqual(['b']);
  });

  test.each<[string, Partial<RolloutFacts>, object, string]>([
    ['are held', { hold: { by: 'Annotation', text: 'held: why' } }, {}, 'held: why'],
    ['suspended', {}, { suspend: true }, 'suspended: no new node is started'],
    ['have no place', { placeHeld: 'waits for a place' }, {}, 'waits for a place'],
  ])('none while they %s', (_, facts, spec, why) => {
    const { starts, says } = look({ a: DONE, b: WAITS }, { facts, spec });
    expect(starts).toEqual([]);
    expect(says).toBe(why);
  });
});

describe('a node that was done', () => {
  const entries = { a: DONE, b: WAITS };

  test('keeps its slot until it was Ready for the soak', () => {
    const spec = { soakSeconds: 60 };
    expect(look(entries, { spec, at: 59_999 })).toMatchObject({
      starts: [],
      says: 'finished nodes have to stay Ready before the next ones start',
      again: 60_000,
    });
    expect(look(entries, { spec, at: 60_000 }).starts).toEqual(['b']);
    const nodes = { a: { readySince: NOW + 30_000 } };
    expect(look(entries, { spec, nodes, at: 89_999 }).again).toBe(90_000);
    expect(look(entries, { spec, nodes, at: 90_000 }).starts).toEqual(['b']);
  });

  test('keeps it while it is not Ready, and then counts as failed', () => {
    const spec = { nodeReadyTimeoutSeconds: 60, maxFailures: 0 };
    const nodes = { a: { ready: false, readySince: NOW + 5_000 } };
    expect(look(entries, { spec, nodes, at: 64_999 })).toMatchObject({
      starts: [],
      says: 'nodes that were done are not Ready: a',
      again: 65_000,
    });
    expect(look(entries, { spec, nodes, at: 65_000 }).actions).toEqual(['confirm a']);
    const work = new Map([['a', { confirmedAt: NOW + 65_000 }]]);
    const { entries: ended, status } = look(entries, { spec, nodes, facts: { work }, at: 65_000 });
    expect(ended['a']).toMatchObject({ phase: 'Completed', message: 'not Ready for 60 s since it was done' });
    expect(ended['b']).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: 1 failed or are not Ready since they were done, 0 tolerated',
    });
    expect(status.phase).toBe('Failed');
  });

  test('and is gone keeps nothing; one that had nothing to do neither', () => {
    const { jobName: _, ...skipped } = DONE;
    const nodes = { a: { ready: false } };
    expect(look({ a: skipped, b: WAITS }, { nodes }).starts).toEqual(['b']);
    expect(look(entries, { facts: { nodes: new World({}, { b: {} }).nodes } }).starts).toEqual(['b']);
  });

  test('while others are in flight is told of beside them', () => {
    const nodes = { a: { ready: false, readySince: NOW } };
    const { says, starts } = look({ a: DONE, b: RUNS, c: WAITS }, { nodes, spec: { concurrency: 2 } });
    expect(starts).toEqual([]);
    expect(says).toBe('a: the node was done and is not Ready');
  });
});

describe('a node that is not Ready', () => {
  const nodes = { a: { ready: false, readySince: NOW - 600_000 } };
  const spec = { nodeReadyTimeoutSeconds: 60 };

  test('waits its turn last', () => {
    expect(look({ a: WAITS, b: WAITS }, { nodes }).starts).toEqual(['b']);
    expect(look({ a: WAITS, b: RUNS }, { nodes, spec: { ...spec, concurrency: 2 } })).toMatchObject({
      starts: [],
      says: 'waiting for nodes that are not Ready: a',
      again: undefined,
    });
  });

  test('has its time once nothing else is left, counted from then', () => {
    const first = look({ a: WAITS, b: DONE }, { nodes, spec });
    expect(first.entries['a']?.phaseStartedAt).toBe('2030-01-01T00:00:00Z');
    expect(first.again).toBe(60_000);
    const waits = { ...WAITS, phaseStartedAt: '2030-01-01T00:00:00Z' };
    expect(look({ a: waits, b: DONE }, { nodes, spec, at: 59_999 })).toMatchObject({
      actions: [],
      again: 60_000,
    });
    expect(look({ a: waits, b: DONE }, { nodes, spec, at: 60_000 }).actions).toEqual(['confirm a']);
    const work = new Map([['a', { confirmedAt: NOW + 60_000 }]]);
    expect(
      look({ a: waits, b: DONE }, { nodes, spec, facts: { work }, at: 60_000 }).entries['a'],
    ).toMatchObject({
      phase: 'Failed',
      message: 'not Ready for 60 s',
    });
  });

  test('and was Ready for a moment meanwhile has its time anew', () => {
    const waits = { ...WAITS, phaseStartedAt: '2030-01-01T00:00:00Z' };
    const flaps = { a: { ready: false, readySince: NOW + 30_000 } };
    expect(look({ a: waits }, { nodes: flaps, spec, at: 60_000 }).again).toBe(90_000);
  });

  test('forgets its wait once others have their turn, but not for what passes by itself', () => {
    const waits = { ...WAITS, phaseStartedAt: '2030-01-01T00:00:00Z' };
    expect(look({ a: waits, b: WAITS }, { nodes, spec, at: 5_000 }).entries['a']).not.toHaveProperty(
      'phaseStartedAt',
    );
    expect(look({ a: waits, b: RUNS }, { nodes, spec, at: 5_000 }).entries['a']).not.toHaveProperty(
      'phaseStartedAt',
    );
    const held = { facts: { hold: { by: 'Lease', text: 'held' } as const }, nodes, spec, at: 5_000 };
    expect(look({ a: waits }, held).entries['a']).not.toHaveProperty('phaseStartedAt');
    const full = { facts: { placeHeld: 'waits for a place' }, nodes, spec, at: 5_000 };
    expect(look({ a: waits }, full).entries['a']).toHaveProperty('phaseStartedAt');
  });
});

describe('after too many failures', () => {
  const failed: NodeStatus = { ...DONE, phase: 'Failed' };

  test.each([
    [{ maxFailures: 1 }, ['c'], undefined],
    [{ maxFailures: 0 }, [], 'Cancelled: 1 failed, 0 tolerated'],
    [{ stopOnFailure: true }, [], 'Cancelled: 1 failed, 0 tolerated'],
    [{ maxFailures: '50%' }, ['c'], undefined],
    [{ maxFailures: '30%' }, [], 'Cancelled: 1 failed, 0 tolerated'],
    [{}, ['c'], undefined],
  ])('%j: starts %j', (spec, starts, message) => {
    const seen = look({ a: failed, b: DONE, c: WAITS }, { spec });
    expect(seen.starts).toEqual(starts);
    expect(seen.entries['c']?.message).toBe(message);
  });
});

describe('a rehearsal', () => {
  const entries = { a: WAITS, b: WAITS };

  test('is asked for before anything begins, also while the rollout is held', () => {
    expect(look(entries, { facts: { rehearsal: undefined } }).actions).toEqual(['rehearse a']);
    expect(look(entries, { facts: { rehearsal: undefined }, spec: { suspend: true } }).actions).toEqual([
      'rehearse a',
    ]);
  });

  test('that is refused for good ends it, held or not', () => {
    const rehearsal = { kind: 'refused', message: 'spec.x: Invalid value' } as const;
    for (const suspend of [false, true]) {
      const { status, entries: ended } = look(entries, { facts: { rehearsal }, spec: { suspend } });
      expect(status.phase).toBe('Failed');
      expect(ended['a']).toMatchObject({ phase: 'Cancelled', message: 'Cancelled: spec.x: Invalid value' });
      expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
        reason: 'Refused',
        message: 'spec.x: Invalid value',
      });
    }
  });

  test('that may come to another answer is waited for', () => {
    const rehearsal = {
      kind: 'forbidden',
      message: 'a quota',
      since: NOW,
      at: NOW,
      retryAt: NOW + 25_000,
    } as const;
    expect(look(entries, { facts: { rehearsal } })).toMatchObject({
      actions: [],
      says: 'a quota',
      again: 25_000,
    });
    expect(look(entries, { facts: { rehearsal }, at: 25_000 })).toMatchObject({
      actions: ['rehearse a'],
      says: 'a quota',
    });
  });

  test('that nobody answers is told of', () => {
    const troubles = new Map([['rehearse/a', 'no route to host']]);
    expect(look(entries, { facts: { rehearsal: undefined, troubles } }).says).toBe(
      'rehearse keeps failing: no route to host',
    );
  });
});

describe('a node that has failed and stays cordoned while others run', () => {
  const failed: NodeStatus = { ...DONE, phase: 'Failed' };
  const actionsOf = (node: Partial<NodeFacts>, spec: object = {}) =>
    look(
      { a: failed, b: RUNS },
      { spec: { cordon: true, ...spec }, nodes: { a: { cordonedBy: MARK, ...node } } },
    ).actions;

  test('keeps the mark for as long as it is cordoned', () => {
    expect(actionsOf({ unschedulable: true })).toEqual([]);
    expect(actionsOf({ unschedulable: false })).toEqual(['uncordon a']);
  });

  test('whatever its operation came to', () => {
    const unknown = { a: { ...failed, outcomeUnknown: true }, b: RUNS };
    const node = { cordonedBy: MARK, unschedulable: false };
    const spec = { cordon: true, uncordonOnFailure: true };
    expect(look(unknown, { spec, nodes: { a: node } }).actions).toEqual(['uncordon a']);
  });
});
