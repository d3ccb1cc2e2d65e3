import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkRepository } from '../../src/agent/readiness.ts';
import { Holds } from '../../src/agent/holds.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

class Followed implements Disposable {
  readonly repository = new TestRepository();
  readonly store = new MemoryStore();
  readonly clock = new FakeClock();
  readonly warnings: string[] = [];
  readonly holds = new Holds(silent, 'hold.yaml');
  loop = this.agent();

  agent(git: object = {}, maxConcurrent = 9): RepositoryLoop {
    const warn = (fields: object, message: string) =>
      this.warnings.push(`${message} ${JSON.stringify(fields)}`);
    const logger = { ...silent, child: () => logger, warn };
    const config = this.repository.config({ git, runs: { initial: 'execute', maxConcurrent } });
    return new RepositoryLoop({ config, store: this.store, holds: this.holds, logger, clock: this.clock });
  }

  tip(): string {
    return this.repository.git(this.repository.bare, 'rev-parse', 'main').trim();
  }

  moveTo(commit: string): void {
    this.repository.git(this.repository.bare, 'update-ref', 'refs/heads/main', commit);
  }

  cancelled(): string[] {
    const all = this.store.list().filter((it) => it.metadata.annotations?.[ANNOTATION_CANCEL] !== undefined);
    return all.map((it) => it.metadata.name ?? '');
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

/** Two runs, of which the branch went back to before the second. */
async function rewound(it: Followed) {
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await it.loop.pollNow();
  const before = it.tip();
  it.repository.push({ 'runs/b.yaml': nodeOp('b') });
  await it.loop.pollNow();
  const tip = it.tip();
  expect(it.store.creations).toBe(2);
  it.moveTo(before);
  await it.loop.pollNow();
  return { before, tip };
}

test('a branch that goes back for a moment cancels nothing, and comes back as if nothing had been', async () => {
  using it = new Followed();
  const { tip } = await rewound(it);
  expect(it.cancelled()).toEqual([]);
  expect(it.loop.state().problem).toMatch(
    /went back from commit [0-9a-f]{12} to [0-9a-f]{12}; for 300 s more/,
  );
  expect(checkRepository(it.loop.state(), it.clock.wall())).toMatchObject({
    detail: expect.stringContaining('went back'),
  });
  await it.clock.advance(60_000);
  await it.loop.pollNow();
  expect(it.warnings.filter((line) => line.includes('went back'))).toHaveLength(1);
  it.store.finish('Completed');
  it.moveTo(tip);
  await it.loop.pollNow();
  expect(it.loop.state().problem).toBeUndefined();
  expect(it.cancelled()).toEqual([]);
  for (const name of ['a', 'b'])
    expect(it.repository.read(`results/${name}.yaml`)).toContain('phase: Completed');
  await it.loop.stop();
});

test('a replica that comes to lead waits for what another one acted on, which its own clone has not seen', async () => {
  using it = new Followed();
  const standby = it.agent({ dir: join(it.repository.root, 'standby.git') });
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await standby.pollNow();
  await standby.stop();
  it.repository.push({ 'runs/b.yaml': nodeOp('b') });
  const before = it.tip();
  it.repository.push({ 'runs/c.yaml': nodeOp('c') });
  await it.loop.pollNow();
  await it.loop.stop();
  const tip = it.tip();
  expect(it.store.creations).toBe(3);

  it.moveTo(before);
  const next = it.agent({ dir: join(it.repository.root, 'standby.git') });
  await next.pollNow();
  expect(it.cancelled()).toEqual([]);
  expect(next.state().problem).toMatch(/for 300 s more nothing begins/);
  it.moveTo(tip);
  await next.pollNow();
  expect(next.state().problem).toBeUndefined();
  expect(it.cancelled()).toEqual([]);
  await next.stop();
});

test('hold.yaml on a branch that went back is heard at once', async () => {
  using it = new Followed();
  const { before, tip } = await rewound(it);
  it.repository.git(it.repository.clone, 'fetch', '-q', 'origin');
  it.repository.git(it.repository.clone, 'reset', '-q', '--hard', before);
  it.repository.push({ 'hold.yaml': 'reason: what is going on\n' });
  await it.loop.pollNow();
  expect(it.holds.current.repository).toBe('what is going on');
  expect(it.loop.state().problem).toMatch(/went back from commit/);
  expect(it.cancelled()).toEqual([]);
  it.moveTo(tip);
  await it.loop.pollNow();
  expect(it.holds.current.repository).toBeUndefined();
  await it.loop.stop();
});

test('after the grace it is believed: the run that is gone is cancelled', async () => {
  using it = new Followed();
  await rewound(it);
  await it.clock.advance(299_000);
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual([]);
  await it.clock.advance(2_000);
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual(['b']);
  expect(it.loop.state().problem).toBeUndefined();
  await it.loop.stop();
});

test('nothing begins from a branch that went back, and what others report on top of it makes no difference', async () => {
  using it = new Followed();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  const before = it.tip();
  it.repository.remove('runs/a.yaml');
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  it.moveTo(before);
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  // Another cluster's agent.
  it.repository.git(it.repository.clone, 'reset', '-q', '--hard', before);
  it.repository.push({ 'results/other/x.yaml': 'x: 1\n' });
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  // What people change on top of it is meant.
  it.repository.push({ 'runs/c.yaml': nodeOp('c') });
  await it.loop.pollNow();
  expect(it.store.list().map(({ metadata }) => metadata.name)).toContain('c');
  await it.loop.stop();
});

test('an agent that restarts meanwhile waits as well, with its clone; without a grace nobody waits', async () => {
  using it = new Followed();
  const { before, tip } = await rewound(it);
  await it.loop.stop();
  it.loop = it.agent();
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual([]);
  expect(it.loop.state().problem).toContain('went back');
  it.moveTo(tip);
  await it.loop.pollNow();
  await it.loop.stop();
  it.moveTo(before);
  it.loop = it.agent({ rewindGrace: '0s' });
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual(['b']);
  await it.loop.stop();
});

/** Two runs, of which the first is under way and the second was not begun; then the clone is lost. */
async function withoutClone(it: Followed) {
  it.repository.push({ 'README.md': 'x' });
  const older = it.tip();
  it.repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/w.yaml': nodeOp('w') });
  it.loop = it.agent({}, 1);
  await it.loop.pollNow();
  await it.loop.pollNow();
  expect(it.store.creations).toBe(1);
  await it.loop.stop();
  rmSync(join(it.repository.root, 'agent.git'), { recursive: true });
  return { older, tip: it.tip() };
}

test('a clone is lost while a mirror lags: nothing is cancelled or passed over, and it goes on when the mirror has caught up', async () => {
  using it = new Followed();
  const { older, tip } = await withoutClone(it);
  it.moveTo(older);
  it.loop = it.agent({}, 1);
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual([]);
  expect(it.loop.state().problem).toMatch(
    /^commit [0-9a-f]{12}, which was acted on last, is not in the repository, and a branch is at commit [0-9a-f]{12}; for 300 s more/,
  );
  it.moveTo(tip);
  await it.loop.pollNow();
  expect(it.loop.state().problem).toBeUndefined();
  expect(it.repository.read('results/.baseline.yaml') ?? '').not.toContain('runs/w.yaml');
  it.store.finish('Completed');
  for (let i = 0; i < 3; i += 1) await it.loop.pollNow();
  expect(it.cancelled()).toEqual([]);
  expect(it.store.list().map(({ metadata }) => metadata.name)).toEqual(['a', 'w']);
  expect(it.repository.read('results/a.yaml')).toContain('phase: Completed');
  await it.loop.stop();
});

test('a clone is lost and history was rewritten: after the grace it is believed', async () => {
  using it = new Followed();
  const { older } = await withoutClone(it);
  it.moveTo(older);
  it.loop = it.agent({}, 1);
  await it.loop.pollNow();
  await it.clock.advance(301_000);
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual(['a']);
  expect(it.loop.state().problem).toBeUndefined();
  await it.loop.stop();
});

test('history that is rewritten in another way is believed at once', async () => {
  using it = new Followed();
  it.repository.push({ 'README.md': 'x' });
  const before = it.tip();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await it.loop.pollNow();
  it.repository.git(it.repository.clone, 'reset', '-q', '--hard', before);
  it.repository.write({ 'runs/b.yaml': nodeOp('b') });
  it.repository.git(it.repository.clone, 'add', '-A');
  it.repository.git(it.repository.clone, 'commit', '-q', '-m', 'b, not a');
  it.repository.git(it.repository.clone, 'push', '-q', '--force', 'origin', 'main');
  await it.loop.pollNow();
  expect(it.cancelled()).toEqual(['a']);
  expect(it.store.list().map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  await it.loop.stop();
});

test('a branch that is not there is told with those that are, and the agent is not ready', async () => {
  using it = new Followed();
  it.repository.push({ 'README.md': 'x' });
  it.repository.git(it.repository.bare, 'branch', 'trunk', 'main');
  it.loop = it.agent({ branch: 'mian' });
  await it.loop.pollNow();
  await it.loop.pollNow();
  const problem = 'the remote has no branch "mian"; it has "main", "trunk"';
  expect(it.loop.state().problem).toBe(problem);
  expect(it.warnings.filter((line) => line.includes('trunk'))).toHaveLength(1);
  expect(checkRepository(it.loop.state(), it.clock.wall())).toMatchObject({
    missing: expect.stringContaining('"trunk"'),
  });
  expect(await it.loop.runOnce()).toMatchObject({ pending: false, problem });
  it.repository.git(it.repository.bare, 'branch', 'mian', 'main');
  await it.loop.pollNow();
  expect(it.loop.state().problem).toBeUndefined();
  await it.loop.stop();
  rmSync(join(it.repository.root, 'agent.git'), { recursive: true });
});
