import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/rollout/decide.ts';
import { type NodeScript, runToEnd, World } from '../support/world.ts';

const nodes = (count: number, script: NodeScript = {}): Record<string, NodeScript> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`node-${i + 1}`, script]));

/** Nodes in the order they were started. */
const started = (world: World) =>
  world.log.filter((line) => line.includes('do create-job')).map((line) => /node-\d+/.exec(line)?.[0]);

const phases = (world: World) =>
  Object.fromEntries(
    Object.entries(world.status.nodeStatuses ?? {}).map(([name, { phase }]) => [name, phase]),
  );

const secondsOf = (world: World, text: string) =>
  world.log.filter((line) => line.includes(text)).map((line) => Number.parseInt(line, 10));

describe('soakSeconds', () => {
  test('a finished node holds its slot until it was Ready that long', () => {
    const world = new World({ concurrency: 1, soakSeconds: 30 }, nodes(3));
    runToEnd(world);
    expect(secondsOf(world, 'do create-job')).toEqual([0, 31, 62]);
    expect(world.status.phase).toBe('Completed');
  });

  test('the soak begins anew when the node becomes Ready again', () => {
    const world = new World({ concurrency: 1, soakSeconds: 30 }, nodes(2));
    world.later(11_000, () => world.change('node-1', { ready: false, readySince: world.now }));
    world.later(21_000, () => world.change('node-1', { ready: true, readySince: world.now }));
    runToEnd(world);
    expect(secondsOf(world, 'do create-job node-2')).toEqual([51]);
  });

  test('a failed node frees its slot at once', () => {
    const world = new World(
      { concurrency: 1, soakSeconds: 30 },
      { ...nodes(2), 'node-1': { command: 'fail' } },
    );
    runToEnd(world);
    expect(secondsOf(world, 'do create-job node-2')).toEqual([1]);
  });
});

describe('topologyKey', () => {
  // The world puts names of odd and even length into two zones.
  const scripts = { 'node-1': {}, 'node-10': {}, 'node-2': {}, 'node-20': {} };

  test('nodes of one value are finished before those of the next begin', () => {
    const world = new World({ topologyKey: 'zone' }, scripts);
    runToEnd(world);
    expect(started(world)).toEqual(['node-1', 'node-2', 'node-10', 'node-20'].toSorted(byZone));
    expect(secondsOf(world, 'do create-job')).toEqual([0, 0, 1, 1]);
  });

  test('a soaking node keeps the next value waiting', () => {
    const world = new World({ topologyKey: 'zone', soakSeconds: 10 }, scripts);
    runToEnd(world);
    expect(secondsOf(world, 'do create-job')).toEqual([0, 0, 11, 11]);
  });

  const byZone = (a: string | undefined, b: string | undefined) =>
    ((a?.length ?? 0) % 2) - ((b?.length ?? 0) % 2);
});

describe('maxFailures', () => {
  test.each([
    [0, 1],
    [1, 2],
    [2, 3],
  ])('%i failures are tolerated: %i nodes fail, the rest is cancelled', (maxFailures, failed) => {
    const world = new World({ concurrency: 1, maxFailures }, nodes(5, { command: 'fail' }));
    runToEnd(world);
    expect(started(world)).toHaveLength(failed);
    expect(world.status).toMatchObject({ phase: 'Failed', summary: { failed, cancelled: 5 - failed } });
    const rest = world.status.nodeStatuses?.['node-5'];
    expect(rest?.message).toBe(`Cancelled: ${failed} failed, ${maxFailures} tolerated`);
  });

  test('it counts for more than stopOnFailure', () => {
    const world = new World(
      { concurrency: 1, stopOnFailure: true, maxFailures: 1 },
      nodes(3, { command: 'fail' }),
    );
    runToEnd(world);
    expect(started(world)).toHaveLength(2);
  });

  test('without either all nodes have their turn', () => {
    const world = new World({ concurrency: 1 }, nodes(3, { command: 'fail' }));
    runToEnd(world);
    expect(started(world)).toHaveLength(3);
    expect(world.status.phase).toBe('Failed');
  });

  test('nodes in flight finish when the limit is passed, and the whole fails only after them', () => {
    const world = new World(
      { concurrency: 2, stopOnFailure: true },
      { ...nodes(4, { ms: 60_000 }), 'node-1': { command: 'fail' } },
    );
    runToEnd(world);
    expect(phases(world)).toEqual({
      'node-1': 'Failed',
      'node-2': 'Completed',
      'node-3': 'Cancelled',
      'node-4': 'Cancelled',
    });
    expect(secondsOf(world, 'the rollout is Failed')).toEqual([60]);
  });
});

