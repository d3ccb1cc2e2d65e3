import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { sshKey, signAs, writeKeys } from '../trust/support.ts';

function agent(repository: TestRepository, git: object = {}) {
  const config = repository.config({ git, runs: { initial: 'execute', maxConcurrent: 99 } });
  const store = new MemoryStore();
  return { store, dir: config.git.dir, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

/** Files below a folder, by their whole path. */
function filesOf(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true }).map((it) => join(dir, String(it)));
  return names.filter((it) => statSync(it).isFile());
}

function cut(dir: string, length: number): void {
  for (const file of filesOf(dir)) {
    chmodSync(file, 0o644);
    truncateSync(file, length);
  }
}

test.each<[string, (dir: string) => void]>([
  ['a lock on a ref of the agent', (dir) => writeFileSync(join(dir, 'refs/agent/pending.lock'), '')],
  ['an empty ref of the agent', (dir) => writeFileSync(join(dir, 'refs/agent/pending'), '')],
  [
    'a ref of the agent to nothing',
    (dir) => writeFileSync(join(dir, 'refs/agent/pending'), `${'1'.repeat(40)}\n`),
  ],
  ['a ref of the agent of zeros', (dir) => writeFileSync(join(dir, 'refs/agent/pending'), Buffer.alloc(41))],
  ['an empty branch', (dir) => writeFileSync(join(dir, 'refs/heads/main'), '')],
  [
    'a branch that points to nothing',
    (dir) => writeFileSync(join(dir, 'refs/heads/main'), `${'1'.repeat(40)}\n`),
  ],
  ['a lock on all refs', (dir) => writeFileSync(join(dir, 'packed-refs.lock'), '')],
  ['packed refs of garbage', (dir) => writeFileSync(join(dir, 'packed-refs'), 'garbage\n')],
  ['a configuration of garbage', (dir) => writeFileSync(join(dir, 'config'), '[core\n')],
  ['a configuration that is gone', (dir) => rmSync(join(dir, 'config'))],
  ['an empty HEAD', (dir) => writeFileSync(join(dir, 'HEAD'), '')],
  ['objects without content', (dir) => cut(join(dir, 'objects'), 0)],
  ['objects cut short', (dir) => cut(join(dir, 'objects'), 40)],
  [
    'a folder in place of a ref',
    (dir) => {
      rmSync(join(dir, 'refs/agent/pending'));
      mkdirSync(join(dir, 'refs/agent/pending/x'), { recursive: true });
    },
  ],
])('%s: at most two polls later the report is there, and nothing began twice', async (_, damage) => {
  using repository = new TestRepository();
  const { store, loop, dir } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('phase: Pending');
  damage(dir);
  store.finish('Completed');
  for (let polls = 0; polls < 3; polls++) await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(repository.read('results/a.yaml')).toContain('phase: Completed');
  expect(store.creations).toBe(1);
  await loop.stop();
});

test.each<[string, (dir: string) => void]>([
  ['is deleted', (dir) => rmSync(dir, { recursive: true })],
  ['has lost its objects', (dir) => rmSync(join(dir, 'objects'), { recursive: true })],
  ['has a HEAD of garbage', (dir) => writeFileSync(join(dir, 'HEAD'), 'garbage\n')],
  ['has a lock left over', (dir) => writeFileSync(join(dir, 'refs/heads/main.lock'), '')],
  [
    'has objects cut short',
    (dir) => {
      for (const file of readdirSync(join(dir, 'objects'), { recursive: true, withFileTypes: true })) {
        const path = join(file.parentPath, file.name);
        if (!file.isFile()) continue;
        chmodSync(path, 0o644);
        truncateSync(path, 5);
      }
    },
  ],
])('the clone %s while the agent runs: it helps itself', async (_what, damage) => {
  using repository = new TestRepository();
  const it = agent(repository);
  await carryOut(repository, it, 'a');
  damage(it.dir);
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  for (let i = 0; i < 3; i += 1) await it.loop.pollNow();
  it.store.finish('Completed');
  await it.loop.pollNow();
  expect(it.loop.state().problem).toBeUndefined();
  expect(repository.read('results/b.yaml')).toContain('phase: Completed');
  expect(it.store.creations).toBe(2);
});

