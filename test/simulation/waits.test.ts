import { expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { isFinalReport } from '../../src/api/report.ts';
import { runPage } from '../../src/cli/status/page.ts';
import { withRun } from '../../src/core/feedback/comment.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import type { PodFacts } from '../../src/core/rollout/facts.ts';
import { waitsText } from '../../src/core/rollout/words.ts';
import { reportNodeOp } from '../../src/core/runs/report.ts';
import { runToEnd, World } from '../support/world.ts';

/** What is in the way of a rollout is told everywhere, and in the same words. */

const condition = (world: World, type: string) => world.status.conditions?.find((it) => it.type === type);

/** All places that a person may look at. */
function told(world: World): Record<string, string> {
  const nodeOp = {
    metadata: { namespace: 'ops', name: 'flash' },
    spec: world.spec,
    status: world.status,
  } as NodeOp;
  const report = reportNodeOp({ path: 'runs/flash.yaml' }, nodeOp, new Map(), undefined, []);
  expect(isFinalReport(report)).toBe(false);
  return {
    Reconciling: condition(world, 'Reconciling')?.message ?? '',
    Stalled: condition(world, 'Stalled')?.message ?? '',
    report: report.status.message ?? '',
    feedback: withRun(undefined, '<!-- -->', report, ''),
    page: runPage(nodeOp, { now: world.now, width: 400, nodes: 'some', access: { own: '', kubectl: '' } }),
  };
}

function passes(world: World, count = 4): void {
  for (let i = 0; i < count; i += 1) {
    world.pass();
    world.persist();
  }
}

/** One look after which the node stands as is said. */
function look(world: World, change: () => void): void {
  change();
  world.pass();
}

function pods(world: World, facts: Partial<PodFacts>): void {
  const { job } = world.work.get('node-1') ?? {};
  if (typeof job !== 'object' || job.pod === undefined) throw new Error('there is no pod');
  const pod = { ...job.pod, ...facts };
  world.work.set('node-1', { job: { ...job, pod }, attempts: [pod] });
}

const WAITING = { state: 'waiting', started: false } as const;

test.each<[string, (world: World) => void, RegExp]>([
  [
    'an image that cannot be pulled',
    (world) => pods(world, { ...WAITING, reason: 'ImagePullBackOff', message: 'manifest unknown' }),
    /node-1: ImagePullBackOff: manifest unknown/,
  ],
  [
    'a Secret that is missing',
    (world) =>
      pods(world, { ...WAITING, reason: 'CreateContainerConfigError', message: 'secret "key" not found' }),
    /node-1: CreateContainerConfigError: secret "key" not found/,
  ],
  [
    'a sidecar that keeps the pod alive',
    (world) => pods(world, { keptBy: ['mesh'] }),
    /node-1: the command has ended, but mesh keeps its pod alive/,
  ],
  [
    'a node that is not Ready',
    (world) => world.change('node-1', { ready: false, readySince: world.now }),
    /node-1: the node is not Ready/,
  ],
])('%s', (_, change, text) => {
  const world = new World({}, { 'node-1': { ms: 60_000 } });
  let isBegun = false;
  runToEnd(world, () => {
    const { job, attempts } = world.work.get('node-1') ?? {};
    if (isBegun || world.status.nodeStatuses?.['node-1']?.phase !== 'Running') return;
    if (typeof job !== 'object' || attempts === undefined || job.pod === undefined) return;
    isBegun = true;
    expect(condition(world, 'Stalled')?.message).toBe('nothing is in its way');
    look(world, () => change(world));
    for (const [place, said] of Object.entries(told(world))) {
      const pattern = place === 'page' ? new RegExp(text.source.replace('node-1: ', '')) : text;
      expect(said.replaceAll('\\', ''), place).toMatch(pattern);
      expect(said).not.toContain('nothing is in its way');
    }
  });
  expect(isBegun).toBe(true);
});

test('a Job that is refused, and one without a pod', () => {
  const refused = new World({}, { 'node-1': { refused: true } });
  refused.troubles = new Map([['create-job/node-1', 'exceeded quota']]);
  passes(refused);
  for (const said of Object.values(told(refused)))
    expect(said).toContain('create-job keeps failing: exceeded quota');
  const world = new World({ startTimeoutSeconds: 600 }, { 'node-1': { startsAfter: 'no pod' } });
  const said = new Set<string>();
  runToEnd(world, () => said.add(condition(world, 'Stalled')?.message ?? ''));
  expect([...said]).toContain('node-1: its Job has no pod; kubectl describe job says why');
});

const MOUNT = 'FailedMount: MountVolume.SetUp failed for volume "host": secret "keys" not found';

test.each<[string, object, object, string]>([
  [
    'preflight',
    { preflight: { command: ['check'], activeDeadlineSeconds: 3600 } },
    { helpersWait: true },
    'the preflight did not start within 5 min',
  ],
  ['reboot', { rebootOnSuccess: true }, { helpersWait: true }, 'the reboot did not start within 5 min'],
])(
  'a %s pod whose kubelet says nothing is explained by its Events, while it waits and at its verdict',
  (kind, spec, script, verdict) => {
    const world = new World(
      { ...spec, startTimeoutSeconds: 300 },
      { 'node-1': { ...script, warning: MOUNT } },
    );
    const [said, entries, asked] = [new Set<string>(), new Set<string | undefined>(), [] as number[]];
    const began = world.now;
    runToEnd(world, () => {
      if (world.status.phase !== 'Running') return;
      said.add(told(world)['report'] ?? '');
      entries.add(world.status.nodeStatuses?.['node-1']?.message);
      if (world.log.at(-1)?.includes('confirm')) asked.push(Math.round((world.now - began) / 60_000));
    });
    expect([...said].join('\n')).toContain(`its pod has not begun; ${MOUNT}`);
    expect([...entries].join('\n')).toContain(`pod node-1-${kind} has not begun; ${MOUNT}`);
    // At the minute, at two and four of them, and for the verdict.
    expect([...new Set(asked)]).toEqual([1, 2, 4, 5]);
    expect(world.status.nodeStatuses?.['node-1']).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining(`${verdict}: ${MOUNT}`) as string,
    });
  },
);