describe('suspend', () => {
  test('no new node is started while it is set; those in flight finish', () => {
    const world = new World({ concurrency: 1 }, nodes(3));
    world.later(500, () => (world.spec.suspend = true));
    world.later(100_000, () => (world.spec.suspend = false));
    runToEnd(world);
    expect(secondsOf(world, 'do create-job')).toEqual([0, 100, 101]);
    expect(world.status.phase).toBe('Completed');
  });

  test('the status says what is waited for', () => {
    const world = new World({ suspend: true }, nodes(1));
    runToEnd(world);
    expect(world.status.phase).toBe('Pending');
    expect(world.status.conditions?.[0]).toMatchObject({
      reason: 'Waiting',
      message: 'suspended: no new node is started',
    });
  });
});

test('whoever uncordons a node in mid-operation, and cordons it again, has a cordon that stays', () => {
  const world = new World({ cordon: true }, { 'node-1': { ms: 60_000 } });
  world.later(20_000, () => world.change('node-1', { unschedulable: false }));
  world.later(40_000, () => {
    expect(world.nodes.get('node-1')?.cordonedBy).toBeUndefined();
    world.change('node-1', { unschedulable: true });
  });
  runToEnd(world);
  expect(world.status.phase).toBe('Completed');
  expect(world.nodes.get('node-1')?.unschedulable).toBe(true);
});

describe('nodes that are not Ready', () => {
  test('wait their turn last and are worked on when they come back', () => {
    const world = new World({ concurrency: 1 }, { ...nodes(3), 'node-1': { ready: false } });
    world.later(60_000, () => world.change('node-1', { ready: true, readySince: world.now }));
    runToEnd(world);
    expect(started(world)).toEqual(['node-2', 'node-3', 'node-1']);
    expect(world.status.phase).toBe('Completed');
  });

  test('fail when nothing else was left for nodeReadyTimeoutSeconds', () => {
    const world = new World(
      { concurrency: 1, nodeReadyTimeoutSeconds: 90 },
      { ...nodes(2), 'node-1': { ready: false } },
    );
    runToEnd(world);
    expect(secondsOf(world, 'node-1 is Failed: not Ready for 90 s')).toEqual([91]);
    expect(world.status.phase).toBe('Failed');
  });

  test('fail when that is longer than a window is open', () => {
    const world = new World(
      { concurrency: 1, nodeReadyTimeoutSeconds: 1800 },
      { ...nodes(2), 'node-1': { ready: false } },
    );
    world.window = JSON.stringify({ schedule: '0 * * * *', duration: '5m', timeZone: 'UTC' });
    runToEnd(world);
    expect(secondsOf(world, 'node-1 is Failed: not Ready for 30 min')).toEqual([3600]);
  });

  test('fail though other runs take the place every now and then', () => {
    const world = new World({ nodeReadyTimeoutSeconds: 90 }, { ...nodes(2), 'node-1': { ready: false } });
    for (let at = 60_000; at < 3_600_000; at += 60_000) {
      world.later(at, () => (world.placeHeld = 'waiting for its turn'));
      world.later(at + 10_000, () => (world.placeHeld = undefined));
    }
    runToEnd(world);
    expect(secondsOf(world, 'node-1 is Failed: not Ready for 90 s')).toEqual([91]);
  });
});

