import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL, ANNOTATION_WINDOW } from '../../src/api/labels.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from './support.ts';

function agent(repository: TestRepository, store = new MemoryStore(), changes: object = {}) {
  const loop = new RepositoryLoop({ config: repository.config(changes), store, logger: silent });
  return { loop, store };
}

test('a run file that was added becomes one NodeOp and one final report', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ 'README.md': 'hello', 'runs/old.yaml': nodeOp('old') });
  await loop.pollNow();
  expect(repository.read('results/.baseline.yaml')).toContain('runs/old.yaml');

  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('phase: Pending');
  expect(store.list().map((it) => it.metadata.name)).toEqual(['a']);
  expect(loop.settled().pending).toBe(true);

  store.finish('Failed');
  await loop.pollNow();
  const report = repository.read('results/a.yaml') ?? '';
  expect(report).toContain('phase: Failed');
  expect(report).toContain('author: Ada <ada@example.org>');
  expect(report).toMatch(/log: \|-\n +one\n +two\n/);
  expect(loop.settled()).toEqual({ pending: false, phaseByRun: { 'runs/a.yaml': 'Failed' } });

  const commits = repository.commits();
  repository.push({ 'runs/a.yaml': nodeOp('a', '  cordon: true\n') });
  store.objects.clear();
  await loop.pollNow();
  await loop.pollNow();
  expect(repository.commits()).toBe(commits + 1);
  expect(store.creations).toBe(1);
});

test('an agent that lost its clone, and the branch its history, goes on from reports and NodeOps', async () => {
  using repository = new TestRepository();
  const first = agent(repository, undefined, { runs: { initial: 'execute' } });
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await first.loop.pollNow();
  await first.loop.stop();
  rmSync(join(repository.root, 'agent.git'), { recursive: true });
  const believing = { git: { rewindGrace: '0s' }, runs: { initial: 'execute' } };
  const second = agent(repository, first.store, believing);
  await second.loop.pollNow();
  rmSync(join(repository.root, 'agent.git/objects'), { recursive: true });
  repository.git(repository.clone, 'commit', '-q', '--amend', '-m', 'rewritten');
  repository.git(repository.clone, 'push', '-q', '--force', 'origin', 'main');
  first.store.finish('Completed');
  await second.loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('phase: Completed');
  expect(first.store.creations).toBe(1);
});

test('an empty remote is waited for, and its first run files were added under the agent’s eyes', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(store.creations).toBe(1);
});

test('runs are queued in commit order, then by path; maxConcurrent at a time', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository, undefined, { runs: { initial: 'execute' } });
  repository.push({ 'runs/z.yaml': nodeOp('z') });
  repository.push({ 'runs/b.yaml': nodeOp('b'), 'runs/a.yaml': nodeOp('a') });
  for (let i = 0; i < 4; i++) {
    await loop.pollNow();
    store.finish('Completed');
  }
  expect(store.list().map((it) => it.metadata.name)).toEqual(['z', 'a', 'b']);
});

test('removing a run file cancels the run; suspend follows the file; other edits are noted', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository, undefined, { runs: { initial: 'execute' } });
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a', '  suspend: true\n  cordon: true\n') });
  await loop.pollNow();
  expect(store.list()[0]?.spec).toMatchObject({ suspend: true, cordon: false });
  expect(repository.read('results/a.yaml')).toContain('observedChange');
  repository.remove('runs/a.yaml');
  await loop.pollNow();
  expect(store.list()[0]?.metadata.annotations).toHaveProperty([ANNOTATION_CANCEL]);
  store.finish('Cancelled');
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('phase: Cancelled');
});

