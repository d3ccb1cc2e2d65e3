import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { mirrorOf } from '../../src/git/mirror.ts';
import { FORMS, NIGHTLY, Place } from './results-place.ts';
import { MemoryStore, nodeOp, silent } from './support.ts';

test.each(FORMS)('results go to %s of their own; nothing is pushed to the runs', async (form) => {
  using place = new Place(form);
  const { repository } = place;
  const { loop, store } = place.agent();
  repository.push({ 'runs/old.yaml': nodeOp('old'), 'results/old.yaml': 'not where reports are' });
  await loop.pollNow();
  expect(place.read('results/.baseline.yaml')).toContain('runs/old.yaml');

  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const tip = repository.git(repository.bare, 'rev-parse', 'main');
  await loop.pollNow();
  expect(place.read('results/a.yaml')).toContain('phase: Pending');
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.state()).toMatchObject({ tip: tip.trim(), problem: undefined });
  expect(place.read('results/a.yaml')).toContain('phase: Completed');
  expect(place.read('results/README.md')).toContain('[a.yaml](a.yaml)');
  expect(place.read('runs/a.yaml'), 'a branch of its own holds results alone').toBeUndefined();
  expect(repository.git(repository.bare, 'rev-parse', 'main')).toBe(tip);
  expect(repository.read('results/a.yaml')).toBeUndefined();

  const again = place.agent(store, { dir: 'other.git' });
  store.objects.clear();
  repository.push({ 'runs/a.yaml': nodeOp('a', '  cordon: true\n') });
  const before = place.ref();
  await again.loop.pollNow();
  await again.loop.pollNow();
  expect(store.creations, 'what is over is known by the results alone').toBe(1);
  expect(place.ref(), 'without news there is no commit').toBe(before);
});

test.each(FORMS)('results in %s: scheduled runs are still added to the runs', async (form) => {
  using place = new Place(form);
  const { repository } = place;
  repository.date = '2030-01-01T00:00:00Z';
  repository.push({
    'nodeops/u.yaml': nodeOp('upgrade'),
    'nodeops/nightly.yaml': NIGHTLY,
  });
  let now = new Date('2030-01-01T01:00:00Z');
  const { store, config } = place.agent();
  const loop = new RepositoryLoop({ config, store, logger: silent, now: () => now });
  await loop.pollNow();
  now = new Date('2030-01-01T03:00:01Z');
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  const run = 'scheduled/nightly-20300101T0300Z.yaml';
  expect(repository.read(`runs/${run}`)).toContain('nodeOp: upgrade');
  expect(place.read(`results/${run}`)).toContain('phase: Pending');
  await loop.stop();
});

test('a branch of the same repository costs no fetch of its own', async () => {
  using place = new Place('a branch');
  const { config, loop } = place.agent();
  place.repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  const mirror = mirrorOf(config.git, new AbortController().signal);
  const talk = vi.spyOn(mirror.git, 'with');
  expect(await mirror.fetch()).toBeUndefined();
  const remote = ['fetch', 'ls-remote'];
  expect(talk.mock.calls.map(([, args]) => args[0] ?? '').filter((it) => remote.includes(it))).toEqual([
    'fetch',
  ]);
  expect(await mirror.results.tip()).toBe(place.ref());
});

test('a branch of its own begins with a signed commit where commits are signed', async () => {
  using place = new Place('a branch');
  const sshKeyFile = join(place.repository.root, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'agent', '-f', sshKeyFile]);
  const { config } = place.agent();
  const signed = { ...config, git: { ...config.git, signing: { sshKeyFile } } };
  const loop = new RepositoryLoop({ config: signed, store: new MemoryStore(), logger: silent });
  place.repository.push({ 'README.md': 'x' });
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  const commit = place.repository.git(place.bare, 'cat-file', 'commit', place.branch);
  expect(commit).toMatch(/^gpgsig -----BEGIN SSH SIGNATURE-----/m);
  expect(commit).not.toMatch(/^parent/m);
});
