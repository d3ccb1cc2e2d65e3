import { expect, test } from 'vitest';
import type { Action } from '../../src/core/rollout/actions.ts';
import { isFinalPhase } from '../../src/api/nodeop.ts';
import { World } from '../support/world.ts';

/** Whatever is asked of the API server for a node may be refused for good: a right, a policy, a quota. None of it holds a node for good. */

const BOUND = { startTimeoutSeconds: 600 };
const DRAINS = { ...BOUND, drainOptions: { enabled: true } };
const DENIED = 'nodes "node-1" is forbidden';

function refusing(spec: object, types: readonly Action['type'][], script: object = {}): World {
  const world = new World(
    { ...spec, concurrency: 1, stopOnFailure: true },
    { 'node-1': script, 'node-2': {} },
  );
  world.refuses = (action) =>
    types.includes(action.type) && 'node' in action && action.node === 'node-1' ? DENIED : undefined;
  return world;
}

/** What is refused is asked for even after the end. */
function toEnd(world: World): void {
  for (let i = 0; i < 1000 && !isFinalPhase(world.persisted.phase); i += 1) {
    const { status, log } = world;
    const before = log.length;
    world.pass();
    world.persist();
    if (world.status === status && log.length === before) world.advance();
  }
}

const entry = (world: World) => world.status.nodeStatuses?.['node-1'];

test.each<[string, object, Action['type'][], string]>([
  [
    'a cordon',
    { ...BOUND, cordon: true },
    ['cordon'],
    'the node was not cordoned within 10 min: the change of the node',
  ],
  [
    'the list of pods',
    DRAINS,
    ['watch-pods'],
    'it was not seen which pods are to be evicted within 10 min: the list of its pods',
  ],
  [
    'a preflight',
    { ...BOUND, preflight: { command: ['x'] } },
    ['create-preflight'],
    'the preflight did not start within 10 min: its pod',
  ],
  ['a Job', BOUND, ['create-job'], 'the command did not start within 10 min: its Job'],
  [
    'a reboot',
    { ...BOUND, rebootOnSuccess: true, rebootTimeoutSeconds: 3600 },
    ['create-reboot'],
    'the reboot did not start within 10 min: its pod',
  ],
  [
    'a postflight',
    { ...BOUND, postflight: { command: ['x'] } },
    ['create-postflight'],
    'the postflight did not start within 10 min: its pod',
  ],
  [
    'an uncordon',
    { ...BOUND, cordon: true },
    ['uncordon'],
    'the operation succeeded, but its cordon was not undone within 10 min: the change of the node',
  ],
])('%s that is refused for good fails the node, in the words of the server', (_, spec, types, said) => {
  const world = refusing(spec, types);
  toEnd(world);
  expect(entry(world)?.phase).toBe('Failed');
  expect(entry(world)?.message).toContain(`${said} is refused: ${DENIED}`);
  expect(world.status.phase).toBe('Failed');
  expect(world.status.nodeStatuses?.['node-2']?.phase, 'no further node is begun').toBe('Cancelled');
  const minutes =
    (Date.parse(entry(world)?.finishedAt ?? '') - Date.parse(entry(world)?.startedAt ?? '')) / 60_000;
  expect(minutes).toBeGreaterThanOrEqual(10);
  expect(minutes).toBeLessThan(13);
});

test('the pod of a check that may not be deleted holds up the end for as long, no longer', () => {
  const checks = [{ name: 'c', command: { command: ['true'] }, attempts: 1 }];
  const world = new World({ ...BOUND, steps: [{ name: 'all', checks }] }, { 'node-1': {} });
  world.refuses = ({ type }) => (type === 'delete-check-pod' ? DENIED : undefined);
  toEnd(world);
  expect(world.status.phase).toBe('Completed');
});

test('what is granted in time holds up nothing', () => {
  const world = refusing({ ...DRAINS, cordon: true }, ['cordon', 'watch-pods']);
  world.later(500_000, () => {
    world.refuses = () => undefined;
  });
  toEnd(world);
  expect(world.status.phase).toBe('Completed');
});

