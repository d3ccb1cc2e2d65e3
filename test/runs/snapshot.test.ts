import { expect, test } from 'vitest';
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
