import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';

/** Settings of git in the home folder of the agent's user, where an image or a person has put some. */

let home: string;
let before: string | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nodeop-home-'));
  before = process.env['HOME'];
  process.env['HOME'] = home;
});

afterEach(() => {
  process.env['HOME'] = before;
  rmSync(home, { recursive: true });
});

const SETTINGS: Record<string, Record<string, string>> = {
  core: { hooksPath: 'HOOKS', quotePath: 'true', autocrlf: 'true', abbrev: '4' },
  color: { ui: 'always' },
  log: {
    showRoot: 'false',
    showSignature: 'true',
    follow: 'true',
    decorate: 'full',
    abbrevCommit: 'true',
    date: 'relative',
  },
  diff: { renames: 'copies', noprefix: 'true', ignoreSubmodules: 'all', orderFile: '/nonexistent' },
  i18n: { logOutputEncoding: 'latin1', commitEncoding: 'latin1' },
  fetch: { prune: 'true', all: 'true', recurseSubmodules: 'true', writeCommitGraph: 'true' },
  push: { default: 'nothing', gpgSign: 'true', followTags: 'true' },
  commit: { gpgSign: 'true' },
  submodule: { recurse: 'true' },
  alias: { log: '!false', fetch: '!false', push: '!false' },
};

function settings(): string {
  const hooks = join(home, 'hooks');
  mkdirSync(hooks);
  for (const hook of ['reference-transaction', 'pre-push', 'post-checkout'])
    writeFileSync(join(hooks, hook), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const sections = Object.entries(SETTINGS).map(([section, it]) => {
    const lines = Object.entries(it).map(([key, value]) => `\t${key} = ${value.replace('HOOKS', hooks)}\n`);
    return `[${section}]\n${lines.join('')}`;
  });
  return sections.join('');
}

test.each([
  ['are there', undefined],
  ['are included for every clone', 'gitdir:/'],
  ['are included for every branch', 'onbranch:**'],
])('they change nothing of what is read and written when they %s', async (_, condition) => {
  using repository = new TestRepository();
  repository.push({ 'runs/ä.yaml': nodeOp('a') }, 'Ärger');
  // What the host does is its own affair, also when it is a folder on this machine.
  repository.git(repository.bare, 'config', 'core.hooksPath', join(repository.bare, 'hooks'));
  writeFileSync(join(home, 'settings'), settings());
  const includes = condition === undefined ? '[include]' : `[includeIf "${condition}"]`;
  writeFileSync(join(home, '.gitconfig'), `${includes}\n\tpath = ${join(home, 'settings')}\n`);
  const store = new MemoryStore();
  const said: string[] = [];
  const say = (fields: object, text: string) => said.push(`${text} ${JSON.stringify(fields)}`);
  const logger = { ...silent, warn: say, error: say, child: () => logger };
  const loop = new RepositoryLoop({
    config: repository.config({ runs: { initial: 'execute' } }),
    store,
    logger,
  });
  await loop.pollNow();
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  await loop.stop();
  expect(said).toEqual([]);
  expect(store.list()).toHaveLength(1);
  expect(repository.read('results/ä.yaml')).toMatch(/author: Ada <ada@example\.org>/);
  expect(repository.git(repository.bare, 'log', '-1', '--format=%e', 'main').trim()).toBe('');
});
