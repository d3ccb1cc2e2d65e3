import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { FORMS, NIGHTLY, Place } from './results-place.ts';
import { nodeOp, silent } from './support.ts';

test.each(FORMS)(
  'results in %s: agents of several clusters begin it at the same time and lose nothing',
  async (form) => {
    using place = new Place(form);
    place.repository.push({ 'README.md': 'x' });
    const agents = Array.from({ length: 6 }, (_, i) =>
      place.agent(undefined, { cluster: `c${i}`, dir: `c${i}.git` }),
    );
    await Promise.all(agents.map(({ loop }) => loop.pollNow()));
    place.repository.push({ 'runs/a.yaml': nodeOp('a') });
    await Promise.all(agents.map(({ loop }) => loop.pollNow()));
    for (const { store } of agents) store.finish('Completed');
    await Promise.all(agents.map(({ loop }) => loop.pollNow()));
    for (const [i, { loop }] of agents.entries()) {
      expect(loop.state().problem).toBeUndefined();
      expect(place.read(`results/c${i}/.baseline.yaml`)).toContain('runs: []');
      expect(place.read(`results/c${i}/a.yaml`)).toContain('phase: Completed');
    }
    const roots = place.repository.git(place.bare, 'rev-list', '--max-parents=0', place.branch);
    expect(roots.trim().split('\n'), 'one beginning').toHaveLength(1);
  },
);

test.each(FORMS)('results in %s: its history is rewritten, and goes on', async (form) => {
  using place = new Place(form);
  const { repository } = place;
  const { loop, store } = place.agent();
  repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  const tree = repository.git(place.bare, 'rev-parse', `${place.branch}^{tree}`).trim();
  const fresh = repository.git(place.bare, 'commit-tree', '-m', 'squashed', tree).trim();
  repository.git(place.bare, 'update-ref', `refs/heads/${place.branch}`, fresh);
  repository.git(place.bare, 'gc', '-q', '--prune=now');
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(place.read('results/a.yaml')).toContain('phase: Completed');
  expect(store.creations).toBe(1);
});

test.each(FORMS)(
  'results in %s are deleted: nothing begins, people can stop what runs, until they are back',
  async (form) => {
    using place = new Place(form);
    const { repository } = place;
    const { loop, store } = place.agent(undefined, { runs: { initial: 'execute', maxConcurrent: 5 } });
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    store.finish('Completed');
    await loop.pollNow();
    repository.push({ 'runs/b.yaml': nodeOp('b') });
    await loop.pollNow();
    const tip = place.ref();
    store.objects.delete('nodeop-system/a');
    repository.git(place.bare, 'update-ref', '-d', `refs/heads/${place.branch}`);

    repository.push({ 'runs/c.yaml': nodeOp('c') });
    repository.remove('runs/b.yaml');
    await loop.pollNow();
    await loop.pollNow();
    expect(loop.state().problem).toMatch(/with the results is gone: no run is started/);
    expect(store.creations, 'neither the new run nor the one that is over').toBe(2);
    const running = store.objects.get('nodeop-system/b');
    expect(running?.metadata.annotations).toHaveProperty([ANNOTATION_CANCEL]);

    repository.git(place.bare, 'update-ref', `refs/heads/${place.branch}`, tip);
    await loop.pollNow();
    expect(loop.state().problem).toBeUndefined();
    expect(store.list().map((it) => it.metadata.name)).toEqual(['b', 'c']);
    await loop.stop();
  },
);

test('the repository of the results is away: nothing begins, people can stop what runs, nothing is lost', async () => {
  using place = new Place('a repository');
  const { repository } = place;
  const { loop, store } = place.agent(undefined, { runs: { maxConcurrent: 5 } });
  repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  renameSync(place.bare, `${place.bare}.away`);
  repository.push({ 'runs/a.yaml': nodeOp('a', '  suspend: true\n'), 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  await loop.pollNow();
  expect(loop.state().problem).toContain('results.git');
  expect(store.list().map(({ metadata, spec }) => [metadata.name, spec.suspend])).toEqual([['a', true]]);
  renameSync(`${place.bare}.away`, place.bare);
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(place.read('results/a.yaml')).toContain('phase: Completed');
  expect(place.read('results/b.yaml')).toContain('phase: Pending');
  await loop.stop();
});

test('an agent that starts while the results are away does nothing until it knows them', async () => {
  using place = new Place('a repository');
  const { loop, store } = place.agent(undefined, { runs: { initial: 'execute' } });
  place.repository.push({ 'runs/a.yaml': nodeOp('a') });
  renameSync(place.bare, `${place.bare}.away`);
  await loop.pollNow();
  expect(store.creations).toBe(0);
  renameSync(`${place.bare}.away`, place.bare);
  await loop.pollNow();
  expect(store.creations).toBe(1);
  await loop.stop();
});

test.each(FORMS)('results in %s: the clone is lost in mid-flight', async (form) => {
  using place = new Place(form);
  const { repository } = place;
  const { loop, store, config } = place.agent();
  repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  rmSync(join(config.git.dir, 'objects'), { recursive: true });
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  for (let i = 0; i < 3; i += 1) await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(place.read('results/a.yaml')).toContain('phase: Pending');
  expect(store.creations).toBe(1);
});

test('a branch of the runs that takes no pushes keeps scheduled runs out, and nothing else', async () => {
  using place = new Place('a repository');
  const { repository } = place;
  repository.date = '2030-01-01T00:00:00Z';
  repository.push({ 'nodeops/u.yaml': nodeOp('upgrade'), 'nodeops/nightly.yaml': NIGHTLY });
  const hook = join(repository.bare, 'hooks/pre-receive');
  let now = new Date('2030-01-01T01:00:00Z');
  const { store, config } = place.agent();
  const loop = new RepositoryLoop({ config, store, logger: silent, now: () => now });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  writeFileSync(hook, '#!/bin/sh\necho protected >&2; exit 1\n');
  chmodSync(hook, 0o755);
  now = new Date('2030-01-01T03:00:01Z');
  await loop.pollNow();
  expect(loop.state().problem).toMatch(/protected/);
  expect(place.read('results/a.yaml')).toContain('phase: Pending');
  rmSync(hook);
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(place.read('results/scheduled/nightly-20300101T0300Z.yaml')).toContain('phase: Pending');
  await loop.stop();
});
