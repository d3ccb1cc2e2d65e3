import { describe, expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { takesPlace } from '../../src/core/runs/places.ts';
import { type NodeScript, runToEnd, World } from '../support/world.ts';

/** Rollouts in steps, as logs to read and by what they must hold. */

const six = (own: Record<string, NodeScript> = {}): Record<string, NodeScript> => ({
  ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`node-${i + 1}`, {}])),
  ...own,
});
const log = (world: World) => `${world.log.join('\n')}\n`;
const started = (world: World) => [...world.commandRuns.keys()].toSorted();
const phases = ({ steps = [] }: NodeOpStatus) => steps.map(({ phase }) => phase);
const ready = ({ conditions = [] }: NodeOpStatus) => conditions.find(({ type }) => type === 'Ready');

const CANARY = {
  name: 'canary',
  nodeSelector: { matchLabels: { canary: 'true' } },
  upTo: 1,
  soakSeconds: 60,
};

describe('as logs to read', () => {
  test('a canary soaks, then the rest goes by halves', async () => {
    const world = new World(
      { concurrency: '50%', steps: [CANARY] },
      six({ 'node-5': { labels: { canary: 'true' } }, 'node-6': { labels: { canary: 'true' } } }),
    );
    runToEnd(world);
    expect(world.status).toMatchObject({ phase: 'Completed', stepOf: '111101' });
    await expect(log(world)).toMatchFileSnapshot('golden/canary.log');
  });

  test('a step that fails stops what comes after it', async () => {
    const steps = [
      { name: 'canary', upTo: 1 },
      { name: 'half', upTo: '50%', concurrency: 1, maxFailures: 0 },
    ];
    const world = new World({ steps }, six({ 'node-2': { command: 'fail' } }));
    runToEnd(world);
    expect(started(world)).toEqual(['node-1', 'node-2']);
    await expect(log(world)).toMatchFileSnapshot('golden/step-failed.log');
  });

  test('a node that goes away while its step soaks', async () => {
    const world = new World({ steps: [CANARY] }, six({ 'node-3': { labels: { canary: 'true' } } }));
    world.later(20_000, () => world.change('node-3', { ready: false, readySince: world.now }));
    runToEnd(world);
    expect(world.status.nodeStatuses?.['node-3']).toMatchObject({ phase: 'Completed', lostInSoak: true });
    await expect(log(world)).toMatchFileSnapshot('golden/soak-lost.log');
  });
});

const HEALTH = { name: 'health', http: { url: 'https://example.org/health' }, attempts: 2 };
const SMOKE = { name: 'smoke', command: { command: ['smoke'] }, attempts: 2 };

test('checks are asked after the soak, and one that fails once is tried again', async () => {
  const steps = [{ name: 'canary', upTo: 1, soakSeconds: 30, checks: [HEALTH, SMOKE] }];
  const world = new World({ steps }, { 'node-1': {}, 'node-2': {} });
  world.tries.push({ passed: false, seen: 'status 503' });
  runToEnd(world);
  expect(world.status.phase).toBe('Completed');
  await expect(log(world)).toMatchFileSnapshot('golden/checks.log');
});

test('a check that fails again and again stops the rollout, and says what was seen', () => {
  const steps = [{ name: 'canary', upTo: 1, checks: [HEALTH] }];
  const world = new World({ steps }, { 'node-1': {}, 'node-2': {} });
  world.tries.push({ passed: false, seen: 'status 503' }, { passed: false, seen: 'status 502' });
  const { phase, reason, message } = endOf(world);
  expect([phase, reason, started(world)]).toEqual(['Failed', 'StepFailed', ['node-1']]);
  expect(message).toMatch(/^step canary has failed: check health failed, 2 tries: status 502;/);
});

test('a command that an agent had begun when it was killed is not begun again for the same try', () => {
  const steps = [{ name: 'canary', upTo: 1, checks: [SMOKE] }];
  const world = new World({ steps }, { 'node-1': {}, 'node-2': {} });
  world.later(1_500, () => world.restart());
  runToEnd(world);
  expect(world.status).toMatchObject({ phase: 'Completed', steps: [{ checks: [{ tries: 1 }] }, {}] });
  expect([...world.triesBegun]).toEqual(['0.0.1']);
});