describe('nodes that disappear', () => {
  test('before their turn: failed, and no slot is held', () => {
    const world = new World({ concurrency: 1 }, nodes(3));
    world.later(500, () => world.nodes.delete('node-2'));
    runToEnd(world);
    expect(phases(world)).toEqual({ 'node-1': 'Completed', 'node-2': 'Failed', 'node-3': 'Completed' });
    expect(world.status.nodeStatuses?.['node-2']?.message).toBe('node is gone');
  });

  test('in flight: failed, and the next begins', () => {
    const world = new World({ concurrency: 1 }, { ...nodes(2), 'node-1': { ms: 1_000_000 } });
    world.later(5_000, () => world.nodes.delete('node-1'));
    runToEnd(world);
    expect(secondsOf(world, 'do create-job node-2')).toEqual([5]);
  });

  test('after their verdict: nothing changes', () => {
    const world = new World({ concurrency: 1 }, nodes(2, { ms: 10_000 }));
    world.later(15_000, () => world.nodes.delete('node-1'));
    runToEnd(world);
    expect(phases(world)).toEqual({ 'node-1': 'Completed', 'node-2': 'Completed' });
  });

  test('relabelled ones are still targets, and new ones never become targets', () => {
    const world = new World({ concurrency: 1, nodeSelector: { matchLabels: { zone: 'zone-0' } } }, nodes(2));
    world.later(500, () => {
      world.change('node-2', { labels: {} });
      const known = world.nodes.get('node-1');
      if (known) world.nodes.set('node-3', { ...known, name: 'node-3' });
    });
    runToEnd(world);
    expect(phases(world)).toEqual({ 'node-1': 'Completed', 'node-2': 'Completed' });
  });
});

describe('rebootTimeoutSeconds', () => {
  test('a node that stays down is failed with what was seen, and stops the others', () => {
    const world = new World(
      { concurrency: 1, rebootOnSuccess: true, rebootTimeoutSeconds: 120, stopOnFailure: true },
      { ...nodes(2), 'node-1': { reboots: 'never back' } },
    );
    runToEnd(world);
    expect(world.status.nodeStatuses?.['node-1']).toMatchObject({
      phase: 'Failed',
      rebootStatus: 'pending',
      message:
        'not back 2 min after the reboot was asked for: boot ID is still the old one, node is not Ready',
    });
    expect(phases(world)['node-2']).toBe('Cancelled');
  });

  test('the next node waits until this one is back', () => {
    const world = new World({ concurrency: 1, rebootOnSuccess: true }, nodes(2, { ms: 20_000 }));
    runToEnd(world);
    expect(secondsOf(world, 'do create-job')).toEqual([0, 40]);
    expect([...world.reboots.values()]).toEqual([1, 1]);
  });
});

describe('the node the agent runs on', () => {
  test('comes last', () => {
    const world = new World({ concurrency: 1 }, nodes(3));
    world.agentNode = 'node-1';
    runToEnd(world);
    expect(started(world)).toEqual(['node-2', 'node-3', 'node-1']);
  });

  test('may go down with the agent: what it finds after the restart is enough', () => {
    const world = new World({ concurrency: 1, rebootOnSuccess: true, cordon: true }, nodes(2));
    world.agentNode = 'node-2';
    runToEnd(world, () => {
      if (world.nodes.get('node-2')?.ready === false) {
        world.persist();
        world.restart();
      }
    });
    expect(world.status.phase).toBe('Completed');
    expect([...world.reboots.values()]).toEqual([1, 1]);
    expect(world.nodes.get('node-2')?.unschedulable).toBe(false);
  });
});

describe('being stopped by people', () => {
  test('a cancelled rollout starts nothing new, finishes what is in flight, undoes, and is Cancelled', () => {
    const world = new World({ concurrency: 1, cordon: true }, nodes(3));
    world.later(500, () => (world.cancelled = 'the run file was removed'));
    runToEnd(world);
    expect(phases(world)).toEqual({ 'node-1': 'Completed', 'node-2': 'Cancelled', 'node-3': 'Cancelled' });
    expect(world.status.phase).toBe('Cancelled');
    expect([...world.nodes.values()].some(({ unschedulable }) => unschedulable)).toBe(false);
  });

  test('before anything began it ends without a trace', () => {
    const world = new World({ concurrency: 1 }, nodes(2));
    world.cancelled = 'changed our mind';
    runToEnd(world);
    expect(world.commandRuns.size).toBe(0);
    expect(world.status).toMatchObject({ phase: 'Cancelled', summary: { cancelled: 2 } });
  });
});