test('what killed processes left does not pile up', async () => {
  using repository = new TestRepository();
  const { loop, dir } = agent(repository);
  repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  await loop.stop();
  const left = [
    'objects/pack/tmp_pack_x',
    'objects/pack/tmp_idx_x',
    'fast_import_crash_123',
    'gc.pid',
    'shallow.lock',
    'packed-refs.new',
    'shallow',
  ];
  mkdirSync(join(dir, 'objects/ab'), { recursive: true });
  for (const name of [...left, 'objects/ab/tmp_obj_x']) writeFileSync(join(dir, name), 'left');
  const again = agent(repository);
  await again.loop.pollNow();
  await again.loop.stop();
  expect(filesOf(dir).filter((it) => readFileSync(it, 'utf8') === 'left')).toEqual([]);
});

/** Every process that this one started, and those started by them. */
function children(pid = process.pid): number[] {
  try {
    const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
    return ids.flatMap((id) => [id, ...children(id)]);
  } catch {
    return [];
  }
}

function isGit(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('git');
  } catch {
    return false;
  }
}

test('git is killed again and again: afterwards everything is reported, and nothing began twice', async () => {
  using repository = new TestRepository();
  const ada = sshKey(repository, 'ada');
  signAs(repository, ada.file);
  const verify = { allowedSignersFile: writeKeys(repository, 'allowed', ada.allowed) };
  const { store, loop } = agent(repository, { verify });
  repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  let kills = 0;
  // Chosen by a fixed sequence; when it strikes depends on the machine, and whatever it hits has to be survived.
  let seed = 7;
  const chaos = setInterval(() => {
    seed = (seed * 48_271) % 2_147_483_647;
    const gits = children().filter(isGit);
    const victim = gits[seed % Math.max(1, gits.length)];
    if (victim === undefined || seed % 3 !== 0) return;
    try {
      process.kill(victim, 'SIGKILL');
      kills += 1;
    } catch {
      // It ended by itself.
    }
  }, 3);
  try {
    for (let i = 0; i < 12; i++) {
      repository.push({ [`runs/${i}.yaml`]: nodeOp(`r${i}`) });
      await loop.pollNow();
      store.finish('Completed');
      await loop.pollNow();
    }
  } finally {
    clearInterval(chaos);
  }
  expect(kills).toBeGreaterThan(3);
  for (let polls = 0; polls < 4; polls++) {
    await loop.pollNow();
    store.finish('Completed');
  }
  expect(loop.state().problem).toBeUndefined();
  expect(store.creations).toBe(12);
  for (let i = 0; i < 12; i++) expect(repository.read(`results/${i}.yaml`)).toContain('phase: Completed');
  await loop.stop();
}, 120_000);

/** Root may mount one; elsewhere there is no disk to fill. */
const canMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;

test.skipIf(!canMount)(
  'the disk is full until somebody makes room (skipped where nothing can be mounted)',
  async () => {
    using repository = new TestRepository();
    repository.git(repository.bare, 'config', 'uploadpack.allowFilter', 'false');
    const disk = join(repository.root, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    try {
      const noise = Buffer.from(Array.from({ length: 400_000 }, () => Math.floor(Math.random() * 256)));
      repository.push({ 'runs/a.yaml': nodeOp('a'), 'docs/large.bin': noise });
      const it = agent(repository, { dir: join(disk, 'clone') });
      await it.loop.pollNow();
      expect(it.loop.state().problem).toMatch(/no space left/i);
      expect(it.store.creations).toBe(0);
      execFileSync('mount', ['-o', 'remount,size=64m', disk]);
      await it.loop.pollNow();
      it.store.finish('Completed');
      await it.loop.pollNow();
      expect(it.loop.state().problem).toBeUndefined();
      expect(repository.read('results/a.yaml')).toContain('phase: Completed');
      await it.loop.stop();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  },
);
