import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

function agent(repository: TestRepository, report: object = { picture: true }) {
  const config = repository.config({ report: { interval: '0s', ...report }, runs: { initial: 'execute' } });
  const store = new MemoryStore();
  return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

/** Runs to their end, one after the other. */
async function carryOut(
  repository: TestRepository,
  it: ReturnType<typeof agent>,
  ...paths: string[]
): Promise<void> {
  for (const path of paths) {
    repository.push({ [path]: nodeOp(path.replaceAll(/[^a-z0-9]/g, '-')) });
    await it.loop.pollNow();
    it.store.finish('Failed');
    await it.loop.pollNow();
  }
}

test('off unless it is asked for', async () => {
  using repository = new TestRepository();
  await carryOut(repository, agent(repository, {}), 'runs/a.yaml');
  expect(repository.read('results/a.yaml')).toContain('phase: Failed');
  expect(repository.read('results/a.svg')).toBeUndefined();
  expect(repository.read('results/README.md')).not.toContain('picture');
});

test('a picture beside the report of a run that is over, in the same commit, with a link in the overview', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  repository.push({ 'runs/deep/a b.yaml': nodeOp('a') });
  await it.loop.pollNow();
  expect(repository.read('results/deep/a b.svg'), 'it goes on').toBeUndefined();
  it.store.finish('Failed');
  await it.loop.pollNow();
  expect(repository.read('results/deep/a b.svg')).toMatch(
    /^<svg .*[^]*<text[^>]*>runs\/deep\/a b\.yaml<\/text>/,
  );
  expect(repository.read('results/README.md')).toContain(
    '| [deep/a b.yaml](deep/a%20b.yaml) ([picture](deep/a%20b.svg)) | ❌ Failed |',
  );
  const files = repository
    .git(repository.bare, 'show', '--name-only', '--format=', 'main')
    .trim()
    .split('\n');
  expect(files.toSorted()).toEqual(['results/README.md', 'results/deep/a b.svg', 'results/deep/a b.yaml']);
  // The next run leaves it, and its link, as they are.
  await carryOut(repository, it, 'runs/b.yml');
  expect(repository.read('results/README.md')).toContain('([picture](deep/a%20b.svg))');
  expect(repository.read('results/README.md')).toContain('([picture](b.yml.svg))');
});

test('a picture never takes the place of reports: of a folder that is called like it, or of a link that is refused', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  await carryOut(repository, it, 'runs/a.svg/inside.yaml', 'runs/a.yaml');
  expect(repository.read('results/a.svg/inside.yaml')).toContain('phase: Failed');
  expect(repository.read('results/a.yaml')).toContain('phase: Failed');
  symlinkSync('/etc/passwd', join(repository.clone, 'runs/b.svg'));
  repository.push({});
  await it.loop.pollNow();
  await carryOut(repository, it, 'runs/b.yaml');
  expect(repository.read('results/b.svg')).toContain('phase: Invalid');
  // The other way round the report comes first.
  await carryOut(repository, it, 'runs/c.yaml');
  expect(repository.read('results/c.svg')).toMatch(/^<svg/);
  await carryOut(repository, it, 'runs/c.svg/inside.yaml');
  expect(repository.read('results/c.svg/inside.yaml')).toContain('phase: Failed');
  expect(repository.read('results/c.yaml')).toContain('phase: Failed');
  const tip = repository.git(repository.bare, 'rev-parse', 'main');
  await it.loop.pollNow();
  expect(repository.git(repository.bare, 'rev-parse', 'main'), 'without news there is no commit').toBe(tip);
});

test('it goes with its report, also when pictures are off by then', async () => {
  using repository = new TestRepository();
  await carryOut(repository, agent(repository), 'runs/a.yaml');
  expect(repository.read('results/a.svg')).toBeDefined();
  await carryOut(repository, agent(repository, { keep: { count: 1 } }), 'runs/0.yaml');
  expect(repository.read('results/a.yaml')).toBeUndefined();
  expect(repository.read('results/a.svg')).toBeUndefined();
});
