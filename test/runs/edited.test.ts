import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL, ANNOTATION_UID } from '../../src/api/labels.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const REPORT = 'results/op.yaml';

function agent(repository: TestRepository, store: MemoryStore, dir = 'agent.git', changes: object = {}) {
  const git = { dir: join(repository.root, dir) };
  const config = repository.config({ runs: { initial: 'execute' }, git, ...changes });
  return new RepositoryLoop({ config, store, logger: silent });
}

/** A run that failed on one of two nodes, and its report. */
async function failed(repository: TestRepository, store: MemoryStore) {
  const loop = agent(repository, store);
  repository.push({ 'runs/op.yaml': nodeOp('op') });
  await loop.pollNow();
  store.finish('Failed');
  await loop.pollNow();
  const report = repository.read(REPORT) ?? '';
  expect(report).toContain('  phase: Failed');
  return { loop, report };
}

/** What people make of it, by what they are after. */
const EDITS: [string, (report: string) => string][] = [
  ['as if never valid', (it) => it.replace('  phase: Failed', '  phase: Invalid')],
  [
    'as if another content had not been valid',
    (it) => it.replace('  phase: Failed', '  phase: Invalid').replace(/ {2}blob: \w+/, '  blob: abc'),
  ],
  ['as if all were well', (it) => it.replaceAll('phase: Failed', 'phase: Completed')],
  ['as if people had stopped it', (it) => it.replace('  phase: Failed', '  phase: Cancelled')],
  ['as if it went on', (it) => it.replace('  phase: Failed', '  phase: Running')],
  ['the verdict on a node', (it) => it.replace('      phase: Failed', '      phase: Completed')],
  ['an exit code', (it) => it.replace('exitCode: 3', 'exitCode: 0')],
  ['a time', (it) => it.replace(/ {2}finishedAt: .*/, "  finishedAt: '2031-01-01T00:00:00Z'")],
  ['what was executed', (it) => it.replace('image: busybox', 'image: harmless')],
  ['no nodes', (it) => it.slice(0, it.indexOf('  nodes:'))],
  ['no log', (it) => it.replace(/ {6}log: \|-\n(?: {8}.*\n)+/, '')],
  ['no status', (it) => it.slice(0, it.indexOf('status:'))],
  ['a field that nobody knows', (it) => `${it}approved: true\n`],
  ['not YAML', () => 'status: ['],
  ['nothing', () => ''],
];

