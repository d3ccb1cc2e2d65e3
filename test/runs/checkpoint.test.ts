import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import type { Snapshot } from '../../src/agent/repository/snapshot.ts';
import { SnapshotReader } from '../../src/agent/repository/snapshot-reader.ts';
import type { ReportBrief } from '../../src/core/runs/brief.ts';
import type { Layout } from '../../src/core/runs/paths.ts';
import { atOnce } from '../../src/api/pieces.ts';
import { CHECKPOINT_EVERY, formatCheckpoint, readCheckpoint } from '../../src/core/runs/checkpoint.ts';
import { NewestReports } from '../../src/core/runs/newest.ts';
import { formatBaseline } from '../../src/core/runs/baseline.ts';
import type { GitObject } from '../../src/git/objects.ts';
import { branchWith } from '../git/support/mirror.ts';
import { expectSame } from './same-snapshot.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
const FILE = 'results/.checkpoint.yaml';

const report = (path: string, phase: string, startedAt = '2030-01-01T00:00:00Z') =>
  `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata:
  name: x
run:
  path: ${path}
status:
  phase: ${phase}
  startedAt: '${startedAt}'
`;

const brief = (began: number): ReportBrief => ({
  run: 'runs/a.yaml',
  phase: 'Completed',
  reason: undefined,
  began,
  ended: began,
  durationSeconds: undefined,
  total: -1,
  completed: 0,
  failed: 0,
});

describe('the newest reports', () => {
  test('are those that sorting all of them gives, whatever came, changed and went', () => {
    const path = fc.integer({ min: 0, max: 400 });
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ path, began: fc.integer({ min: 0, max: 50 }) }) },
      { weight: 1, arbitrary: fc.record({ path, began: fc.constant(undefined) }) },
    );
    let told = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 1000, size: 'max' }), (steps) => {
        const newest = new NewestReports();
        const all = new Map<string, ReportBrief>();
        for (const { path: at, began } of steps) {
          const name = `results/${at}.yaml`;
          if (began === undefined) {
            newest.delete(name);
            all.delete(name);
          } else {
            newest.set(name, brief(began));
            all.set(name, brief(began));
          }
        }
        const sorted = [...all].toSorted(([a, x], [b, y]) => y.began - x.began || (a < b ? -1 : 1));
        const first = newest.first(50);
        if (first) {
          told += 1;
          expect(first).toEqual(sorted.slice(0, 50));
        }
      }),
      { numRuns: 50 },
    );
    expect(told).toBeGreaterThan(25);
  });

  test('are not told when too many of them were taken away', () => {
    const newest = new NewestReports(Array.from({ length: 300 }, (_, i) => [`results/${i}`, brief(i)]));
    for (let i = 200; i < 250; i++) newest.delete(`results/${i}`);
    expect(newest.first(50)?.[0]?.[0]).toBe('results/299');
    for (let i = 250; i < 251; i++) newest.delete(`results/${i}`);
    expect(newest.first(50)).toBeUndefined();
  });
});

test('a checkpoint is what was written, also in another folder', () => {
  const newest = new NewestReports([
    ['results/b.yaml', { ...brief(2), reason: 'x: "y"', durationSeconds: 3 }],
    ['results/a.yaml', brief(1)],
  ]);
  const unsettled = new Set(['results/c.yaml', "results/it's #1.yaml"]);
  const text = formatCheckpoint({ tree: '1'.repeat(40), over: 7, unsettled, newest }, LAYOUT);
  const read = (it: string, layout: Layout = LAYOUT) => atOnce(readCheckpoint(Buffer.from(it), layout));
  const moved = read(text, { ...LAYOUT, results: 'reports', cluster: 'c' });
  expect(moved?.over).toBe(7);
  expect(moved?.unsettled).toEqual(new Set(['reports/c/c.yaml', "reports/c/it's #1.yaml"]));
  expect(moved?.newest.all().map(([path]) => path)).toEqual(['reports/c/b.yaml', 'reports/c/a.yaml']);
  const same = read(text, LAYOUT);
  expect(same?.newest.all()).toEqual(newest.all());
  expect(same?.newest.hasOlder).toBe(false);
  expect(read(text.replace('\ntree:', '\ntrees:'), LAYOUT)).toBeUndefined();
});

