import { expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import type { RolloutFacts } from '../../src/core/rollout/facts.ts';
import { Memory } from '../../src/core/rollout/memory.ts';
import { World } from '../support/world.ts';

/** What a look with a memory sees; that it decides like a look at everything is held wherever a `World` runs. */

/** Three nodes, one of them at work, as a look with a memory has left them. */
function looked() {
  const world = new World({ concurrency: 1 }, { a: {}, b: {}, c: {} });
  for (let i = 0; i < 3; i += 1) {
    world.pass();
    world.persist();
  }
  const memory = new Memory();
  let status: NodeOpStatus = world.status;
  const look = () => {
    const decision = decide({ ...world.facts(), status }, world.now, memory);
    ({ status } = decision);
    return decision;
  };
  // What changes is looked at once more.
  for (let i = 0; i < 3; i += 1) look();
  return { world, memory, look, status: () => status };
}

test('a node is looked at when it is touched, and not before', () => {
  const { world, memory, look } = looked();
  world.nodes.delete('c');
  expect(look().changed).toEqual(new Map());
  memory.touch('c');
  const { changed, status } = look();
  expect([...(changed?.keys() ?? [])]).toEqual(['c']);
  expect(status.nodeStatuses?.['c']).toMatchObject({ phase: 'Failed', message: 'node is gone' });
});

test('a change of which nobody was told is seen after five minutes', () => {
  const { world, look } = looked();
  world.nodes.delete('c');
  world.now += 299_000;
  expect(look().changed).toEqual(new Map());
  world.now += 1_000;
  expect([...(look().changed?.keys() ?? [])]).toEqual(['c']);
});

test('what concerns all nodes is seen at once', () => {
  const { world, look } = looked();
  world.cancelled = 'the run file was removed';
  expect(look().status.summary).toMatchObject({ cancelled: 2 });
});

test('a status that somebody holds stays as it is; one that nobody holds is changed in place', () => {
  const { world, memory, look, status } = looked();
  memory.share();
  const held = status();
  const before = structuredClone(held);
  world.nodes.delete('c');
  memory.touch('c');
  const after = look().status;
  expect(held).toEqual(before);
  expect(after.nodeStatuses).not.toBe(held.nodeStatuses);
  world.nodes.delete('b');
  memory.touch('b');
  expect(look().status.nodeStatuses).toBe(after.nodeStatuses);
});

test('who takes over a cordon that is to be undone is asked at every look', () => {
  const world = new World({ cordon: true, uncordonOnFailure: true }, { a: { command: 'fail' } });
  const memory = new Memory();
  const heirs = new Map<string, string>();
  let { status } = world;
  const look = () => {
    const decision = decide({ ...world.facts(), status, heirs }, world.now, memory);
    ({ status } = decision);
    world.status = status;
    // The API server does not answer to what undoes it.
    world.carryOut(decision.actions.filter(({ type }) => type !== 'uncordon'));
    memory.share();
    world.persist();
    memory.touch('a');
    return decision.actions;
  };
  for (let i = 0; i < 20 && status.nodeStatuses?.['a']?.phase !== 'Failed'; i += 1) {
    look();
    world.advance();
  }
  const quiet = () => {
    const decision = decide({ ...world.facts(), status, heirs }, world.now, memory);
    ({ status } = decision);
    return decision.actions;
  };
  look();
  quiet();
  expect(quiet()).toMatchObject([{ type: 'uncordon', node: 'a' }]);
  heirs.set('a', 'ops/other@uid-2');
  expect(quiet()).toMatchObject([{ type: 'hand-over', node: 'a', to: 'ops/other@uid-2' }]);
});

test('a look that fails in its middle leaves the status as it was, and the next one decides as if it had not been', () => {
  const failed: number[] = [];
  for (let at = 1; at < 40; at += 1) {
    const [broken, whole] = [1, 2].map(() => {
      const world = new World({ concurrency: 3, cordon: true }, { a: {}, b: {}, c: {}, d: {}, e: {} });
      const memory = new Memory();
      const look = (facts: RolloutFacts) => {
        const decision = decide(facts, world.now, memory);
        world.status = decision.status;
        world.carryOut(decision.actions);
        world.persisted = structuredClone(world.status);
      };
      for (let i = 0; i < 4; i += 1) look(world.facts());
      return { world, memory, look };
    });
    if (!broken || !whole) throw new Error('no worlds');
    for (const { world, memory } of [broken, whole]) {
      for (const name of world.nodes.keys()) memory.touch(name);
      // What was decided last is nobody's yet: the next look may change it in place.
      world.advance();
    }
    const before = structuredClone(broken.world.status);
    const facts = broken.world.facts();
    let calls = 0;
    const work = {
      get: (node: string) => {
        calls += 1;
        if (calls === at) throw new Error('broken');
        return facts.work.get(node);
      },
      [Symbol.iterator]: () => facts.work[Symbol.iterator](),
    };
    try {
      decide({ ...facts, work }, broken.world.now, broken.memory);
      continue;
    } catch {
      failed.push(at);
    }
    expect(broken.world.status).toEqual(before);
    const [again, expected] = [broken, whole].map(({ world, memory }) =>
      decide(world.facts(), world.now, memory),
    );
    expect(again).toEqual({ ...expected, changed: expect.anything() as unknown });
  }
  expect(failed.length).toBeGreaterThan(3);
});
