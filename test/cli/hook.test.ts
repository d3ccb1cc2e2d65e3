import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';

/** The hook that `init` lays out, run by git itself. */

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let top: string;
let dir: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'nodeop-hook-'));
  dir = join(top, 'op erations');
  mkdirSync(join(top, 'tmp'));
  const identity = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@x',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@x',
  };
  env = { PATH: process.env['PATH'], HOME: top, TMPDIR: join(top, 'tmp'), ...identity };
  // Says what it is asked to look at, and takes no fault well.
  program(
    'quick',
    'shift 3; [ "$1" = -- ] && shift; for it; do echo "$it: $(cat "$it" 2>/dev/null | tr -d "\\0")"; done; ! grep -rq FAULT "$@"',
  );
  env['NODEOP_AGENT'] = join(top, 'quick');
  await cli(['init', dir, '--ci', 'none']);
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'core.hooksPath', '.githooks');
});
afterEach(() => rmSync(top, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(top, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(top, name), 0o755);
}

const git = (...args: string[]) => gitAt(dir, ...args);

function gitAt(cwd: string, ...args: string[]): { isDone: boolean; said: string } {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8' });
  return { isDone: status === 0, said: stdout + stderr };
}

function commit(...files: string[]): { isDone: boolean; said: string } {
  git('add', ...(files.length === 0 ? ['.'] : files));
  return git('commit', '-qm', 'a commit');
}

function write(path: string, content: string | Uint8Array, folder = dir): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

test('with the command itself: what init lays out passes in the very first commit, a mistake does not, with its place', () => {
  program('nodeop-agent', `exec '${process.execPath}' '${MAIN}' "$@"`);
  env['NODEOP_AGENT'] = undefined;
  env['PATH'] = `${top}:${env['PATH']}`;
  expect(commit()).toEqual({ isDone: true, said: '5 files checked, 0 problems\n' });
  const run = (name: string) =>
    `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: ${name}\n`;
  write('runs/new run.yaml', run('helo'));
  write('runs/binary.yaml', Buffer.from([0, 255, 1, 254]));
  symlinkSync('2030-01-01-hello.yaml', join(dir, 'runs/link.yaml'));
  const refused = commit();
  expect(refused.isDone).toBe(false);
  expect(refused.said).toContain(
    'runs/new run.yaml:4:3: spec.nodeOp: no definition is named "helo"; did you mean "hello"?',
  );
  expect(refused.said).toContain('runs/binary.yaml:1:1: file is not valid UTF-8');
  expect(refused.said).toContain('runs/link.yaml:1:1: is a symbolic link; run files must be plain files');
  expect(git('commit', '--no-verify', '-qm', 'all the same').isDone).toBe(true);
});

test('what is staged counts, not what lies in the folder; definitions too', () => {
  write('runs/a.yaml', 'FAULT');
  git('add', '.');
  write('runs/a.yaml', 'fine');
  expect(git('commit', '-m', 'a')).toMatchObject({
    isDone: false,
    said: expect.stringContaining('runs/a.yaml: FAULT') as string,
  });
  git('add', '.');
  write('runs/a.yaml', 'FAULT');
  rmSync(join(dir, 'nodeops/hello.yaml'));
  expect(git('commit', '-qm', 'a').isDone).toBe(true);
  program('quick', 'ls nodeops');
  write('runs/b.yaml', '');
  git('rm', '-q', 'nodeops/clean-disk.yaml');
  expect(commit('runs/b.yaml').said).toBe('hello.yaml\npush-file.yaml\nrenew-certificates.yaml\n');
});

test('spaces, quotes, line breaks and letters of all kinds in names', () => {
  commit();
  const names = ['a b', "it's", 'ünï "q" $(touch x) `y`', '-dash', 'two\nlines', 'deep/er/x'].map(
    (it) => `runs/${it}.yaml`,
  );
  for (const name of [...names, 'runs/UPPER.YML']) write(name, 'fine');
  const { isDone, said } = commit();
  expect(isDone).toBe(true);
  for (const name of [...names, 'runs/UPPER.YML']) expect(said).toContain(`${name}: fine\n`);
});

test('a file that is renamed is looked at, one that is deleted is not, nor what is no run file', () => {
  write('runs/old name.yaml', 'fine');
  write('runs/gone.yaml', 'FAULT');
  env['NODEOP_AGENT'] = 'true';
  commit();
  env['NODEOP_AGENT'] = join(top, 'quick');
  git('mv', 'runs/old name.yaml', 'runs/new name.yaml');
  git('rm', '-q', 'runs/gone.yaml');
  write('runs/picture.png', Buffer.from('FAULT'));
  write('elsewhere/any.yaml', 'FAULT');
  expect(commit()).toEqual({ isDone: true, said: 'runs/new name.yaml: fine\n' });
});

test('in a worktree beside, from a folder below, and with the files named to the commit', () => {
  commit();
  const beside = join(top, 'beside');
  git('worktree', 'add', '--quiet', beside, '-b', 'topic');
  write('runs/wrong.yaml', 'FAULT', beside);
  gitAt(beside, 'add', '.');
  expect(gitAt(join(beside, 'runs'), 'commit', '-m', 'wrong')).toMatchObject({
    isDone: false,
    said: 'runs/wrong.yaml: FAULT\n',
  });
  write('runs/good.yaml', 'fine', beside);
  gitAt(beside, 'add', '.');
  expect(gitAt(beside, 'commit', '-qm', 'good', '--', 'runs/good.yaml')).toEqual({
    isDone: true,
    said: 'runs/good.yaml: fine\n',
  });
  // Nothing of it is left behind.
  expect(readdirSync(join(top, 'tmp'))).toEqual([]);
  // What was staged besides is still there, and still wrong.
  expect(gitAt(beside, 'commit', '-m', 'rest').isDone).toBe(false);
  write('runs/wrong.yaml', 'mended', beside);
  expect(gitAt(beside, 'commit', '-qam', 'all').isDone).toBe(true);
});

test('a commit of other files starts nothing; without the command that is said, and CI is left to check', () => {
  env['NODEOP_AGENT'] = 'no-such-command';
  expect(commit()).toEqual({
    isDone: true,
    said: 'no-such-command is not there: run files and definitions are not checked\n',
  });
  write('README.md', 'other');
  expect(commit()).toEqual({ isDone: true, said: '' });
});