describe('what keeps a node where it is', () => {
  const message = (world: World) => world.status.nodeStatuses?.['node-1']?.message;

  test('an action that keeps failing is told, and forgotten when it succeeds', () => {
    const world = new World({ concurrency: 1 }, nodes(1));
    world.troubles = new Map([['create-job/node-1', 'jobs.batch is forbidden']]);
    for (let i = 0; i < 4; i += 1) {
      world.pass();
      world.persist();
    }
    expect(message(world)).toBe('create-job keeps failing: jobs.batch is forbidden');
    world.troubles = new Map();
    runToEnd(world);
    expect(world.status.phase).toBe('Completed');
    expect(message(world)).toBeUndefined();
  });

  test('an API server that is away while a NodeOp is to be marked fails nothing, one that refuses for long does', () => {
    const world = new World({}, nodes(1));
    world.troubles = new Map([['adopt', 'the API server did not answer']]);
    const look = (seconds: number) => decide(world.facts(), world.now + seconds * 1000);
    expect(look(36_000).status).toMatchObject({ phase: 'Pending' });
    expect(look(36_000).actions).toMatchObject([{ type: 'adopt' }]);
    world.refusedSince = world.now;
    expect(look(599).lookAgainAt).toBe(world.now + 600_000);
    expect(look(600)).toMatchObject({ status: { phase: 'Failed' }, actions: [] });
  });

  test('so is a cordon that cannot be undone', () => {
    const world = new World({ cordon: true, uncordonOnFailure: true }, nodes(1, { command: 'fail' }));
    world.troubles = new Map([['uncordon/node-1', 'nodes is forbidden']]);
    const said: (string | undefined)[] = [];
    runToEnd(world, () => said.push(world.status.conditions?.[0]?.message));
    expect(said.join()).toContain('node-1: uncordon keeps failing: nodes is forbidden');
  });

  test('a Job that gets no pod is told of after a minute, and fails the node in the end', () => {
    const world = new World({ startTimeoutSeconds: 100 }, nodes(1, { startsAfter: 'no pod' }));
    const said = new Map<string, number>();
    runToEnd(world, () => {
      const text = message(world);
      if (text !== undefined && !said.has(text)) said.set(text, world.now);
    });
    const [[text, at]] = [...said] as [[string, number]];
    expect(text).toBe('Job flash-node-1 has no pod; kubectl describe job says why');
    expect(at - Date.parse('2030-01-01T00:00:00Z')).toBe(60_000);
    expect(message(world)).toBe('the command did not start within 100 s: its Job has no pod');
  });
});

test('a deleted finished Job changes no verdict', () => {
  const world = new World({ concurrency: 1 }, nodes(2, { ms: 10_000 }));
  world.later(15_000, () => world.work.delete('node-1'));
  runToEnd(world);
  expect(phases(world)).toEqual({ 'node-1': 'Completed', 'node-2': 'Completed' });
  expect(world.commandRuns.get('node-1')).toBe(1);
});

test('a Job deleted before its result was seen fails the node; the command is not run again', () => {
  const world = new World({ concurrency: 1 }, nodes(1, { ms: 10_000 }));
  world.later(5_000, () => world.work.delete('node-1'));
  runToEnd(world);
  expect(world.status.nodeStatuses?.['node-1']?.message).toContain('its command is not run again');
  expect(world.commandRuns.get('node-1')).toBe(1);
});

test('a second look at the same facts gives the very same status, so nothing is written without news', () => {
  const world = new World(
    {
      concurrency: 2,
      preflight: { command: ['check'] },
      rebootOnSuccess: true,
      drainOptions: { enabled: true },
    },
    { ...nodes(4), 'node-5': { command: 'fail' }, 'node-6': { preflight: 'skip' } },
  );
  const seen = new Set<string>();
  runToEnd(world, () => {
    const facts = world.facts();
    const { status } = decide(facts, world.now);
    expect(decide({ ...facts, status }, world.now).status).toBe(status);
    for (const { phase } of Object.values(status.nodeStatuses ?? {})) seen.add(phase);
  });
  const all = ['Pending', 'Preflight', 'Draining', 'Running', 'Rebooting', 'Completed', 'Failed'];
  expect(seen).toEqual(new Set(all));
});
