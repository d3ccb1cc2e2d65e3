import { expect, test } from 'vitest';
import type { Rehearsal } from '../../src/core/rollout/facts.ts';
import { runToEnd, World } from '../support/world.ts';

const nodes = { 'node-1': {}, 'node-2': {} };

test('the answer of before the bound ends no rollout, one from after it does', () => {
  const world = new World({ startTimeoutSeconds: 60 }, nodes);
  const began = world.now;
  const told: number[] = [];
  world.rehearse = (at): Rehearsal => {
    told.push(at - began);
    return { kind: 'forbidden', message: 'a quota', since: began, at, retryAt: at + 25_000 };
  };
  runToEnd(world);
  expect(told).toEqual([0, 25_000, 50_000, 75_000]);
  expect(world.status.phase).toBe('Failed');
  expect(world.status.conditions?.[0]).toMatchObject({ reason: 'Refused', message: 'for 60 s: a quota' });
  expect(world.commandRuns.size).toBe(0);
});

test('the time in which people hold it does not count', () => {
  const world = new World({ startTimeoutSeconds: 60, suspend: true }, nodes);
  world.rehearse = (at) => ({ kind: 'forbidden', message: 'a quota', since: at, at, retryAt: at + 10_000 });
  runToEnd(world);
  expect(world.log.filter((text) => text.includes('do rehearse'))).toHaveLength(1);
  expect(world.status.phase).toBe('Pending');
});

test('it is asked again after a restart only while nothing has begun', () => {
  const world = new World({ concurrency: 1 }, nodes);
  const asked = () => world.log.filter((text) => text.includes('do rehearse')).length;
  for (let i = 0; i < 4; i += 1) {
    world.pass();
    world.persist();
  }
  expect(asked()).toBe(1);
  world.restart();
  runToEnd(world);
  expect(world.status.phase).toBe('Completed');
  expect(asked()).toBe(1);
});