test('a pod that was ended before it had begun: its Events tell what its end does not', () => {
  const world = new World(
    { preflight: { command: ['check'], activeDeadlineSeconds: 30 } },
    { 'node-1': { helpersWait: true, warning: MOUNT } },
  );
  passes(world);
  const { preflight } = world.work.get('node-1') ?? {};
  if (preflight === undefined) throw new Error('there is no pod');
  const ended = { state: 'failed', reason: 'DeadlineExceeded' } as const;
  world.work.set('node-1', { preflight: { ...preflight, ...ended } });
  runToEnd(world);
  expect(world.status.nodeStatuses?.['node-1']?.message).toBe(
    `preflight failed: DeadlineExceeded; it had not begun: ${MOUNT}`,
  );
});

test.each<[string, object, string, string]>([
  ['create-job', {}, 'the command', 'its Job'],
  ['create-preflight', { preflight: { command: ['check'] } }, 'the preflight', 'its pod'],
])('what the API server refuses to make has a bound from the first time: %s', (type, spec, what, object) => {
  const world = new World({ ...spec, startTimeoutSeconds: 60 }, { 'node-1': { helpersWait: true } });
  const key = `${type}/node-1`;
  // Nothing comes of it.
  const tryIt = () => {
    const { actions } = world.pass();
    world.work.delete('node-1');
    world.persist();
    return actions.map((it) => it.type);
  };
  for (let i = 0; i < 4; i += 1) tryIt();
  const since = world.now;
  world.refusals.set(key, { since, at: since, why: 'denied by policy "no-hosts"' });
  expect(tryIt()).toEqual([type]);
  expect(world.lookAgainAt).toBe(since + 60_000);
  world.now = since + 60_000;
  expect(tryIt(), 'nobody has asked since').toEqual([type]);
  world.refusals.set(key, { since, at: world.now + 500, why: 'denied by policy "no-hosts"' });
  world.now += 500;
  expect(world.pass().actions.map((it) => it.type)).toEqual(['confirm']);
  world.pass();
  expect(world.status.nodeStatuses?.['node-1']).toMatchObject({
    phase: 'Failed',
    message: `${what} did not start within 60 s: ${object} is refused: denied by policy "no-hosts"`,
  });
});

