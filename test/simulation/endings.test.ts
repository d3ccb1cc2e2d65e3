import { describe, expect, test } from 'vitest';
import { isFinalNodePhase } from '../../src/api/nodeop.ts';
import { MARK, type NodeScript, runToEnd, World } from '../support/world.ts';

const status = (world: World, node = 'node-1') => world.status.nodeStatuses?.[node];
const done = (world: World, text: string) => world.log.filter((line) => line.includes(`do ${text}`));
/** Seconds since the beginning. */
const seconds = (world: World) => (world.now - Date.parse('2030-01-01T00:00:00Z')) / 1000;

/** The second in which the whole ended. */
function endedAt(world: World): number {
  return Number.parseInt(world.log.find((line) => /the rollout is (C|F)/.test(line)) ?? '', 10);
}

/** Goes on until so many milliseconds have passed. */
function goOn(world: World, ms: number): void {
  const until = world.now + ms;
  world.later(ms, () => undefined);
  for (let i = 0; i < 1000 && world.now < until; i += 1) {
    for (let looks = 0; looks < 6; looks += 1) {
      world.pass();
      world.persist();
    }
    world.advance();
  }
  world.pass();
}

function takeBack(world: World): void {
  world.cancelled = 'the run file was removed';
}

function deleteIt(world: World): void {
  world.cancelled = 'the NodeOp was deleted';
  world.deleted = true;
}

describe('a container that does not start', () => {
  const never = { startsAfter: 'never' } as const;

  test('fails its node past startTimeoutSeconds, with the reason; its Job and pod are gone first', () => {
    const world = new World({ startTimeoutSeconds: 90, cordon: true }, { 'node-1': never });
    const left: unknown[] = [];
    runToEnd(world, () => {
      if (status(world)?.phase === 'Failed') left.push(world.work.get('node-1'));
    });
    expect(status(world)?.message).toBe(
      'the command did not start within 90 s: ImagePullBackOff; the node stays cordoned',
    );
    expect(left[0]).toMatchObject({ attempts: [] });
    expect(left[0]).not.toHaveProperty('job');
    expect(seconds(world)).toBeGreaterThanOrEqual(90);
    expect(seconds(world)).toBeLessThan(92);
  });

  test('one that begins in the moment before its Job is deleted is told of', () => {
    const world = new World({ startTimeoutSeconds: 90 }, { 'node-1': { ...never, grace: 5_000 } });
    runToEnd(world, () => {
      const pod = world.work.get('node-1')?.attempts?.[0];
      if (status(world)?.ending === undefined || !pod?.deleting || pod.started) return;
      world.work.set('node-1', { attempts: [{ ...pod, started: true }], commandBegan: true, jobSeen: true });
    });
    expect(status(world)).toMatchObject({
      phase: 'Failed',
      message: 'stopped while its command ran: the command did not start within 90 s: ImagePullBackOff',
    });
  });

  test('a late start counts: the time is counted to what is read after it is over', () => {
    const world = new World({ startTimeoutSeconds: 90 }, { 'node-1': { startsAfter: 89_000 } });
    world.lag();
    // Nothing is told by the watches: only what is asked for anew is heard of.
    goOn(world, 95_000);
    world.deliver(() => true);
    runToEnd(world);
    // Why its pod says nothing, after a minute; and before the verdict.
    expect(done(world, 'confirm')).toHaveLength(2);
    expect(done(world, 'delete-job')).toEqual([]);
    expect(status(world)?.phase).toBe('Completed');
  });

  test('a reboot pod that never starts is gone before the node is given up', () => {
    const world = new World(
      { rebootOnSuccess: true, rebootTimeoutSeconds: 60 },
      { 'node-1': { reboots: false } },
    );
    let made = false;
    runToEnd(world, () => {
      const { reboot, ...rest } = world.work.get('node-1') ?? {};
      if (reboot === undefined || made) return;
      made = true;
      const waits = { ...reboot, state: 'waiting', started: false, reason: 'ErrImagePull' } as const;
      world.work.set('node-1', { ...rest, reboot: waits });
    });
    expect(status(world)?.message).toMatch(/^not back 60 s after the reboot was asked for/);
    expect(world.work.get('node-1')?.reboot).toBeUndefined();
  });
});