/** A repository, a reader that has followed it from its beginning, and readers that start now. */
function followed(repository: TestRepository) {
  const mirror = branchWith(repository);
  const many = vi.spyOn(mirror.git, 'stream');
  const few = vi.spyOn(mirror.git, 'object');
  const follower = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
  const tipOf = async () => (await mirror.fetch()) ?? '';
  const late: SnapshotReader[] = [];
  return {
    follow: async () => {
      const tip = await tipOf();
      const tips = { runs: tip, results: tip };
      const snapshot = await follower.read(tips);
      for (const reader of late) expectSame(await reader.read(tips), snapshot);
      return snapshot;
    },
    /** From now on there is one more that follows, having started now. */
    join: () => late.push(new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT)),
    /** What a reader gives that starts now, and how many files of the results it read for that. */
    start: async () => {
      const tip = await tipOf();
      many.mockClear();
      few.mockClear();
      const reader = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
      const snapshot = await reader.read({ runs: tip, results: tip });
      // One that is not in the clone yet is asked for twice.
      const read = many.mock.calls.flatMap(([, ids]) => ids.split('\n').filter(Boolean));
      const objects = few.mock.settledResults.map(({ value }) => value as GitObject | undefined);
      const contents = objects.flatMap((it) => (it?.type === 'blob' ? it.id : []));
      return { snapshot, files: new Set([...read, ...contents]).size, reader };
    },
    checkpoint: async (snapshot: Snapshot) => {
      const file = await follower.reports.checkpoint(snapshot);
      if (file) repository.push({ [file[0]]: file[1] });
    },
  };
}

test('a start reads what the checkpoint does not tell, and knows as much', async () => {
  using repository = new TestRepository();
  const { follow, start, checkpoint } = followed(repository);
  const names = Array.from({ length: 30 }, (_, i) => `${i}.yaml`);
  repository.push({
    ...Object.fromEntries(names.map((it) => [`runs/${it}`, nodeOp('x')])),
    ...Object.fromEntries(names.map((it) => [`results/${it}`, report(`runs/${it}`, 'Completed')])),
    'results/3.yaml': report('runs/3.yaml', 'Running'),
    'results/4.yaml': 'not a report',
    'results/5.yaml': report('runs/5.yaml', 'Invalid'),
  });
  const before = await start();
  expect(before.files).toBe(30);
  await checkpoint(await follow());

  const after = await start();
  expectSame(after.snapshot, await follow());
  expect(after.files, 'the checkpoint, and 3, 4 and 5').toBe(4);

  repository.push({ 'results/0.yaml': report('runs/0.yaml', 'Running'), 'results/new.yaml': 'x' });
  repository.remove('results/1.yaml');
  repository.push({ 'results/5.yaml': report('runs/5.yaml', 'Completed', '2031-01-01T00:00:00Z') });
  const later = await start();
  expectSame(later.snapshot, await follow());
  expect([...later.snapshot.open].toSorted()).toEqual(['runs/0.yaml', 'runs/1.yaml', 'runs/3.yaml']);
  expect(later.files, 'also 0 and the new one').toBe(6);
});

test.each([
  ['is damaged', 'tree: [', 'x'],
  ['tells of a tree that is not there', '1', '1'.repeat(40)],
])('when the checkpoint %s, all is read', async (_, text, tree) => {
  using repository = new TestRepository();
  const { follow, start } = followed(repository);
  repository.push({
    'runs/a.yaml': nodeOp('a'),
    'results/a.yaml': report('runs/a.yaml', 'Running'),
    [FILE]:
      tree === 'x'
        ? text
        : formatCheckpoint({ tree, over: 0, unsettled: new Set(), newest: new NewestReports() }, LAYOUT),
  });
  expect([...(await follow()).unfinished]).toEqual(['results/a.yaml']);
  expect((await start()).snapshot.sinceCheckpoint).toBe(2);
});

