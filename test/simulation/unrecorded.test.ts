import { expect, test } from 'vitest';
import { isFinalNodePhase } from '../../src/api/nodeop.ts';
import type { Action } from '../../src/core/rollout/actions.ts';
import { type NodeScript, runToEnd, World } from '../support/world.ts';

/**
 * A verdict that is not on record yet is lost with its agent, and the next one decides anew. Where it may find something else, the
 * node would be in flight again beside the one that took its place.
 */

interface Kind {
  spec: object;
  script: NodeScript;
  /** What the API server will not have of the first node. */
  refused?: Action['type'];
  /** What becomes of the first node when its agent is killed: the next one finds it so. */
  meanwhile?: (world: World) => void;
}

const NODE = 'node-1';
const BOUND = { startTimeoutSeconds: 60 };
const CHECK = { command: ['check'] };

/** Whatever was in the way is not any more. */
const mended = (world: World): void => {
  world.refuses = undefined;
  world.refusals.clear();
};

const KINDS: Record<string, Kind> = {
  'a node that is not cordoned': {
    spec: { ...BOUND, cordon: true },
    script: {},
    refused: 'cordon',
    meanwhile: mended,
  },
  'a node whose pods may not be listed': {
    spec: { ...BOUND, drainOptions: { enabled: true } },
    script: {},
    refused: 'watch-pods',
    meanwhile: mended,
  },
  'a preflight that is refused': {
    spec: { ...BOUND, preflight: CHECK },
    script: {},
    refused: 'create-preflight',
    meanwhile: mended,
  },
  'a Job that is refused': { spec: BOUND, script: {}, refused: 'create-job', meanwhile: mended },
  'a cordon that is not undone': {
    spec: { ...BOUND, cordon: true },
    script: {},
    refused: 'uncordon',
    meanwhile: mended,
  },
  'a reboot that never comes': {
    spec: { rebootOnSuccess: true, rebootTimeoutSeconds: 30 },
    script: { reboots: false },
    meanwhile: (world) => world.later(5_000, () => world.change(NODE, { bootID: 'another' })),
  },
  'a node that stays away before its postflight': {
    spec: { nodeReadyTimeoutSeconds: 30, postflight: CHECK },
    script: { ms: 1_000 },
    meanwhile: (world) => world.change(NODE, { ready: true, readySince: world.now }),
  },
  'a preflight that fails': { spec: { preflight: CHECK }, script: { preflight: 'fail' } },
  'a preflight that finds nothing to do': { spec: { preflight: CHECK }, script: { preflight: 'skip' } },
  'a postflight that fails': { spec: { postflight: CHECK }, script: { postflight: 'fail' } },
  'a command that fails': { spec: {}, script: { command: 'fail' } },
  'a command that never starts': { spec: BOUND, script: { startsAfter: 'never' } },
  'a node that reboots': { spec: { rebootOnSuccess: true, cordon: true }, script: {} },
  'a node that soaks': { spec: { soakSeconds: 5 }, script: {} },
};

function worldOf({ spec, script, refused }: Kind): World {
  const world = new World(
    { concurrency: 1, stopOnFailure: false, ...spec },
    { [NODE]: script, 'node-2': { ms: 100_000 } },
  );
  if (refused !== undefined)
    world.refuses = (action) =>
      action.type === refused && 'node' in action && action.node === NODE ? 'denied' : undefined;
  return world;
}

/** Nodes between their first and last step. */
function inFlight(world: World): string[] {
  const entries = Object.entries(world.status.nodeStatuses ?? {});
  return entries
    .filter(([, { phase }]) => phase !== 'Pending' && !isFinalNodePhase(phase))
    .map(([name]) => name);
}

/** Killed before the status of its n-th look is on record; how many looks there were. */
function killedAt(kind: Kind, n: number): number {
  const world = worldOf(kind);
  if (kind.spec === KINDS['a node that stays away before its postflight']?.spec)
    world.later(500, () => world.change(NODE, { ready: false, readySince: world.now }));
  let looks = 0;
  runToEnd(world, () => {
    expect(inFlight(world).length, `killed at look ${n}: ${inFlight(world).join()}`).toBeLessThanOrEqual(1);
    if (looks++ !== n) return;
    world.restart();
    kind.meanwhile?.(world);
  });
  expect(['Completed', 'Failed']).toContain(world.status.phase);
  return looks;
}

test.each(Object.entries(KINDS))('%s keeps its place until that is on record', (_, kind) => {
  const looks = killedAt(kind, Infinity);
  expect(looks).toBeGreaterThan(5);
  for (let n = 0; n < looks; n += 1) killedAt(kind, n);
});
