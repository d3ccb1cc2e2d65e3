import { chmodSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { checkRepository } from '../../src/agent/readiness.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { NO_TELEMETRY } from '../../src/core/ports.ts';
import { writeFiles } from '../../src/git/write.ts';
import { branchWith } from '../git/support/mirror.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { timetableOn } from '../support/timetable.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

function agent(repository: TestRepository, changes: object = {}, now?: () => Date) {
  const config = repository.config({ runs: { initial: 'execute' }, report: { interval: '0s' }, ...changes });
  const store = new MemoryStore();
  return {
    store,
    dir: config.git.dir,
    loop: new RepositoryLoop({ config, store, logger: silent, ...(now && { now }) }),
  };
}

/** One run from its merge to its final report, without a problem. */
async function carriesOut(repository: TestRepository, it: ReturnType<typeof agent>, name: string) {
  await carryOut(repository, it, name);
  expect(it.loop.state().problem).toBeUndefined();
  expect(repository.read(`results/${name}.yaml`)).toContain('phase: Completed');
}

test('agents that push to one branch at the same time: nothing is lost, in a bounded number of tries', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const before = repository.commits();
  const [agents, writes] = [4, 3];
  let retries = 0;
  let refusals = 0;
  const options = {
    author: { name: 'agent', email: 'agent@example.org' },
    now: () => new Date(),
    delayMs: () => 0,
    onRetry: () => (retries += 1),
  };
  const writer = async (id: number): Promise<void> => {
    const branch = branchWith(repository, { dir: join(repository.root, `clone-${id}`) });
    await branch.fetch();
    for (let i = 0; i < writes;) {
      const files = new Map([[`results/c${id}/${i}.yaml`, `${id} ${i}\n`]]);
      try {
        await writeFiles(branch, files, `c${id}: ${i}`, options);
        i += 1;
      } catch (error) {
        // What could not be written in so many tries is written by the next pass.
        expect(String(error)).toMatch(/rejected|failed to push|lock/);
        refusals += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: agents }, (_, id) => writer(id)));
  const tree = repository.git(repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'results/');
  expect(tree.trim().split('\n')).toHaveLength(agents * writes);
  expect(repository.commits(), 'one commit each').toBe(before + agents * writes);
  expect(repository.git(repository.bare, 'rev-list', '--merges', 'main')).toBe('');
  // Of those who push at the same time one wins, so a win costs at most one try of every other agent.
  expect(retries + refusals).toBeLessThan(agents * writes * agents);
});

test('a push that was taken but whose answer was lost is not made again', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  await carriesOut(repository, it, 'first');
  const commits = repository.commits();
  const hook = join(repository.bare, 'hooks/post-receive');
  mkdirSync(join(repository.bare, 'hooks'), { recursive: true });
  writeFileSync(hook, '#!/bin/sh\nrm -f hooks/post-receive\necho > lost\nkill -9 $PPID\n');
  chmodSync(hook, 0o755);
  const mirror = branchWith(repository, { dir: join(repository.root, 'other') });
  await mirror.fetch();
  const author = { name: 'agent', email: 'agent@example.org' };
  const options = { author, now: () => new Date(), delayMs: () => 0 };
  await writeFiles(mirror, new Map([['results/x.yaml', 'x\n']]), 'x', options);
  expect(readdirSync(repository.bare)).toContain('lost');
  expect(repository.read('results/x.yaml')).toBe('x\n');
  expect(repository.commits()).toBe(commits + 1);
});

test('the branch is deleted and comes back: no run is carried out twice', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  await carriesOut(repository, it, 'a');
  const tip = repository.git(repository.bare, 'rev-parse', 'main').trim();
  repository.git(repository.bare, 'update-ref', '-d', 'refs/heads/main');
  await it.loop.pollNow();
  expect(it.loop.state().tip).toBeUndefined();
  repository.git(repository.bare, 'update-ref', 'refs/heads/main', tip);
  await it.loop.pollNow();
  repository.pull();
  await carriesOut(repository, it, 'b');
  expect(it.store.creations).toBe(2);
});

test('history is rewritten by a force-push: no run is carried out twice, and its report comes back', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  await carriesOut(repository, it, 'a');
  repository.git(repository.clone, 'checkout', '-q', '--orphan', 'anew');
  repository.git(repository.clone, 'commit', '-q', '-m', 'rewritten');
  repository.git(repository.clone, 'push', '-q', '--force', 'origin', 'HEAD:main');
  await it.loop.pollNow();
  await it.loop.pollNow();
  expect(it.loop.state().problem).toBeUndefined();
  expect(it.store.creations).toBe(1);
  expect(repository.read('results/a.yaml')).toContain('phase: Completed');
});

test('the remote is away for ten minutes: it is asked less and less, and what ended meanwhile is reported', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const polls: boolean[] = [];
  const config = repository.config({
    git: { timeout: '10h', poll: { schedule: '*/15 * * * * *', jitter: '0s' } },
  });
  const store = new MemoryStore();
  const telemetry = { ...NO_TELEMETRY, polled: (ok: boolean) => polls.push(ok) };
  const clock = new FakeClock();
  const loop = new RepositoryLoop({ config, store, logger: silent, telemetry, clock });
  /** Time passes only between the passes, so it makes no difference how long git takes. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 5) {
      await clock.advance(5_000);
      while (loop.passSince !== undefined) await sleep(1);
    }
  };
  try {
    await loop.start(timetableOn(clock));
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await pass(30);
    expect(store.creations).toBe(1);
    renameSync(repository.bare, `${repository.bare}.away`);
    store.finish('Completed');
    polls.length = 0;
    await pass(240);
    expect(checkRepository(loop.state(), clock.wall())).toMatchObject({
      detail: expect.stringMatching(/since then/),
    });
    await pass(360);
    expect(checkRepository(loop.state(), clock.wall())).toHaveProperty('missing');
    expect(loop.settled().pending).toBe(true);
    expect(polls).not.toContain(true);
    expect(polls.length).toBeGreaterThanOrEqual(3);
    // A poll each 15 s would be 40; with doubling pauses of up to a minute it is less.
    expect(polls.length).toBeLessThan(30);
    renameSync(`${repository.bare}.away`, repository.bare);
    await pass(120);
    expect(repository.read('results/a.yaml')).toContain('phase: Completed');
    expect(loop.state().problem).toBeUndefined();
    expect(store.creations).toBe(1);
  } finally {
    await loop.stop();
  }
});

test('the clock is set back: runs and reports go on', async () => {
  using repository = new TestRepository();
  let now = new Date('2035-01-01T00:00:00Z');
  const it = agent(repository, {}, () => now);
  await carriesOut(repository, it, 'a');
  now = new Date('2029-01-01T00:00:00Z');
  await carriesOut(repository, it, 'b');
  expect(it.store.creations).toBe(2);
});

test('the clock is set back in the middle of a run: its reports come in time all the same', async () => {
  using repository = new TestRepository();
  const it = agent(repository, { report: { interval: '100ms' } });
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await it.loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('phase: Pending');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 86_400_000 });
  try {
    await it.store.patch('nodeop-system', 'a', { status: { phase: 'Running', nodeStatuses: {} } });
    await expect
      .poll(
        async () => {
          await it.loop.pollNow();
          return repository.read('results/a.yaml');
        },
        { timeout: 20_000 },
      )
      .toContain('phase: Running');
  } finally {
    vi.useRealTimers();
    await it.loop.stop();
  }
});