test('of a rollout that was stopped nothing says that it goes on', () => {
  const world = new World({ concurrency: 1, cancelTimeoutSeconds: 600 }, { 'node-1': {}, 'node-2': {} });
  passes(world, 4);
  expect(condition(world, 'Reconciling')?.message).toBe('the rollout goes on');
  world.cancelled = 'the run file was removed';
  passes(world, 2);
  expect(condition(world, 'Reconciling')?.message).toBe(
    'the rollout was stopped: no further node is started, 1 node in flight may finish within 10 min',
  );
  const failing = new World(
    { concurrency: 2, stopOnFailure: true },
    { a: { command: 'fail' }, b: { ms: 9000 }, c: {} },
  );
  const said = new Set<string>();
  runToEnd(failing, () => {
    if (failing.status.nodeStatuses?.['a']?.phase === 'Failed')
      said.add(condition(failing, 'Reconciling')?.message ?? '');
  });
  expect([...said]).toEqual([
    'the rollout was stopped: no further node is started, 1 node in flight may finish',
    'the rollout has ended',
  ]);
});

test.each<[string, object, (world: World) => void, RegExp]>([
  ['suspended', { suspend: true }, () => {}, /^suspended: no new node is started$/],
  [
    'outside of its window',
    {},
    (world) => (world.window = '{"schedule":"0 3 * * *","duration":"1h","timeZone":"UTC"}'),
    /window/,
  ],
  [
    'a node that is not Ready',
    {},
    (world) => world.change('node-1', { ready: false }),
    /^waiting for nodes that are not Ready: node-1$/,
  ],
])('what keeps nodes from being started is in the way too: %s', (_, spec, change, text) => {
  const world = new World(spec, { 'node-1': {} });
  change(world);
  passes(world);
  expect(condition(world, 'Stalled')).toMatchObject({
    status: 'False',
    message: expect.stringMatching(text) as string,
  });
  expect(condition(world, 'Reconciling')?.message).toMatch(text);
});

test('a node that was done and went away keeps the others waiting, and is named', () => {
  const world = new World({ concurrency: 1, soakSeconds: 30 }, { 'node-1': {}, 'node-2': {} });
  const said = new Set<string>();
  world.later(11_000, () => world.change('node-1', { ready: false, readySince: world.now }));
  world.later(21_000, () => world.change('node-1', { ready: true, readySince: world.now }));
  runToEnd(world, () => said.add(condition(world, 'Stalled')?.message ?? ''));
  expect([...said]).toContain('nodes that were done are not Ready: node-1');
  expect([...said]).toContain('finished nodes have to stay Ready before the next ones start');
  expect(world.status.phase).toBe('Completed');
});

test('thousands of nodes are told of in a few words', () => {
  const waits = Array.from(
    { length: 2000 },
    (_, i) => [`node-${i}`, `reason ${i % 40}: ${'x'.repeat(900)}`] as const,
  );
  expect(waitsText(waits)?.length).toBeLessThan(1200);
  expect(waitsText(waits)).toMatch(
    /^node-0, node-40, node-80, node-120, node-160 and 45 more: reason 0: x+.*; and 37 more$/,
  );
  expect(waitsText([['a', undefined]])).toBeUndefined();
});

test('a server that may run commands again unasked is warned of in a condition and an event, while it matters', () => {
  const world = new World({ backoffLimit: 2 }, { 'node-1': {} });
  passes(world, 2);
  const { status } = decide({ ...world.facts(), serverMinor: 20 }, world.now);
  expect(status.conditions).toContainEqual(
    expect.objectContaining({
      type: 'RetriesUnguarded',
      status: 'True',
      message: expect.stringContaining('set backoffLimit: 0') as string,
    }),
  );
  const nodeOp = { metadata: { namespace: 'ops', name: 'flash' }, spec: world.spec, status } as NodeOp;
  expect(
    runPage(nodeOp, { now: world.now, width: 400, nodes: 'some', access: { own: '', kubectl: '' } }),
  ).toMatch(/^Warning: on this server/m);
  const types = (facts: object) =>
    decide({ ...world.facts(), ...facts }, world.now).status.conditions?.map(({ type }) => type);
  expect(types({ serverMinor: 31 })).not.toContain('RetriesUnguarded');
  expect(types({})).not.toContain('RetriesUnguarded');
});
