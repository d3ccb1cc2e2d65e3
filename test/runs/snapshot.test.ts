import { describe, expect, test, vi } from 'vitest';
import { KnownFiles } from '../../src/agent/repository/known-files.ts';
import { SnapshotReader } from '../../src/agent/repository/snapshot-reader.ts';
import { branchWith } from '../git/support/mirror.ts';
import { expectSame } from './same-snapshot.ts';
import { nodeOp, TestRepository } from './support.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results' };

const report = (path: string, phase: string, blob = '1'.repeat(40)) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata:
  name: x
run:
  path: ${path}
  blob: '${blob}'
status:
  phase: ${phase}
`;

test('a tip read as what differs from the one before is the same as the tip read as a whole', async () => {
  using repository = new TestRepository();
  // Of a clone that lacks contents git throws nothing away, so an old tip would not go.
  repository.git(repository.bare, 'config', 'uploadpack.allowFilter', 'false');
  const mirror = branchWith(repository);
  const reader = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
  const see = async () => {
    const tip = (await mirror.fetch()) ?? '';
    const snapshot = await reader.read({ runs: tip, results: tip });
    const other = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
    expectSame(await other.read({ runs: tip, results: tip }), snapshot);
    return snapshot;
  };

  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/sub/b.yaml': nodeOp('b'), 'other/c.yaml': 'c' });
  expect([...(await see()).open]).toEqual(['runs/a.yaml', 'runs/sub/b.yaml']);

  repository.push({ 'nodeops/d.yaml': nodeOp('d'), 'results/a.yaml': report('runs/a.yaml', 'Running') });
  const running = await see();
  expect([...running.open]).toContain('runs/a.yaml');
  expect([...running.unfinished]).toEqual(['results/a.yaml']);
  expect(running.definitions.map(({ path }) => path)).toEqual(['nodeops/d.yaml']);

  repository.push({ 'results/a.yaml': report('runs/a.yaml', 'Completed') });
  const over = await see();
  expect(over.reports.get('results/a.yaml')?.standing).toBe('over');
  expect(over.newest.all()).toEqual([['results/a.yaml', expect.objectContaining({ phase: 'Completed' })]]);
  expect([...over.open]).toEqual(['runs/sub/b.yaml']);
  expect(over.reports.get('results/a.yaml')?.report, 'no more is kept of what is over').toBeUndefined();

  repository.push({ 'results/sub/b.yaml': report('runs/sub/b.yaml', 'Invalid') });
  expect([...(await see()).open], 'invalid for another content').toEqual(['runs/sub/b.yaml']);
  const blob = repository.git(repository.clone, 'rev-parse', 'HEAD:runs/sub/b.yaml').trim();
  repository.push({ 'results/sub/b.yaml': report('runs/sub/b.yaml', 'Invalid', blob) });
  expect([...(await see()).open]).toEqual([]);
  repository.push({ 'runs/sub/b.yaml': nodeOp('better') });
  expect([...(await see()).open]).toEqual(['runs/sub/b.yaml']);

  const baseline =
    'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\nruns:\n  - runs/sub/b.yaml\n';
  repository.push({ 'results/.baseline.yaml': baseline });
  expect([...(await see()).open], 'passed over').toEqual([]);
  repository.push({ 'results/.baseline.yaml': baseline.replace('runs:\n  - runs/sub/b.yaml', 'runs: []') });
  expect([...(await see()).open], 'not any more').toEqual(['runs/sub/b.yaml']);
  repository.push({ 'results/.baseline.yaml': baseline });

  repository.push({ 'results/a.yaml': 'not a report: [\n' });
  expect([...(await see()).open], 'unreadable').toEqual([]);

  repository.remove('runs/a.yaml');
  repository.remove('nodeops/d.yaml');
  expect((await see()).definitions).toEqual([]);

  repository.git(repository.clone, 'checkout', '-q', '--orphan', 'anew');
  repository.git(repository.clone, 'commit', '-q', '-m', 'history is rewritten');
  repository.git(repository.clone, 'push', '-q', '--force', 'origin', 'HEAD:main');
  repository.git(mirror.git.dir, 'gc', '-q', '--prune=now');
  const anew = await see();
  expect([...anew.runs.present()].map(([path]) => path)).toEqual(['runs/sub/b.yaml']);
});

test('files that nobody has looked up are not taken for missing', () => {
  const files = new KnownFiles<string>();
  files.learn('a', '1');
  files.learn('a', '2');
  files.learn('b', undefined);
  expect(files.get('a')).toBe('1');
  expect(files.has('b')).toBe(false);
  expect(() => files.has('c')).toThrow('it is not known whether there is a file c');
  files.complete();
  files.set('a', undefined);
  expect([files.has('a'), files.has('b'), files.has('c')]).toEqual([false, false, false]);
  files.set('c', '3');
  expect([...files.present()]).toEqual([['c', '3']]);
});

describe('a start', () => {
  async function started(files: Record<string, string>) {
    const repository = new TestRepository();
    repository.push(files);
    const mirror = branchWith(repository);
    const tip = (await mirror.fetch()) ?? '';
    const git = vi.spyOn(mirror.git, 'stream');
    const reader = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
    const snapshot = await reader.read({ runs: tip, results: tip });
    git.mockClear();
    return { repository, mirror, reader, snapshot, git };
  }
  const settled = {
    'runs/sub/a.yaml': nodeOp('a'),
    'results/sub/a.yaml': report('runs/sub/a.yaml', 'Completed'),
  };

  test('knows of a run that is over when it is asked for, and asks git once', async () => {
    const { repository, reader, snapshot, git } = await started(settled);
    using _ = repository;
    expect([...snapshot.open]).toEqual([]);
    expect(snapshot.runs.isKnown('runs/sub/a.yaml')).toBe(false);
    await reader.lookUp.runs(snapshot, ['runs/sub/a.yaml', 'runs/b.yaml', 'runs/sub']);
    expect(snapshot.runs.get('runs/sub/a.yaml')?.mode).toBe('100644');
    expect(snapshot.reports.get('results/sub/a.yaml')?.standing).toBe('over');
    expect([snapshot.runs.has('runs/b.yaml'), snapshot.runs.has('runs/sub')]).toEqual([false, false]);
    const asked = git.mock.calls.length;
    await reader.lookUp.runs(snapshot, ['runs/sub/a.yaml', 'runs/b.yaml', 'runs/sub']);
    expect(git.mock.calls.length).toBe(asked);
  });

  test.each([
    '',
    '.',
    '../x',
    'runs/../../x',
    'runs//a.yaml',
    '/etc/passwd',
    'runs/a\0b',
    `runs/${'x'.repeat(5000)}`,
  ])('finds nothing at what is no path of a tree: %j', async (path) => {
    const { repository, reader, snapshot } = await started(settled);
    using _ = repository;
    await reader.lookUp.runs(snapshot, [path, 'runs/sub/a.yaml']);
    expect(snapshot.runs.has(path)).toBe(false);
    expect(snapshot.runs.has('runs/sub/a.yaml')).toBe(true);
  });

  test('finds a run file that is named like a file of the agent that is there', async () => {
    const { repository, snapshot } = await started({
      'runs/.checkpoint.yaml': nodeOp('a'),
      'results/.checkpoint.yaml': 'x',
    });
    using _ = repository;
    expect([...snapshot.open]).toEqual(['runs/.checkpoint.yaml']);
  });

  test('that knew nothing of a run notices that file and report of it go together', async () => {
    const { repository, reader, mirror } = await started(settled);
    using _ = repository;
    repository.pull();
    repository.git(repository.clone, 'rm', '-q', '-r', 'runs', 'results');
    repository.push({ 'other.yaml': '' });
    const tip = (await mirror.fetch()) ?? '';
    const { begun, over, open } = await reader.read({ runs: tip, results: tip });
    expect({ begun: [...begun], over, open: [...open] }).toEqual({
      begun: ['runs/sub/a.yaml'],
      over: 0,
      open: [],
    });
  });

  test('lists everything when very many are asked for', async () => {
    const { repository, reader, snapshot } = await started(settled);
    using _ = repository;
    await reader.lookUp.runs(
      snapshot,
      Array.from({ length: 600 }, (_each, i) => `runs/${i}.yaml`),
    );
    expect(snapshot.runs.isComplete).toBe(true);
    expect([...snapshot.runs.present()].map(([path]) => path)).toEqual(['runs/sub/a.yaml']);
    expect(snapshot.reports.get('results/sub/a.yaml')?.standing).toBe('over');
  });
});