describe('people edit the report of a run whose NodeOp is there', () => {
  test.each(EDITS)('%s: both a running agent and a fresh one put it right, once', async (_, edit) => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const { loop, report } = await failed(repository, store);
    const edited = edit(report);
    expect(edited).not.toBe(report);

    repository.push({ [REPORT]: edited });
    await loop.pollNow();
    expect(repository.read(REPORT)).toBe(report);
    const commits = repository.commits();
    await loop.pollNow();
    expect(repository.commits()).toBe(commits);
    await loop.stop();

    repository.push({ [REPORT]: edited });
    const fresh = agent(repository, store, 'fresh.git');
    await fresh.pollNow();
    expect(repository.read(REPORT)).toBe(report);
    await fresh.pollNow();
    expect(repository.commits()).toBe(commits + 2);
    await fresh.stop();
    expect(store.creations).toBe(1);
  });

  test('also where the run file is gone, and with a link in its place', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const { loop, report } = await failed(repository, store);
    repository.remove('runs/op.yaml');
    repository.push({
      [REPORT]: report.replace('  phase: Failed', '  phase: Invalid').replace(/ {2}blob: \w+\n/, ''),
    });
    await loop.pollNow();
    expect(repository.read(REPORT)).toBe(report);

    repository.pull();
    rmSync(join(repository.clone, REPORT));
    symlinkSync('README.md', join(repository.clone, REPORT));
    repository.push({});
    await loop.pollNow();
    expect(repository.git(repository.bare, 'ls-tree', 'main', REPORT)).toMatch(/^100644 /);
    expect(repository.read(REPORT)).toBe(report);
    await loop.stop();
  });

  test('each edit has one answer, and with the state of before there is nothing to answer', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const { loop, report } = await failed(repository, store);
    const before = repository.commits();
    for (let i = 1; i <= 3; i++) {
      repository.push({ [REPORT]: report.replace('  phase: Failed', '  phase: Completed') });
      await loop.pollNow();
      await loop.pollNow();
      expect(repository.commits()).toBe(before + 2 * i);
    }
    repository.push({ [REPORT]: `${report}# seen\n` }, 'note');
    repository.push({ [REPORT]: report }, 'take the note back');
    await loop.pollNow();
    await loop.pollNow();
    expect(repository.commits()).toBe(before + 8);
    expect(repository.read(REPORT)).toBe(report);
    await loop.stop();
  });

  test('a log that the pods do not have any more is that of the report before', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const { loop, report } = await failed(repository, store);
    await loop.stop();
    store.output = '';
    repository.push({ [REPORT]: 'gone' });
    const fresh = agent(repository, store, 'fresh.git');
    await fresh.pollNow();
    expect(repository.read(REPORT)).toBe(report);
    await fresh.stop();
  });

  test('what an agent wrote stays, though this one would put it otherwise', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const { loop } = await failed(repository, store);
    await loop.stop();
    const commits = repository.commits();
    // Its words are other ones now, and its run file was edited.
    for (const it of store.list())
      store.objects.set('nodeop-system/op', { ...it, spec: { ...it.spec, image: 'other' } });
    const fresh = agent(repository, store, 'fresh.git', { report: { interval: '0s', logLines: 0 } });
    await fresh.pollNow();
    repository.push({ 'runs/op.yaml': nodeOp('op', '  cordon: true\n') });
    await fresh.pollNow();
    expect(repository.commits()).toBe(commits + 1);
    await fresh.stop();
  });

  test('one that was removed with its NodeOp there stays the report of a run that is over', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const loop = agent(repository, store);
    await carryOut(repository, { loop, store }, 'op');
    const report = repository.read(REPORT) ?? '';
    store.objects.clear();
    const edited = report.replace('  phase: Completed', '  phase: Failed');
    repository.push({ [REPORT]: edited });
    await loop.pollNow();
    // Without a NodeOp nobody knows better.
    expect(repository.read(REPORT)).toBe(edited);
    expect(store.creations).toBe(1);
    await loop.stop();
  });
});

describe('people edit the report of a run that goes on', () => {
  test.each([
    ['Completed', (it: string) => it.replace(/^ {2}phase: \w+/m, '  phase: Completed')],
    ['Invalid', (it: string) => it.replace(/^ {2}phase: \w+/m, '  phase: Invalid')],
    ['nothing', () => ''],
  ])('as %s: it is followed all the same, and whoever removes its file stops it', async (_, edit) => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const loop = agent(repository, store);
    repository.push({ 'runs/op.yaml': nodeOp('op') });
    await loop.pollNow();
    const report = repository.read(REPORT) ?? '';
    repository.push({ [REPORT]: edit(report) });
    await loop.pollNow();
    expect(repository.read(REPORT)).toContain('  phase: Pending');
    repository.push({ [REPORT]: edit(report) });
    repository.remove('runs/op.yaml');
    await loop.pollNow();
    expect(store.list()[0]?.metadata.annotations?.[ANNOTATION_CANCEL]).toContain('was removed');
    store.finish('Failed');
    repository.push({ [REPORT]: edit(report) });
    await loop.pollNow();
    expect(repository.read(REPORT)).toContain('  phase: Failed');
    expect(store.creations).toBe(1);
    await loop.stop();
  });

  test('a NodeOp that waits for a word gets none by a report that says that its run is over', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const loop = agent(repository, store);
    repository.push({ 'runs/op.yaml': nodeOp('op') });
    await loop.pollNow();
    const [made] = store.list();
    if (!made) throw new Error('there is no NodeOp');
    const { [ANNOTATION_UID]: _, ...annotations } = made.metadata.annotations ?? {};
    store.objects.set('nodeop-system/op', { ...made, metadata: { ...made.metadata, annotations } });
    const report = repository.read(REPORT) ?? '';
    repository.push({ [REPORT]: report.replace(/^ {2}phase: \w+/m, '  phase: Completed') });
    await loop.pollNow();
    expect(store.list()[0]?.metadata.annotations?.[ANNOTATION_UID]).toBeUndefined();
    await loop.stop();
  });
});