test('a run that is taken back while it is checked leaves no pod behind', () => {
  const steps = [{ name: 'canary', upTo: 1, checks: [SMOKE] }];
  const world = new World({ steps }, { 'node-1': {}, 'node-2': {} });
  world.later(1_500, () => (world.cancelled = 'somebody wants it so'));
  expect(endOf(world).phase).toBe('Cancelled');
  expect([...world.checks.pods]).toEqual([]);
});

test('nor one that had ended in the very moment', () => {
  const steps = [{ name: 'canary', upTo: 1, checks: [SMOKE] }];
  const world = new World({ steps }, { 'node-1': {}, 'node-2': {} });
  runToEnd(world, () => {
    const isRunning = [...world.checks.pods.values()].some(({ state }) => state === 'running');
    if (isRunning) world.later(1000, () => (world.cancelled = 'somebody wants it so'));
  });
  expect(world.status.phase).toBe('Cancelled');
  expect([...world.checks.pods]).toEqual([]);
});

/** The end of a rollout, with what it says of itself. */
function endOf(world: World): {
  phase: string | undefined;
  reason: string | undefined;
  message: string | undefined;
} {
  runToEnd(world);
  const { reason, message } = ready(world.status) ?? {};
  return { phase: world.status.phase, reason, message };
}

test('a step that fails says which and why, whatever became of its nodes', () => {
  const world = new World({ steps: [{ name: 'canary', upTo: 2 }] }, six({ 'node-2': { command: 'fail' } }));
  const { phase, reason, message } = endOf(world);
  expect([phase, reason]).toEqual(['Failed', 'StepFailed']);
  expect(message).toMatch(
    /^step canary has failed: 1 of 2 nodes failed, 0 tolerated; 1 of 6 nodes completed/,
  );
  expect(world.status.nodeStatuses?.['node-6']?.message).toBe(
    'Cancelled: step canary has failed: 1 of 2 nodes failed, 0 tolerated',
  );
  expect(phases(world.status)).toEqual(['Failed', 'Pending']);
});

test('a share of a step tolerates failures, and those of the whole stop it all the same', () => {
  const steps = [{ name: 'half', upTo: '50%', maxFailures: '50%' }];
  const scripts = six({ 'node-2': { command: 'fail' } });
  expect(endOf(new World({ steps }, scripts))).toMatchObject({ phase: 'Failed', reason: 'Failed' });
  const stopped = new World({ steps, maxFailures: 0 }, scripts);
  expect(endOf(stopped)).toMatchObject({ phase: 'Failed' });
  expect(started(stopped)).toEqual(['node-1', 'node-2', 'node-3']);
});

test('the last step soaks while the whole is Running', () => {
  const world = new World({ steps: [{ name: 'all', soakSeconds: 600 }] }, { 'node-1': {}, 'node-2': {} });
  let seen: NodeOpStatus | undefined;
  world.later(60_000, () => (seen = world.status));
  runToEnd(world);
  expect(seen).toMatchObject({ phase: 'Running', summary: { completed: 2 } });
  expect(ready(seen ?? {})).toMatchObject({ reason: 'Waiting', message: 'step all: soaks for 10 min' });
  expect(world.status).toMatchObject({ phase: 'Completed', steps: [{ name: 'all', phase: 'Passed' }] });
});

test('a rollout that soaks takes no place among runs', () => {
  const world = new World({ steps: [CANARY] }, six({ 'node-1': { labels: { canary: 'true' } } }));
  const places: boolean[] = [];
  for (const at of [500, 30_000, 61_500])
    world.later(at, () => places.push(takesPlace({ metadata: {}, spec: world.spec, status: world.status })));
  runToEnd(world);
  expect(places).toEqual([true, false, true]);
});

test('one that is taken back while it soaks ends at once, and is not Completed', () => {
  const world = new World({ steps: [{ name: 'all', soakSeconds: 600 }] }, { 'node-1': {} });
  world.later(60_000, () => (world.cancelled = 'somebody wants it so'));
  expect(endOf(world).phase).toBe('Cancelled');
  expect(world.status.steps).toMatchObject([
    { phase: 'Cancelled', message: 'Cancelled: somebody wants it so', finished: 1 },
  ]);
});

test('a window, a hold and a suspension hold between steps as within them', () => {
  const world = new World(
    { steps: [{ ...CANARY, soakSeconds: 5 }], suspend: true },
    six({ 'node-1': { labels: { canary: 'true' } } }),
  );
  runToEnd(world);
  expect(started(world)).toEqual([]);
  expect(ready(world.status)?.message).toBe('suspended: no new node is started');
});