test('a verdict that stands counts at once: nothing begins while the last of what was started is ending', () => {
  const preflight = { command: ['check'], activeDeadlineSeconds: 10 };
  const world = new World(
    { concurrency: 2, stopOnFailure: true, preflight },
    { 'node-1': { ms: 600_000, grace: 60_000 }, 'node-2': { ms: 40_000 }, 'node-3': {}, 'node-4': {} },
  );
  runToEnd(world);
  expect(status(world)?.message).toContain('did not end within its deadline');
  expect(status(world, 'node-2')?.phase).toBe('Completed');
  for (const name of ['node-3', 'node-4'])
    expect(status(world, name)).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: 1 failed, 0 tolerated',
    });
});

describe('a run that is taken back', () => {
  test('during the preflight: the pod is ended, and the command never runs', () => {
    const world = new World(
      { cordon: true, preflight: { command: ['check'] } },
      { 'node-1': { ms: 60_000 } },
    );
    world.later(5_000, () => takeBack(world));
    runToEnd(world);
    expect(status(world)).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: the run file was removed',
      rebootStatus: 'not-requested',
    });
    expect(world.commandRuns.size).toBe(0);
    expect(world.work.get('node-1')?.preflight).toBeUndefined();
    expect(world.status.phase).toBe('Cancelled');
  });

  test('while the Job is refused: the node is uncordoned at once, and nothing is created any more', () => {
    const world = new World({ cordon: true }, { 'node-1': { refused: true } });
    goOn(world, 5_000);
    takeBack(world);
    goOn(world, 1_000);
    expect(status(world)?.phase).toBe('Cancelled');
    expect(world.nodes.get('node-1')).toMatchObject({ unschedulable: false, cordonedBy: undefined });
    expect(world.status.phase).toBe('Cancelled');
    const made = done(world, 'create-job').length;
    goOn(world, 60_000);
    expect(done(world, 'create-job')).toHaveLength(made);
  });

  test('while a creation is under way: nothing is decided before its answer', () => {
    const world = new World({}, { 'node-1': { refused: true } });
    goOn(world, 1_000);
    takeBack(world);
    world.busy = new Set(['create-job/node-1']);
    goOn(world, 5_000);
    expect(isFinalNodePhase(status(world)?.phase ?? 'Pending')).toBe(false);
    world.busy = new Set();
    goOn(world, 1_000);
    expect(status(world)?.phase).toBe('Cancelled');
  });

  test('a Job that lands after its node was given up, and begins: the command has run in part, and that is said', () => {
    const world = new World({ cordon: true, drainOptions: { enabled: true } }, { 'node-1': { ms: 60_000 } });
    let landed = false;
    runToEnd(world, () => {
      if (landed || status(world)?.phase !== 'Draining') return;
      landed = true;
      takeBack(world);
      world.busy = new Set(['create-job/node-1']);
      world.later(1_000, () => world.land('node-1'));
      world.later(2_000, () => {
        world.busy = new Set();
      });
    });
    expect(landed).toBe(true);
    expect(world.commandRuns.get('node-1')).toBe(1);
    expect(status(world)).toMatchObject({ phase: 'Failed' });
    expect(status(world)?.message).toMatch(/^stopped while its command ran/);
  });

  test.each([
    ['succeeded', 0, {}, 'Completed', undefined],
    ['succeeded', 0, { rebootOnSuccess: true }, 'Completed', 'its reboot is cancelled'],
    ['failed', 7, {}, 'Failed', 'command failed: exit code 7; the node stays cordoned'],
  ] as const)(
    'while only a sidecar keeps the pod of a command that has %s with %i alive, with %j: %s',
    (state, exitCode, spec, phase, message) => {
      const world = new World({ cordon: true, ...spec }, { 'node-1': { ms: 600_000 }, 'node-2': {} });
      world.later(5_000, () => {
        const { job, attempts = [], ...rest } = world.work.get('node-1') ?? {};
        if (typeof job !== 'object') throw new Error('no Job');
        const [pod] = attempts.map((it) => ({ ...it, state, exitCode, keptBy: ['istio-proxy'] }));
        world.work.set('node-1', { ...rest, job: { ...job, pod }, attempts: pod ? [pod] : [] });
      });
      world.later(30_000, () => takeBack(world));
      goOn(world, 20_000);
      expect(status(world)?.message).toBe('the command has ended, but istio-proxy keeps its pod alive');
      runToEnd(world);
      expect(status(world)?.phase).toBe(phase);
      expect(status(world)?.message).toBe(message);
      expect(endedAt(world)).toBe(30);
      expect(world.work.get('node-1')?.job).toBeUndefined();
    },
  );

  test('before the container starts: its Job goes, the node is left as it was found', () => {
    const world = new World({ cordon: true }, { 'node-1': { startsAfter: 'never' } });
    world.later(5_000, () => takeBack(world));
    runToEnd(world);
    expect(status(world)).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: the run file was removed',
    });
    expect(world.nodes.get('node-1')?.cordonedBy).toBeUndefined();
    expect(seconds(world)).toBeLessThan(6);
  });

  test.each([
    [{}, 'Completed', 60],
    [{ cancelTimeoutSeconds: 10 }, 'Failed', 15],
  ] as const)('while the command runs, with %j: %s after %i s', (spec, phase, at) => {
    const world = new World(
      { cordon: true, ...spec },
      { 'node-1': { ms: 60_000 }, 'node-2': { ms: 60_000 } },
    );
    world.later(5_000, () => takeBack(world));
    runToEnd(world);
    expect(status(world)?.phase).toBe(phase);
    expect(endedAt(world)).toBe(at);
    if (phase === 'Failed') {
      expect(status(world)?.message).toMatch(/^stopped while its command ran: .*; the node stays cordoned$/);
    }
  });

  test('after a restart the time is counted from when it was taken back, by what is on record', () => {
    const world = new World({ cancelTimeoutSeconds: 10 }, { 'node-1': { ms: 60_000 } });
    world.later(5_000, () => takeBack(world));
    goOn(world, 8_000);
    const condition = world.status.conditions?.find(({ type }) => type === 'Cancelled');
    expect(condition).toMatchObject({ status: 'True', lastTransitionTime: '2030-01-01T00:00:05Z' });
  });
});

