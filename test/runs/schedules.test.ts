import { describe, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { RecurringRunSchema } from '../../src/api/nodeoprun.ts';
import { formatProblem } from '../../src/api/schema.ts';
import { parseDefinition } from '../../src/core/runs/definitions.ts';
import { lastDue } from '../../src/core/runs/schedules.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const at = (text: string) => Date.parse(text);

const schedule = (spec = '', cron = '0 22 * * *') => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
metadata: {name: nightly}
spec:
  nodeOp: upgrade
  schedule: ${cron}
${spec}`;

describe('the last time that is due', () => {
  const last = (cron: string, timeZone: string, since: string, now: string) => {
    const spec = { nodeOp: 'x', schedule: cron, timeZone };
    const run = RecurringRunSchema.parse({
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'NodeOpRun',
      metadata: { name: 'x' },
      spec,
    });
    const time = lastDue({ path: 'nodeops/x.yaml', run }, at(since), at(now));
    return time === undefined ? undefined : new Date(time).toISOString().replace(':00.000Z', 'Z');
  };
  test.each([
    ['0 22 * * *', 'UTC', '2030-01-01T00:00Z', '2030-01-09T21:59Z', '2030-01-08T22:00Z'],
    ['0 22 * * *', 'UTC', '2030-01-01T00:00Z', '2030-01-09T22:00Z', '2030-01-09T22:00Z'],
    ['0 22 * * *', 'UTC', '2030-01-09T22:00Z', '2030-01-10T21:00Z', undefined],
    ['* * * * *', 'UTC', '2020-01-01T00:00Z', '2030-01-10T21:00:30Z', '2030-01-10T21:00Z'],
    ['0 0 29 2 *', 'UTC', '2020-01-01T00:00Z', '2030-01-01T00:00Z', '2028-02-29T00:00Z'],
    ['0 4 * * 0', 'Europe/Berlin', '2026-01-01T00:00Z', '2026-04-01T00:00Z', '2026-03-29T02:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', '2026-03-29T09:00Z', '2026-03-29T01:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', '2026-10-25T09:00Z', '2026-10-25T00:30Z'],
  ])('%s in %s, since %s, at %s: %s', (cron, zone, since, now, expected) => {
    expect(last(cron, zone, since, now)).toBe(expected);
  });
});

/** A repository with a schedule from noon of 2030-01-01 on, and agents whose clock the test sets. */
class Fleet implements Disposable {
  readonly repository = new TestRepository();
  now = new Date('2030-01-01T12:30:00Z');

  constructor(spec = '', cron?: string) {
    this.repository.date = '2030-01-01T12:00:00Z';
    this.repository.push({
      'nodeops/upgrade.yaml': nodeOp('upgrade'),
      'nodeops/nightly.yaml': schedule(spec, cron),
    });
  }

  agent(name: string, changes: object = {}, store = new MemoryStore()) {
    const git = { dir: `${this.repository.root}/${name}.git` };
    const config = this.repository.config({ git, runs: { initial: 'execute' }, ...changes });
    const loop = new RepositoryLoop({ config, store, logger: silent, now: () => this.now });
    return { loop, store };
  }

  runs(): string[] {
    const tree = this.repository.git(this.repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'runs/');
    return tree.split('\n').filter(Boolean);
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

test('at its time a run file is added, which is then a run like any other; once, whoever looks', async () => {
  using fleet = new Fleet('  overrides: {concurrency: 2}\n');
  const { loop, store } = fleet.agent('one');
  await loop.pollNow();
  expect(fleet.runs()).toEqual([]);
  fleet.now = new Date('2030-01-01T22:00:05Z');
  await loop.pollNow();
  expect(fleet.runs()).toEqual(['runs/scheduled/nightly-20300101T2200Z.yaml']);
  expect(fleet.repository.read('runs/scheduled/nightly-20300101T2200Z.yaml')).toBe(
    `# Added by nodeop-agent: "nodeops/nightly.yaml" was due at 2030-01-01T22:00:00Z.
apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
metadata:
  annotations:
    agent.nodeop.dev/series: nightly
spec:
  nodeOp: upgrade
  overrides:
    concurrency: 2
`,
  );
  expect(store.list()[0]?.spec).toMatchObject({ concurrency: 2 });
  store.finish('Completed');
  await loop.pollNow();
  expect(fleet.repository.read('results/scheduled/nightly-20300101T2200Z.yaml')).toContain('Completed');
  const commits = fleet.repository.commits();
  const other = fleet.agent('two', {}, store);
  await other.loop.pollNow();
  await loop.pollNow();
  expect(fleet.repository.commits()).toBe(commits);
  expect(store.creations).toBe(1);
});

test('of the times missed while the agent was away, only the last is made up for', async () => {
  using fleet = new Fleet();
  fleet.now = new Date('2030-01-10T12:00:00Z');
  const { loop } = fleet.agent('one');
  await loop.pollNow();
  await loop.pollNow();
  expect(fleet.runs()).toEqual(['runs/scheduled/nightly-20300109T2200Z.yaml']);
});

test('first contact makes up for nothing', async () => {
  using fleet = new Fleet();
  fleet.now = new Date('2030-01-10T12:00:00Z');
  const { loop } = fleet.agent('one', { runs: { initial: 'baseline' } });
  await loop.pollNow();
  expect(fleet.runs()).toEqual([]);
  fleet.now = new Date('2030-01-10T22:00:00Z');
  await loop.pollNow();
  expect(fleet.runs()).toHaveLength(1);
});

test('a run file that people removed stays removed, for a new agent too', async () => {
  using fleet = new Fleet('  window: {schedule: "0 2 * * *", duration: 1h}\n');
  const { loop, store } = fleet.agent('one');
  fleet.now = new Date('2030-01-01T22:00:00Z');
  await loop.pollNow();
  fleet.repository.date = '2030-01-01T22:30:00Z';
  fleet.repository.remove('runs/scheduled/nightly-20300101T2200Z.yaml');
  await loop.pollNow();
  await fleet.agent('two').loop.pollNow();
  expect(fleet.runs()).toEqual([]);
  expect(store.creations).toBe(0);
});

test('Forbid skips a run that is due while the one before is not over, and says so; Allow queues it', async () => {
  for (const policy of ['Forbid', 'Allow']) {
    using fleet = new Fleet(`  concurrencyPolicy: ${policy}\n`);
    const { loop, store } = fleet.agent('one', { runs: { maxConcurrent: 5, initial: 'execute' } });
    fleet.now = new Date('2030-01-01T22:00:00Z');
    await loop.pollNow();
    fleet.now = new Date('2030-01-02T22:00:00Z');
    await loop.pollNow();
    const second = fleet.repository.read('results/scheduled/nightly-20300102T2200Z.yaml');
    expect(second).toMatch(policy === 'Forbid' ? /phase: Cancelled\n +reason: Skipped/ : /phase: Pending/);
    store.finish('Completed');
    await loop.pollNow();
    fleet.now = new Date('2030-01-03T22:00:00Z');
    await loop.pollNow();
    expect(store.creations).toBe(policy === 'Forbid' ? 2 : 3);
  }
});

test('agents of several clusters add one file together, and each that is named carries it out', async () => {
  using fleet = new Fleet('  clusters: [east, west]\n');
  const agents = ['east', 'west', 'north'].map((cluster) => fleet.agent(cluster, { cluster }));
  await Promise.all(agents.map(({ loop }) => loop.pollNow()));
  fleet.now = new Date('2030-01-01T22:00:00Z');
  for (let i = 0; i < 2; i++) await Promise.all(agents.map(({ loop }) => loop.pollNow()));
  const path = 'runs/scheduled/nightly-20300101T2200Z.yaml';
  expect(fleet.runs()).toEqual([path]);
  const log = fleet.repository.git(fleet.repository.bare, 'log', '--format=%H', 'main', '--', path);
  expect(log.trim().split('\n')).toHaveLength(1);
  expect(agents.map(({ store }) => store.creations)).toEqual([1, 1, 0]);
  for (const { loop } of agents) await loop.stop();
});

test('a suspended schedule adds nothing; once resumed it counts from then on', async () => {
  using fleet = new Fleet('  suspend: true\n');
  const { loop } = fleet.agent('one');
  fleet.now = new Date('2030-01-05T12:00:00Z');
  await loop.pollNow();
  fleet.repository.date = '2030-01-05T13:00:00Z';
  fleet.repository.push({ 'nodeops/nightly.yaml': schedule() });
  fleet.now = new Date('2030-01-05T14:00:00Z');
  await loop.pollNow();
  expect(fleet.runs()).toEqual([]);
  fleet.now = new Date('2030-01-05T22:00:00Z');
  await loop.pollNow();
  expect(fleet.runs()).toEqual(['runs/scheduled/nightly-20300105T2200Z.yaml']);
});

test('a definition may say by itself when it is due', async () => {
  using fleet = new Fleet();
  const due = '  schedule: 0 22 * * *\n  timeZone: Europe/Berlin\n  concurrencyPolicy: Allow\n';
  fleet.repository.push({
    'nodeops/nightly.yaml': nodeOp('nightly', due),
    'nodeops/upgrade.yaml': nodeOp('upgrade'),
  });
  const { loop, store } = fleet.agent('a');
  await loop.pollNow();
  fleet.now = new Date('2030-01-01T21:00:05Z');
  await loop.pollNow();
  expect(fleet.runs()).toEqual(['runs/scheduled/nightly-20300101T2100Z.yaml']);
  expect(store.list()[0]?.spec).toMatchObject({ image: 'busybox' });
  expect(store.list()[0]?.spec).not.toHaveProperty('schedule');

  fleet.repository.pull();
  fleet.repository.push({ 'nodeops/nightly.yaml': nodeOp('nightly', `${due}  suspend: true\n`) });
  fleet.now = new Date('2030-01-03T21:00:05Z');
  await loop.pollNow();
  expect(fleet.runs(), 'suspended').toHaveLength(1);
});

test.each([
  ['schedule: every day', /spec\.schedule/],
  ['timeZone: UTC', /spec\.schedule: is required/],
  ['schedule: 0 22 * * *\n  timeZone: Mars', /spec\.timeZone: expected a time zone/],
])('a definition that says wrongly when it is due is refused: %s', (line, problem) => {
  const parsed = parseDefinition('nodeops/a.yaml', Buffer.from(nodeOp('a', `  ${line}\n`)));
  if ('run' in parsed || parsed.result.ok) throw new Error('was taken');
  expect(parsed.result.problems.map(formatProblem).join()).toMatch(problem);
});

test('a name that would lead out of the folder of the runs is refused', () => {
  const parsed = parseDefinition(
    'nodeops/a.yaml',
    Buffer.from(nodeOp('../../x', '  schedule: 0 22 * * *\n')),
  );
  expect(parsed).toMatchObject({ result: { ok: false } });
});