test('nodes that are not Ready are waited for in their own step', () => {
  const steps = [{ name: 'first', upTo: 2 }];
  const world = new World(
    { steps, nodeReadyTimeoutSeconds: 60, concurrency: 1 },
    six({ 'node-1': { ready: false } }),
  );
  world.later(30_000, () => {
    expect(started(world)).toEqual(['node-2']);
    world.change('node-1', { ready: true, readySince: world.now });
  });
  expect(endOf(world).phase).toBe('Completed');
});

test('no node of a later step begins before the step is passed as the API server has it', () => {
  const world = new World({ steps: [{ name: 'canary', upTo: 1 }] }, six());
  for (let i = 0; i < 60 && world.status.steps?.[0]?.phase !== 'Passed'; i += 1) {
    world.pass();
    if (phases(world.status)[0] !== 'Passed') world.persist();
    world.advance();
  }
  for (let i = 0; i < 5; i += 1) world.pass();
  expect(started(world)).toEqual(['node-1']);
  world.persist();
  world.pass();
  expect(started(world)).toHaveLength(6);
});

test('a record of steps that is gone lets nothing begin any more, and people end it', () => {
  const world = new World({ steps: [CANARY] }, six({ 'node-1': { labels: { canary: 'true' } } }));
  world.later(30_000, () => {
    const { stepOf: _, steps: __, ...rest } = world.persisted;
    world.persisted = rest;
    world.restart();
  });
  runToEnd(world);
  expect(started(world)).toEqual(['node-1']);
  expect(ready(world.status)?.message).toBe('which node is in which step is not on record any more');
  world.cancelled = 'it cannot go on';
  expect(endOf(world).phase).toBe('Cancelled');
});

test('relabelled nodes stay in their steps', () => {
  const world = new World({ steps: [CANARY] }, six({ 'node-1': { labels: { canary: 'true' } } }));
  world.later(30_000, () => {
    world.change('node-1', { labels: {} });
    world.change('node-2', { labels: { canary: 'true' } });
    world.restart();
  });
  runToEnd(world);
  expect(world.status).toMatchObject({ phase: 'Completed', stepOf: '011111' });
});

test('a node that is gone while its step soaks counts as failed for it', () => {
  const world = new World({ steps: [CANARY] }, six({ 'node-1': { labels: { canary: 'true' } } }));
  world.later(20_000, () => world.nodes.delete('node-1'));
  expect(endOf(world)).toMatchObject({ phase: 'Failed', reason: 'StepFailed' });
  expect(started(world)).toEqual(['node-1']);
});

describe.each(['Preflight', 'Draining'] as const)(
  'an older record, put back while a later node is %s',
  (at) => {
    const restored = (tries: { passed: boolean; seen: string }[]) => {
      const steps = [{ name: 'canary', upTo: 1, checks: [{ ...HEALTH, attempts: 1 }] }];
      const spec = { steps, cordon: true, preflight: { command: ['check'] } };
      const world = new World(spec, { 'node-1': {}, 'node-2': {} });
      world.tries.push({ passed: true, seen: 'status 200' }, ...tries);
      let old: NodeOpStatus | undefined;
      let isRestored = false;
      runToEnd(world, () => {
        const [canary] = world.persisted.steps ?? [];
        if (canary?.phase === 'Checking') old ??= structuredClone(world.persisted);
        if (old !== undefined && !isRestored && world.status.nodeStatuses?.['node-2']?.phase === at) {
          isRestored = true;
          world.status = structuredClone(old);
          world.persist();
          world.restart();
          // A request may be sent again.
          world.triesBegun.clear();
        } else if (isRestored && canary?.phase !== 'Passed') expect(started(world)).not.toContain('node-2');
      });
      return world;
    };

    test('its command waits until the step before is passed again', () => {
      const world = restored([]);
      expect(world.status.phase).toBe('Completed');
      expect(started(world)).toEqual(['node-1', 'node-2']);
    });

    test('and never runs when that fails', () => {
      const world = restored([{ passed: false, seen: 'status 503' }]);
      expect(world.status.phase).toBe('Failed');
      expect(started(world)).toEqual(['node-1']);
      expect(world.nodes.get('node-2')).toMatchObject({ unschedulable: false });
    });
  },
);