test('a run waits for its window without taking the place of others, and takes the window along', async () => {
  using repository = new TestRepository();
  const store = new MemoryStore();
  const clock = { now: new Date('2030-01-01T12:00:00Z') };
  const config = repository.config({ runs: { initial: 'execute' } });
  const loop = new RepositoryLoop({ config, store, logger: silent, now: () => clock.now });
  const window = '{schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Berlin}';
  repository.push({
    'nodeops/u.yaml': nodeOp('upgrade'),
    'runs/a.yaml': nodeOpRun(`  nodeOp: upgrade\n  window: ${window}\n`),
  });
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  expect(store.list().map((it) => it.metadata.name)).toEqual(['b']);
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.settled().pending).toBe(false);
  clock.now = new Date('2030-01-01T21:00:00Z');
  await loop.pollNow();
  expect(store.creations).toBe(2);
  expect(JSON.parse(store.list()[1]?.metadata.annotations?.[ANNOTATION_WINDOW] ?? '')).toEqual({
    schedule: '0 22 * * *',
    duration: '8h',
    timeZone: 'Europe/Berlin',
  });
  await loop.stop();
});

test('bad files are answered with Invalid and hold up no other run', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository, undefined, { cluster: 'c1', runs: { initial: 'execute' } });
  await store.create({ metadata: { namespace: 'nodeop-system', name: 'taken' }, spec: {} });
  const aliases = `a: &a x\nb: [${'*a, '.repeat(10_000)}]\n`;
  const bad: Record<string, [string | Uint8Array, RegExp]> = {
    'yaml.yaml': ['a: [', /not YAML/],
    'several.yaml': [`${nodeOp('a')}---\n${nodeOp('b')}`, /2 documents/],
    'kind.yaml': [nodeOp('x').replace('kind: NodeOp', 'kind: NodeOps'), /did you mean/],
    'field.yaml': [nodeOp('x', '  cordn: true\n'), /did you mean "cordon"[^]*line: 8/],
    'missing.yaml': [
      nodeOp('x').replace('  image: busybox\n', ''),
      /path: spec.image\n +message: is required/,
    ],
    'selector.yaml': [nodeOp('x', '  nodeSelector: {matchLabels: {"a b": c}}\n'), /nodeSelector.matchLabels/],
    'unknown.yaml': [nodeOpRun('  nodeOp: upgrad\n'), /did you mean "upgrade"/],
    'override.yaml': [
      nodeOpRun('  nodeOp: upgrade\n  overrides: {concurrency: -1}\n'),
      /spec.overrides.concurrency/,
    ],
    'window.yaml': [
      nodeOpRun('  nodeOp: upgrade\n  window: {schedule: 0 0 30 2 *, duration: 0s, timeZone: Mars}\n'),
      /never comes[^]*longer than nothing[^]*time zone/,
    ],
    'clash.yaml': [nodeOp('taken'), /NameClash/],
    'big.yaml': ['x'.repeat(5_000_000), /too large/],
    'aliases.yaml': [aliases, /alias/],
    'latin1.yaml': [Uint8Array.from([0xff, 0xfe, 0x41]), /UTF-8/],
    'empty.yaml': ['', /empty/],
    'with space, ü\nand newline.yaml': ['[]', /expected a document/],
  };
  repository.write({ 'nodeops/u.yaml': nodeOp('upgrade') });
  repository.write(Object.fromEntries(Object.entries(bad).map(([name, [text]]) => [`runs/${name}`, text])));
  symlinkSync('/etc/passwd', join(repository.clone, 'runs/link.yaml'));
  repository.push({ 'runs/zz good.yaml': `\uFEFF${nodeOp('good').replaceAll('\n', '\r\n')}` });
  await loop.pollNow();
  await loop.pollNow();
  for (const [name, [, expected]] of Object.entries(bad)) {
    const report = repository.read(`results/c1/${name}`);
    expect({ name, report }).toEqual({ name, report: expect.stringContaining('phase: Invalid') });
    expect({ name, report }).toEqual({ name, report: expect.stringMatching(expected) });
  }
  expect(repository.read('results/c1/link.yaml')).toMatch(/symbolic link/);
  expect(store.list().map((it) => it.metadata.name)).toEqual(['taken', 'good']);
});