test('reports, checkpoints and edits in any order: a start knows what an agent knows that has seen them all', async () => {
  // The report of a run file that is named like one of the agent's own files has another name.
  const own = '%2Echeckpoint%2Eyaml';
  const digit = fc.integer({ min: 0, max: 9 }).map((it) => `${it}.yaml`);
  const name = fc.oneof({ weight: 9, arbitrary: digit }, { weight: 1, arbitrary: fc.constant(own) });
  const runOf = (it: string) => `runs/${it === own ? '.checkpoint.yaml' : it}`;
  const phase = fc.constantFrom('Pending', 'Running', 'Completed', 'Failed', 'Invalid', 'Nonsense');
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ name, phase, year: fc.integer({ min: 2000, max: 2099 }) }) },
    { weight: 1, arbitrary: fc.record({ removed: name }) },
    { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
    { weight: 1, arbitrary: fc.constant('revert' as const) },
    { weight: 1, arbitrary: fc.constant('join' as const) },
    { weight: 1, arbitrary: fc.record({ run: name, isThere: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ passedOver: fc.array(name) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 12, size: 'max' }), async (changes) => {
      using repository = new TestRepository();
      const { follow, join, start, checkpoint } = followed(repository);
      repository.push({ 'runs/0.yaml': nodeOp('x'), 'results/0.yaml': report('runs/0.yaml', 'Running') });
      for (const it of changes) {
        const snapshot = await follow();
        if (it === 'checkpoint') await checkpoint(snapshot);
        else if (it === 'join') join();
        else if (it === 'revert') {
          repository.pull();
          if (repository.git(repository.clone, 'rev-list', '--count', 'HEAD').trim() === '1') continue;
          repository.git(repository.clone, 'revert', '--no-commit', 'HEAD');
          repository.push({});
        } else if ('removed' in it) {
          const path = `results/${it.removed}`;
          if (repository.read(path) !== undefined) repository.remove(path);
        } else if ('run' in it) {
          const path = runOf(it.run);
          if (it.isThere) repository.push({ [path]: nodeOp(`x${changes.indexOf(it)}`) });
          else if (repository.read(path) !== undefined) repository.remove(path);
        } else if ('passedOver' in it) {
          const runs = it.passedOver.map(runOf);
          repository.push({ 'results/.baseline.yaml': formatBaseline(runs, undefined) });
        } else {
          const startedAt = `${it.year}-01-01T00:00:00Z`;
          repository.push({ [`results/${it.name}`]: report(runOf(it.name), it.phase, startedAt) });
        }
      }
      const all = await follow();
      const { snapshot, reader } = await start();
      expectSame(snapshot, all);
      await reader.lookUp.all(snapshot);
      expectSame(snapshot, all);
    }),
    { numRuns: 8 },
  );
});

describe('the agent', () => {
  const config = { runs: { initial: 'execute' } };
  /** Beside them the baseline counts, which the agent writes at first contact. */
  const FEW_ENOUGH = CHECKPOINT_EVERY - 1;
  const agent = (repository: TestRepository) => {
    const store = new MemoryStore();
    return { store, loop: new RepositoryLoop({ config: repository.config(config), store, logger: silent }) };
  };

  test('writes one with a report, once very many have changed, and not again until then', async () => {
    using repository = new TestRepository();
    const names = Array.from({ length: FEW_ENOUGH }, (_, i) => `old-${i}.yaml`);
    repository.push({
      ...Object.fromEntries(names.map((it) => [`runs/${it}`, nodeOp('x')])),
      ...Object.fromEntries(names.map((it) => [`results/${it}`, report(`runs/${it}`, 'Completed')])),
      'runs/a.yaml': nodeOp('a'),
    });
    const { store, loop } = agent(repository);
    await loop.pollNow();
    expect(repository.read(FILE), 'not more than so many have changed').toBeUndefined();
    store.finish('Completed');
    await loop.pollNow();
    const written = repository.read(FILE);
    expect(written).toContain('unsettled:\n  - a.yaml\n');
    repository.push({ 'runs/b.yaml': nodeOp('b') });
    await loop.pollNow();
    expect(repository.read(FILE)).toBe(written);
    expect(repository.read('results/README.md')).toContain(`The newest 50 of ${FEW_ENOUGH + 2} runs.`);
    await loop.stop();
  });

  test('reports though people removed all of the folder', async () => {
    using repository = new TestRepository();
    const names = Array.from({ length: FEW_ENOUGH }, (_, i) => `old-${i}.yaml`);
    repository.push(
      Object.fromEntries(names.map((it) => [`results/${it}`, report(`runs/${it}`, 'Completed')])),
    );
    const { loop } = agent(repository);
    await loop.pollNow();
    repository.pull();
    repository.git(repository.clone, 'rm', '-q', '-r', 'results');
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    expect(repository.read('results/a.yaml')).toContain('phase: Pending');
    expect(repository.read(FILE), 'the baseline alone was there again').toContain('over: 0');
    await loop.stop();
  });

  test('carries no run out because its file has the name of one of its own files', async () => {
    using repository = new TestRepository();
    repository.push({
      'runs/.baseline.yaml': 'kind: X',
      'runs/.checkpoint.yaml': 'kind: Y',
      'runs/a.yaml': nodeOp('a'),
    });
    const { store, loop } = agent(repository);
    await loop.pollNow();
    expect(store.list().map((it) => it.metadata.name)).toEqual(['a']);
    expect(repository.read('results/%2Ebaseline%2Eyaml')).toContain('phase: Invalid');
    expect(repository.read('results/%2Echeckpoint%2Eyaml')).toContain('phase: Invalid');
    await loop.pollNow();
    expect(repository.read('results/.baseline.yaml')).toContain('runs: []');
    await loop.stop();
  });
});
