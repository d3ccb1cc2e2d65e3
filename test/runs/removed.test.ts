import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** An agent whose clone is its own, and what it warns of. */
function agent(repository: TestRepository, store = new MemoryStore(), changes: object = {}) {
  const warnings: string[] = [];
  const logger = { ...silent, child: () => logger, warn: (_: object, text: string) => warnings.push(text) };
  const loop = new RepositoryLoop({ config: repository.config(changes), store, logger });
  return { loop, store, warnings };
}

const INITIAL = { runs: { initial: 'execute' } };

test.each(['the agent goes on', 'the agent starts anew'])(
  'a run whose report people removed is not carried out again, also without its NodeOp (%s)',
  async (how) => {
    using repository = new TestRepository();
    const first = agent(repository, undefined, INITIAL);
    await carryOut(repository, first, 'a');

    let second = first;
    if (how === 'the agent starts anew') {
      await first.loop.stop();
      rmSync(`${repository.root}/agent.git`, { recursive: true });
      second = agent(repository, new MemoryStore(), INITIAL);
    }
    second.store.objects.clear();
    repository.remove('results/a.yaml');
    await second.loop.pollNow();
    expect(second.store.list()).toEqual([]);
    expect(second.warnings).toEqual(['reports were removed; their runs are not carried out again']);

    // From the next report on it is on record, and a new run is none of this.
    repository.push({ 'runs/b.yaml': nodeOp('b') });
    await second.loop.pollNow();
    expect(second.store.list().map((it) => it.metadata.name)).toEqual(['b']);
    expect(repository.read('results/.baseline.yaml')).toContain('runs/a.yaml');
    expect(repository.read('results/.baseline.yaml')).not.toContain('runs/b.yaml');
  },
);

test('a run whose report people replaced by a link is not carried out again', async () => {
  using repository = new TestRepository();
  const first = agent(repository, undefined, INITIAL);
  const { loop, store } = first;
  await carryOut(repository, first, 'a');
  store.objects.clear();
  repository.pull();
  rmSync(join(repository.clone, 'results/a.yaml'));
  symlinkSync('README.md', join(repository.clone, 'results/a.yaml'));
  repository.push({});
  await loop.pollNow();
  expect(store.list()).toEqual([]);
  await loop.stop();

  rmSync(`${repository.root}/agent.git`, { recursive: true });
  const anew = agent(repository, new MemoryStore(), INITIAL);
  await anew.loop.pollNow();
  expect(anew.store.list()).toEqual([]);
  await anew.loop.stop();
});

test('a report removed in a merge is found as well', async () => {
  using repository = new TestRepository();
  const first = agent(repository, undefined, INITIAL);
  const { loop, store } = first;
  await carryOut(repository, first, 'a');
  repository.pull();
  const { clone } = repository;
  repository.git(clone, 'checkout', '-q', '-b', 'side', 'HEAD~1');
  repository.git(clone, 'commit', '-q', '--allow-empty', '-m', 'side');
  repository.git(clone, 'checkout', '-q', 'main');
  repository.git(clone, 'merge', '-q', '--no-ff', '--no-commit', '-s', 'ours', 'side');
  repository.git(clone, 'rm', '-q', 'results/a.yaml');
  repository.git(clone, 'commit', '-q', '-m', 'merge');
  repository.git(clone, 'push', '-q', 'origin', 'main');
  store.objects.clear();
  await loop.pollNow();
  expect(store.list()).toEqual([]);
});

test('a removed report that said Invalid is no reason to pass the run over', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': 'kind: Nothing' });
  const { loop } = agent(repository, undefined, INITIAL);
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('Invalid');
  repository.remove('results/a.yaml');
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('Invalid');
});

test('a baseline that people removed is put back before anything starts', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/old.yaml': nodeOp('old') });
  const { loop, store, warnings } = agent(repository);
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  const baseline = repository.read('results/.baseline.yaml');
  expect(baseline).toContain('runs/old.yaml');
  repository.remove('results/.baseline.yaml');
  await loop.pollNow();
  expect(repository.read('results/.baseline.yaml')).toBe(baseline);
  expect(store.list().map((it) => it.metadata.name)).toEqual(['a']);
  expect(warnings).toContain('the baseline file was removed; it is put back');
});

test('a baseline that people replaced by a link stops every start', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/old.yaml': nodeOp('old') });
  const { loop, store } = agent(repository);
  await loop.pollNow();
  repository.pull();
  rmSync(join(repository.clone, 'results/.baseline.yaml'));
  symlinkSync('README.md', join(repository.clone, 'results/.baseline.yaml'));
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(store.list()).toEqual([]);
  expect(loop.state().problem).toMatch(/baseline.yaml cannot be read .*restored from the history/);
});

describe('while the baseline is damaged what runs can be stopped, and nothing begins', () => {
  test.each([
    ['by the agent that was there', false],
    ['by one that starts now', true],
  ])('%s', async (_, startsNow) => {
    using repository = new TestRepository();
    repository.push({ 'runs/old.yaml': nodeOp('old') });
    const changes = { runs: { maxConcurrent: 9 } };
    let it = agent(repository, undefined, changes);
    await it.loop.pollNow();
    repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/b.yaml': nodeOp('b'), 'runs/c.yaml': nodeOp('c') });
    await it.loop.pollNow();
    const baseline = repository.read('results/.baseline.yaml') ?? '';
    const names = ({ store }: typeof it) => store.list().map(({ metadata }) => metadata.name);
    expect(names(it)).toEqual(['a', 'b', 'c']);
    if (startsNow) {
      await it.loop.stop();
      it = agent(repository, it.store, changes);
    }
    repository.push({ 'results/.baseline.yaml': 'kind: {' });
    repository.pull();
    repository.git(repository.clone, 'rm', '-q', 'runs/a.yaml');
    repository.push({ 'runs/b.yaml': nodeOp('b', '  suspend: true\n'), 'runs/new.yaml': nodeOp('new') });
    await it.loop.pollNow();
    await it.loop.pollNow();
    expect(it.loop.state().problem).toMatch(/baseline.yaml cannot be read .*restored from the history/);
    expect(names(it)).toEqual(['a', 'b', 'c']);
    const [a, b, c] = it.store.list();
    expect(a?.metadata.annotations?.[ANNOTATION_CANCEL]).toMatch(/^the run file was removed by Ada/);
    expect([b, c].map((run) => run?.metadata.annotations?.[ANNOTATION_CANCEL])).toEqual([
      undefined,
      undefined,
    ]);
    expect([b, c].map((run) => run?.spec.suspend === true)).toEqual([true, false]);
    // Restored, and all goes on.
    repository.push({ 'results/.baseline.yaml': baseline });
    await it.loop.pollNow();
    expect(names(it)).toEqual(['a', 'b', 'c', 'new']);
    expect(it.loop.state().problem).toBeUndefined();
    await it.loop.stop();
  });
});

test('a report that names the run of another one has no say in that', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const { loop, store } = agent(repository);
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  store.finish('Running');
  await loop.pollNow();
  const report = repository.read('results/a.yaml') ?? '';
  expect(report).toContain('phase: Running');
  // Its length is that of the folder of the runs, and what follows is the name of the other.
  repository.push({ 'results/z.yaml': report.replace('path: runs/a.yaml', 'path: rums/a.yaml') });
  await loop.pollNow();
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toBe(report);
  await loop.stop();
});