describe('a NodeOp that is deleted in mid-run', () => {
  test('is told of alike by an agent that comes after one that was killed as soon as it had told the Job to go', () => {
    const world = new World({ cordon: true }, { 'node-1': { ms: 600_000, grace: 500 } });
    world.later(500, () => deleteIt(world));
    let killed = false;
    runToEnd(world, () => {
      if (killed || done(world, 'delete-job').length === 0) return;
      killed = true;
      world.restart();
      // By the time that another one looks nothing is left of it.
      world.work.delete('node-1');
    });
    expect(killed).toBe(true);
    expect(status(world)).toMatchObject({ phase: 'Failed' });
    expect(status(world)?.message).toContain('stopped while its command ran: the NodeOp was deleted');
  });

  test('ends at once; what it cordoned is uncordoned, then it goes', () => {
    const world = new World(
      { cordon: true },
      { 'node-1': { ms: 600_000, grace: 10_000 }, 'node-2': { startsAfter: 'never' } },
    );
    world.later(5_000, () => deleteIt(world));
    runToEnd(world);
    expect(status(world)).toMatchObject({ phase: 'Failed' });
    expect(status(world)?.message).toBe(
      'stopped while its command ran: the NodeOp was deleted; it is uncordoned, since its NodeOp is deleted',
    );
    expect(status(world, 'node-2')?.phase).toBe('Cancelled');
    for (const node of world.nodes.values()) expect(node.cordonedBy).toBeUndefined();
    expect(world.adopted).toBe(false);
    expect(endedAt(world)).toBe(15);
  });

  test('a node that is not Ready does not hold it: the accepted deletion is enough', () => {
    const world = new World({ cordon: true }, { 'node-1': { ms: 600_000 } });
    world.later(4_000, () => world.change('node-1', { ready: false, readySince: world.now }));
    world.later(5_000, () => deleteIt(world));
    goOn(world, 7_000);
    expect(status(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
    expect(status(world)?.message).toMatch(/^outcome unknown: the node is not Ready/);
    expect(world.nodes.get('node-1')?.cordonedBy).toBeUndefined();
    expect(world.adopted).toBe(false);
  });
});

describe('a node that dies while it is worked on', () => {
  const lost = (world: World) => world.change('node-1', { ready: false, readySince: world.now });

  test('its time-outs hold; it stays cordoned, since nobody knows what was done', () => {
    const world = new World(
      { cordon: true, uncordonOnFailure: true, startTimeoutSeconds: 60 },
      { 'node-1': { startsAfter: 'never' } },
    );
    world.later(5_000, () => lost(world));
    goOn(world, 30_000);
    expect(status(world)?.message).toContain('the node is not Ready');
    goOn(world, 40_000);
    expect(status(world)?.message).toBe(
      'outcome unknown: the node is not Ready; the command did not start within 60 s: ImagePullBackOff, ' +
        'the node is not Ready; the node stays cordoned',
    );
    expect(world.nodes.get('node-1')?.cordonedBy).toBe(MARK);
    expect(world.status.phase).toBe('Failed');
  });

  test('a Job that is about to fail has failed once its pods are being deleted there', () => {
    const world = new World({ activeDeadlineSeconds: 10 }, { 'node-1': { ms: 600_000 } });
    goOn(world, 5_000);
    const { job, attempts = [] } = world.work.get('node-1') ?? {};
    if (typeof job !== 'object') throw new Error('no Job');
    const failing = { ...job, state: 'failing', reason: 'DeadlineExceeded' } as const;
    world.work.set('node-1', { job: failing, attempts, commandBegan: true, jobSeen: true });
    goOn(world, 5_000);
    expect(status(world)?.phase).toBe('Running');
    world.work.set('node-1', {
      job: failing,
      attempts: attempts.map((pod) => ({ ...pod, deleting: true })),
      commandBegan: true,
      jobSeen: true,
    });
    goOn(world, 5_000);
    expect(status(world)?.phase).toBe('Running');
    lost(world);
    goOn(world, 1_000);
    expect(status(world)).toMatchObject({ phase: 'Failed', outcomeUnknown: true });
    expect(status(world)?.message).toBe(
      'outcome unknown: the node is not Ready; command ran into its deadline',
    );
  });

  test('one that is gone leaves no Job behind', () => {
    const world = new World({}, { 'node-1': { ms: 600_000 } });
    world.later(5_000, () => world.nodes.delete('node-1'));
    runToEnd(world);
    expect(status(world)?.message).toBe('node is gone');
    expect(world.work.get('node-1')?.job).toBeUndefined();
  });

  test.each(['Running', 'Rebooting'])('another of its name is not taken for it: %s', (phase) => {
    const world = new World({ rebootOnSuccess: true }, { 'node-1': { ms: 5_000, reboots: 'never back' } });
    runToEndOf(world, phase);
    world.change('node-1', { uid: 'another', bootID: 'another', ready: true });
    runToEnd(world);
    expect(status(world)).toMatchObject({
      phase: 'Failed',
      message: 'node is gone; another one has its name now',
    });
  });

  test('one that came back before its reboot pod had begun is checked once that pod is gone', () => {
    const spec = { rebootOnSuccess: true, postflight: { command: ['verify'] } };
    const world = new World(spec, { 'node-1': { helpersWait: true } });
    world.later(20_000, () => world.change('node-1', { bootID: 'another' }));
    let beside = false;
    runToEnd(world, ({ work }) => {
      const { reboot, postflight } = work.get('node-1') ?? {};
      beside ||= reboot !== undefined && postflight !== undefined;
    });
    expect(done(world, 'delete-pod node-1: what was started')).toHaveLength(1);
    expect(beside).toBe(false);
    expect(status(world)).toMatchObject({ phase: 'Completed', rebootStatus: 'completed' });
  });

  function runToEndOf(world: World, phase: string): void {
    for (let i = 0; i < 100 && status(world)?.phase !== phase; i += 1) {
      world.pass();
      world.persist();
      world.advance();
    }
  }
});

describe('a node that is done and does not come back Ready', () => {
  const broken = (spec: object) => {
    const scripts: Record<string, NodeScript> = { 'node-1': {}, 'node-2': {}, 'node-3': {} };
    const world = new World({ concurrency: 1, nodeReadyTimeoutSeconds: 60, ...spec }, scripts);
    world.later(500, () => world.change('node-1', { ready: false, readySince: world.now }));
    return world;
  };

  test('holds its slot for as long as that lasts', () => {
    const world = broken({});
    world.later(300_000, () => world.change('node-1', { ready: true, readySince: world.now }));
    runToEnd(world);
    expect(world.log.find((line) => line.includes('create-job node-2'))).toMatch(/^ 300 s/);
    expect(world.status.phase).toBe('Completed');
  });

  test('counts as failed past nodeReadyTimeoutSeconds; its verdict stays', () => {
    const world = broken({ stopOnFailure: true });
    runToEnd(world);
    expect(status(world)).toMatchObject({
      phase: 'Completed',
      message: 'not Ready for 60 s since it was done',
    });
    expect(status(world, 'node-2')).toMatchObject({
      phase: 'Cancelled',
      message: 'Cancelled: 1 failed or are not Ready since they were done, 0 tolerated',
    });
    expect(seconds(world)).toBe(61);
    expect(world.status.phase).toBe('Failed');
    const [ready] = world.status.conditions ?? [];
    expect(ready?.message).toBe(
      '1 of 3 nodes completed, 2 cancelled; not Ready since they were done: node-1',
    );
  });
});

test('time that a node is not Ready counts only while the run could have started it', () => {
  const world = new World({ suspend: true, nodeReadyTimeoutSeconds: 60 }, { 'node-1': { ready: false } });
  world.later(500_000, () => (world.spec.suspend = false));
  world.later(540_000, () => (world.spec.suspend = true));
  world.later(600_000, () => (world.spec.suspend = false));
  runToEnd(world);
  expect(status(world)?.message).toBe('not Ready for 60 s');
  expect(seconds(world)).toBe(660);
});

test('a node that has a Job is past its drain, whatever a restart finds of that', () => {
  const world = new World(
    { drainOptions: { enabled: true, timeoutSeconds: 5 } },
    { 'node-1': { ms: 60_000 } },
  );
  for (let i = 0; i < 20 && world.work.get('node-1')?.job === undefined; i += 1) {
    world.pass();
    if (status(world)?.phase !== 'Running') world.persist();
  }
  expect(world.persisted.nodeStatuses?.['node-1']?.phase).toBe('Draining');
  world.restart();
  world.change('node-1', { unschedulable: false });
  goOn(world, 20_000);
  expect(status(world)?.phase).toBe('Running');
  runToEnd(world);
  expect(status(world)?.phase).toBe('Completed');
});

test('what was carried out late, after the verdict, is taken away', () => {
  const world = new World({}, { 'node-1': { startsAfter: 'never', refused: true } });
  goOn(world, 1_000);
  takeBack(world);
  runToEnd(world);
  expect(world.status.phase).toBe('Cancelled');
  world.land('node-1');
  runToEnd(world);
  expect(world.work.get('node-1')?.job).toBeUndefined();
  expect(world.commandRuns.size).toBe(0);
});

test.each([0, 1, 499, 999])('no bound ends early: a phase that begins %i ms past a second', (ms) => {
  const world = new World(
    { rebootOnSuccess: true, rebootTimeoutSeconds: 5 },
    { 'node-1': { reboots: 'never back', ms: 1_000 + ms } },
  );
  runToEnd(world);
  const asked = 1 + ms / 1000;
  expect(seconds(world)).toBeGreaterThanOrEqual(asked + 5);
  expect(seconds(world)).toBeLessThan(asked + 6);
});
