import { expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { runToEnd, World } from '../support/world.ts';

/** What kstatus makes of an object of a kind it does not know, by its rules for conditions. */
function kstatus({ observedGeneration, conditions = [] }: NodeOpStatus, generation: number): string {
  const is = (type: string) => conditions.find((it) => it.type === type)?.status;
  if (observedGeneration !== undefined && observedGeneration !== generation) return 'InProgress';
  if (is('Reconciling') === 'True') return 'InProgress';
  if (is('Stalled') === 'True') return 'Failed';
  const ready = is('Ready');
  return ready === undefined || ready === 'True' ? 'Current' : 'InProgress';
}

/** Each state in turn, of a rollout over two nodes of which the first does as it is told. */
function states(command: 'fail' | undefined, cancel: boolean): string[] {
  const first = command === undefined ? {} : { command };
  const world = new World({ concurrency: 1, stopOnFailure: true }, { 'node-1': first, 'node-2': {} });
  if (cancel) world.later(500, () => (world.cancelled = 'the run file was removed'));
  const seen: string[] = [];
  runToEnd(world, () => {
    if (world.status.phase === undefined) return;
    const state = kstatus(world.status, 1);
    if (seen.at(-1) !== state) seen.push(state);
  });
  return seen;
}

test.each([
  ['Completed', undefined, false, 'Current'],
  ['Failed', 'fail', false, 'Failed'],
  ['Cancelled', undefined, true, 'Failed'],
] as const)(
  'a rollout that ends as %s is InProgress until then, by kstatus',
  (_phase, command, cancel, end) => {
    expect(states(command, cancel)).toEqual(['InProgress', end]);
  },
);

test('a spec that is not observed yet is InProgress', () => {
  expect(kstatus({ observedGeneration: 1, conditions: [] }, 2)).toBe('InProgress');
});