test('a cordon that cannot be undone after a failed drain holds the end up for as long, no longer, and is tried on', () => {
  const world = refusing({ ...DRAINS, uncordonOnFailure: true }, ['watch-pods', 'uncordon']);
  toEnd(world);
  expect(world.status.phase).toBe('Failed');
  expect(world.nodes.get('node-1')?.unschedulable).toBe(true);
  world.refuses = () => undefined;
  world.pass();
  expect(world.nodes.get('node-1')?.unschedulable).toBe(false);
});

test('a node whose objects may not be read any more is given up, and says that nobody knows', () => {
  const world = refusing(BOUND, ['confirm'], { startsAfter: 'never' });
  toEnd(world);
  expect(entry(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
  expect(entry(world)?.message).toMatch(
    /^outcome unknown: the command did not start within 10 min: ImagePullBackOff; it was not seen how things stand/,
  );
  expect(entry(world)?.message).toContain(DENIED);
});

test('a run that is taken back does not wait for good for what it may not read', () => {
  const world = refusing({ ...BOUND, cordon: true }, ['confirm'], { startsAfter: 'never' });
  world.later(1000, () => {
    world.cancelled = 'the run file was removed';
  });
  toEnd(world);
  expect(entry(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
  expect(world.nodes.get('node-1')?.unschedulable, 'its command may have begun').toBe(true);
});

test.each<[string, Action['type'][]]>([
  ['its Job', ['delete-job']],
  ['its pod', ['delete-pod', 'delete-job']],
])('what may not be ended is told, and holds no other node up: %s', (_, types) => {
  const world = refusing({ ...BOUND, startTimeoutSeconds: 60 }, types, { startsAfter: 'never' });
  toEnd(world);
  expect(entry(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
  expect(entry(world)?.message).toMatch(
    /^outcome unknown: what was started was not ended within 60 s: the deletion of its (Job|pod) is refused: nodes/,
  );
  expect(world.status.phase).toBe('Failed');
});

test('a NodeOp that is deleted and may not end its Job says so, with the way out, and keeps the node cordoned meanwhile', () => {
  const world = refusing({ startTimeoutSeconds: 60, cordon: true }, ['delete-job'], { ms: 500_000 });
  world.later(1_000, () => {
    world.cancelled = 'the NodeOp was deleted';
    world.deleted = true;
  });
  toEnd(world);
  for (let i = 0; i < 3; i += 1) {
    world.pass();
    world.persist();
  }
  expect(world.status.phase).toBe('Failed');
  expect(world.adopted, 'its finalizer stays').toBe(true);
  expect(world.nodes.get('node-1')?.unschedulable, 'its command runs').toBe(true);
  const said = () => world.status.conditions?.find(({ type }) => type === 'DeletionBlocked');
  expect(said()).toMatchObject({ status: 'True', reason: 'Refused' });
  expect(said()?.message).toMatch(
    /^Job flash-node-1 on node-1 is not deleted: nodes "node-1" is forbidden; give the agent the right/,
  );
  expect(said()?.message).toContain('operator.kairos.io/undo');
  const { status } = world;
  world.pass();
  expect(world.status, 'nothing changes without news').toBe(status);
  world.refuses = () => undefined;
  for (let i = 0; i < 10; i += 1) {
    world.pass();
    world.persist();
    world.advance();
  }
  expect(world.nodes.get('node-1')?.unschedulable).toBe(false);
  expect(said(), 'nothing is in its way any more').toBeUndefined();
  expect(world.adopted).toBe(false);
});

test('a recorded Job that may not be asked for ends as one of which nobody knows', () => {
  const world = refusing(BOUND, ['look-up-job', 'confirm']);
  world.pass();
  world.persist();
  for (let i = 0; i < 6 && world.work.get('node-1')?.job === undefined; i += 1) {
    world.pass();
    world.persist();
  }
  world.pass();
  world.persist();
  world.work.set('node-1', { jobSeen: true });
  toEnd(world);
  expect(entry(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
  expect(entry(world)?.message).toContain('its Job was not found again within 10 min');
});
