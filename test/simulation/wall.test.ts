import { expect, test } from 'vitest';
import { decide } from '../../src/core/rollout/decide.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;

test('a window goes by the wall clock, and when to look again by the steady one', () => {
  const world = new World({}, { 'node-1': {} });
  world.window = JSON.stringify({ schedule: '0 2 * * *', duration: '1h', timeZone: 'UTC' });
  world.adopted = true;
  world.status = world.persisted = { phase: 'Pending', nodeStatuses: { 'node-1': { phase: 'Pending' } } };
  const at = (wall: number) => decide({ ...world.facts(), rehearsal: { kind: 'accepted' }, wall }, world.now);
  expect(at(world.now + HOUR).lookAgainAt).toBe(world.now + HOUR);
  expect(at(world.now - HOUR).lookAgainAt).toBe(world.now + 3 * HOUR);
  expect(at(world.now + 2.5 * HOUR).actions).toMatchObject([{ type: 'create-job' }]);
  expect(at(world.now + 3.5 * HOUR).actions).toEqual([]);
});
