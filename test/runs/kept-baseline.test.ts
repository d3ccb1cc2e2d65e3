import { describe, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import type { LedgerPart } from '../../src/core/runs/ledger.ts';
import { sshKey, signAs, writeKeys } from '../trust/support.ts';
import { carryOut, MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from './support.ts';

function agent(repository: TestRepository, changes: object, store = new MemoryStore()) {
  const warnings: string[] = [];
  const logger = {
    ...silent,
    child: () => logger,
    warn: (_: object, message: string) => warnings.push(message),
  };
  return { loop: new RepositoryLoop({ config: repository.config(changes), store, logger }), store, warnings };
}

const started = ({ store }: { store: MemoryStore }) => store.list().map(({ metadata }) => metadata.name);

describe('run files that people took out of the baseline are passed over all the same', () => {
  test.each([
    ['by the agent that was there', false],
    ['by one that comes later', true],
  ])('%s', async (_, comesLater) => {
    using repository = new TestRepository();
    const ada = sshKey(repository, 'ada');
    signAs(repository, ada.file);
    repository.push({ 'runs/old.yaml': nodeOp('old') });
    const verify = { allowedSignersFile: writeKeys(repository, 'allowed', ada.allowed) };
    const changes = { git: { verify }, runs: { maxConcurrent: 9 } };
    let it = agent(repository, changes);
    await it.loop.pollNow();
    const baseline = repository.read('results/.baseline.yaml') ?? '';
    expect(baseline).toContain('runs/old.yaml');
    if (comesLater) {
      await it.loop.stop();
      it = agent(repository, changes, it.store);
    }

    signAs(repository);
    repository.push({ 'results/.baseline.yaml': baseline.replace(/runs:[^]*/, 'runs: []\n') });
    await it.loop.pollNow();
    expect(repository.read('results/.baseline.yaml')).toBe(baseline);
    // Taken out, and away with the file itself.
    repository.push({ 'results/.baseline.yaml': baseline.replace(/runs:[^]*/, 'runs: []\n') });
    repository.remove('results/.baseline.yaml');
    signAs(repository, ada.file);
    repository.push({ 'runs/new.yaml': nodeOp('new') });
    await it.loop.pollNow();
    await it.loop.pollNow();
    expect(started(it)).toEqual(['new']);
    expect(repository.read('results/.baseline.yaml')).toBe(baseline);
    expect(it.warnings).toContain('run files were taken out of the baseline file; they are put back');
    const commits = repository.commits();
    await it.loop.pollNow();
    expect(repository.commits()).toBe(commits);
    await it.loop.stop();
  });
});

describe('a cluster of another name begins nothing that was there before', () => {
  const later = nodeOpRun('  nodeOp: d\n  notBefore: "2090-01-01T00:00:00Z"\n');
  const sooner = nodeOpRun('  nodeOp: d\n  notBefore: "2020-01-01T00:00:00Z"\n');

  test.each([
    ['it gets another one', { cluster: 'berlin' }, { cluster: 'hamburg' }],
    [
      'everything is carried out at first contact',
      { runs: { initial: 'execute' } },
      { cluster: 'berlin', runs: { initial: 'execute' } },
    ],
    ['its reports lie elsewhere', {}, { git: { paths: { results: 'reports' } } }],
    ['from the record of a former version', {}, { cluster: 'berlin' }],
  ])('%s', async (what, before, after) => {
    using repository = new TestRepository();
    repository.push({ 'nodeops/d.yaml': nodeOp('d') });
    // Passed over at first contact, but where everything is carried out.
    repository.push({ 'runs/old.yaml': nodeOp('old') });
    const first = agent(repository, before);
    await first.loop.pollNow();
    first.store.finish('Completed');
    await first.loop.pollNow();
    await carryOut(repository, first, 'done');
    // It began, and nothing is left of it in the cluster; moved, it is over as well.
    first.store.objects.clear();
    repository.pull();
    repository.git(repository.clone, 'mv', 'runs/done.yaml', 'runs/moved.yaml');
    repository.push({
      'runs/late.yaml': nodeOpRun('  nodeOp: d\n  notAfter: "2020-01-01T00:00:00Z"\n'),
      'runs/waits.yaml': later,
    });
    await first.loop.pollNow();
    await first.loop.stop();
    if (what.includes('former')) forgetFolders(first.store);

    repository.push({ 'runs/new.yaml': nodeOp('new'), 'runs/late.yaml': nodeOp('late') });
    const second = agent(
      repository,
      { ...after, runs: { maxConcurrent: 9, ...('runs' in after && after.runs) } },
      first.store,
    );
    await second.loop.pollNow();
    await second.loop.pollNow();
    expect(started(second)).toEqual(['new']);
    // What waited there waits here.
    repository.push({ 'runs/waits.yaml': sooner });
    await second.loop.pollNow();
    expect(started(second)).toEqual(['new', expect.stringMatching(/^(?:d|waits)/)]);
    await second.loop.stop();

    if (!what.includes('another one')) return;
    // Back again it knows what began here.
    second.store.finish('Completed');
    second.store.objects.clear();
    const third = agent(repository, before, second.store);
    await third.loop.pollNow();
    await third.loop.pollNow();
    expect(started(third)).toEqual([]);
    await third.loop.stop();
  });

  test('however many waited there wait here', async () => {
    using repository = new TestRepository();
    repository.push({ 'nodeops/d.yaml': nodeOp('d') });
    const first = agent(repository, { cluster: 'berlin' });
    await first.loop.pollNow();
    const waiting = Array.from({ length: 260 }, (_, i) => `runs/waits-${i}.yaml`);
    repository.push(Object.fromEntries(waiting.map((path) => [path, later])));
    await first.loop.pollNow();
    await first.loop.pollNow();
    await first.loop.stop();
    repository.push({ 'runs/old.yaml': later });
    const second = agent(repository, { cluster: 'hamburg' }, first.store);
    await second.loop.pollNow();
    await second.loop.stop();
    const passedOver = repository.read('results/hamburg/.baseline.yaml') ?? '';
    expect(passedOver).not.toContain('runs/waits');
    repository.pull();
    const reports = repository.git(repository.clone, 'grep', '-l', 'phase: Waiting', '--', 'results/hamburg');
    expect(reports.trim().split('\n').length).toBeGreaterThanOrEqual(waiting.length);
  });

  /** As a version before this one left it. */
  function forgetFolders(store: MemoryStore): void {
    const head = store.ledger.parts.get('head') as LedgerPart;
    const { folders: _, ...data } = head.data;
    store.ledger.parts.set('head', { ...head, data });
  }
});

test('run files in another folder are those that were there, and begin nothing', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/old.yaml': nodeOp('old') });
  const first = agent(repository, {});
  await first.loop.pollNow();
  await carryOut(repository, first, 'done');
  await first.loop.stop();
  first.store.objects.clear();
  repository.pull();
  repository.git(repository.clone, 'mv', 'runs', 'ops');
  repository.push({});
  const second = agent(repository, { git: { paths: { runs: 'ops' } } }, first.store);
  await second.loop.pollNow();
  repository.push({ 'ops/new.yaml': nodeOp('new') });
  await second.loop.pollNow();
  await second.loop.pollNow();
  expect(started(second)).toEqual(['new']);
  await second.loop.stop();
});
