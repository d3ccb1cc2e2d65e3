import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { runFacts } from '../../src/cli/plan/run-facts.ts';
import { sshKey, signAs, writeKeys } from '../trust/support.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from './support.ts';

const START = '2030-01-01T12:00:00Z';
const LATER = '2030-02-10T12:00:00Z';

/** An agent of `runs.maxAge` 7 days for a repository whose people sign, if they do, as ada. */
class Aging implements Disposable {
  readonly repository = new TestRepository();
  readonly ada = sshKey(this.repository, 'ada');
  readonly store = new MemoryStore();
  readonly loop: RepositoryLoop;
  now = new Date(START);

  constructor(isSigned: boolean) {
    const { repository } = this;
    const allowedSignersFile = writeKeys(repository, 'allowed', this.ada.allowed);
    const config = repository.config({
      ...(isSigned && { git: { verify: { allowedSignersFile } } }),
      runs: { initial: 'execute' },
    });
    this.loop = new RepositoryLoop({ config, store: this.store, logger: silent, now: () => this.now });
    this.at(START);
    if (isSigned) signAs(repository, this.ada.file);
  }

  /** From now on this is the time, for people and agent alike. */
  at(time: string): void {
    this.now = new Date(time);
    this.repository.date = time;
  }

  /** An unsigned merge with the branch as its second parent, as a pull makes it: by its first parents all since `old` is new. */
  mergeOnto(old: string): void {
    const { repository } = this;
    repository.pull();
    const merge = ['commit-tree', '-p', old, '-p', 'HEAD', '-m', 'merge', 'HEAD^{tree}'];
    const id = repository.git(repository.clone, ...merge).trim();
    repository.git(repository.clone, 'reset', '-q', '--hard', id);
    repository.git(repository.clone, 'push', '-q', 'origin', 'HEAD:main');
  }

  report(): string {
    return (this.repository.read('results/a.yaml') ?? '').replaceAll(/\s+/g, ' ');
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

const RUN = nodeOpRun('  nodeOp: d\n');

test('signed: no merge makes a file younger than the commit that made it what it is', async () => {
  using it = new Aging(true);
  const { repository } = it;
  repository.push({ 'README.md': 'x' });
  const old = repository.tip() ?? '';
  repository.push({ 'runs/a.yaml': RUN });
  // Here an agent sees it for the first time.
  it.at(LATER);
  it.mergeOnto(old);
  await it.loop.pollNow();
  expect(it.report()).toMatch(/no definition is named "d"/);
  repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  expect(it.report()).toMatch(/reason: TooOld.*40 days ago/);
  await it.loop.stop();
});

test('unsigned: no merge makes a file younger than what was reported of it', async () => {
  using it = new Aging(false);
  const { repository } = it;
  repository.push({ 'README.md': 'x' });
  const old = repository.tip() ?? '';
  repository.push({ 'runs/a.yaml': RUN });
  await it.loop.pollNow();
  expect(it.report()).toMatch(/no definition is named "d"/);
  it.at(LATER);
  it.mergeOnto(old);
  repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  const known = await planned(it);
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  expect(it.report()).toMatch(/reason: TooOld.*40 days ago/);
  expect(known.facts.addedAt, 'a plan says the same').toBe(Date.parse(START));
  await it.loop.stop();
});

test('what was written long ago and merged now is new, and so is what was removed and added again', async () => {
  using it = new Aging(false);
  const { repository } = it;
  const { clone } = repository;
  repository.push({ 'README.md': 'x' });
  repository.git(clone, 'checkout', '-q', '-b', 'branch');
  repository.write({ 'runs/b.yaml': RUN });
  repository.git(clone, 'add', '-A');
  repository.git(clone, 'commit', '-q', '-m', 'written');
  repository.git(clone, 'checkout', '-q', 'main');
  repository.push({ 'runs/a.yaml': RUN });
  await it.loop.pollNow();
  repository.pull();
  repository.git(clone, 'rm', '-q', 'runs/a.yaml');
  repository.push({});
  await it.loop.pollNow();
  it.at(LATER);
  repository.git(clone, 'merge', '-q', '--no-ff', '-m', 'merge', 'branch');
  repository.push({ 'runs/a.yaml': RUN });
  await it.loop.pollNow();
  repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  for (let i = 0; i < 3; i += 1) {
    await it.loop.pollNow();
    it.store.finish('Completed');
  }
  expect(it.store.creations).toBe(2);
  await it.loop.stop();
});

function planned({ repository }: Aging) {
  repository.pull();
  const { clone } = repository;
  const prepared = { ok: false as const, problems: [] };
  const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
  const checkout = { root: clone, results: clone, layout, definitions: [] };
  return runFacts({ path: 'runs/a.yaml', blob: 'other', prepared }, checkout, {});
}
