import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/cli/load-config.ts';
import { cli } from '../support/cli.ts';

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'nodeop-init-')), 'operations');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true }));

const files = () =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name).slice(dir.length + 1))
    .toSorted();

test('a new repository is valid as it is laid out, and its example can be planned', async () => {
  const url = "ssh://git@git.example.org/o'ps/nodes.git";
  const made = await cli(['init', dir, '--cluster', '007', '--url', url]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(files()).toEqual([
    '.githooks/pre-commit',
    '.github/CODEOWNERS',
    '.github/pull_request_template.md',
    '.github/workflows/node-operations.yaml',
    'README.md',
    'agent/007.yaml',
    'ci/plan-role.yaml',
    'nodeops/clean-disk.yaml',
    'nodeops/hello.yaml',
    'nodeops/push-file.yaml',
    'nodeops/renew-certificates.yaml',
    'runs/2030-01-01-hello.yaml',
    'schemas/agentconfig.json',
    'schemas/nodeop.json',
    'schemas/nodeoprun.json',
  ]);
  expect(await loadConfig(join(dir, 'agent/007.yaml'))).toMatchObject({ cluster: '007', git: { url } });
  expect(await cli(['validate', '--root', dir])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/(^|\n)5 files checked, 0 problems\n$/) as string,
  });
  const nodes = join(dir, '../nodes.json');
  writeFileSync(nodes, JSON.stringify({ kind: 'Node', metadata: { name: 'n1' }, status: {} }));
  const plan = await cli(
    ['plan', '--config', 'agent/007.yaml', '--nodes', nodes, 'runs/2030-01-01-hello.yaml'],
    {},
    dir,
  );
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/on cluster 007: 1 node in 0 batches, each: command/);
  expect(readFileSync(join(dir, '.github/workflows/node-operations.yaml'), 'utf8')).toContain(
    "NODEOP_CLUSTER: '007'",
  );
  expect(files().some((file) => readFileSync(join(dir, file), 'utf8').includes('{{cluster'))).toBe(false);
});

test('what is there already is kept, so that it can be run again', async () => {
  mkdirSync(dir);
  writeFileSync(join(dir, 'README.md'), 'mine');
  const first = await cli(['init', dir, '--ci', 'gitlab']);
  expect(first.stdout).toMatch(/^kept {3}.*README\.md$/m);
  expect(first.stdout).toMatch(/^added {2}.*\.gitlab-ci\.yml$/m);
  expect(readFileSync(join(dir, 'README.md'), 'utf8')).toBe('mine');
  const again = await cli(['init', dir, '--ci', 'gitlab']);
  expect(again.stdout).not.toMatch(/^added/m);
});

describe('in a clone that has hooks already', () => {
  beforeEach(() => mkdirSync(dir));
  const SWITCH = 'git config core.hooksPath .githooks';
  const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args], { env: gitEnv });
  const gitEnv = { PATH: process.env['PATH'], HOME: tmpdir(), GIT_CONFIG_NOSYSTEM: '1' };
  const hook = (path: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), '#!/bin/sh\n', { mode: 0o755 });
  };
  const init = async (folder = dir) => {
    const { stdout } = await cli(['init', folder, '-o', 'json']);
    return JSON.parse(stdout) as { next: string[]; message?: string };
  };

  test('a clone as git makes it has none', async () => {
    git('init', '--quiet');
    hook('.git/hooks/pre-commit.sample');
    const { next, message } = await init();
    expect([next.includes(SWITCH), message]).toEqual([true, undefined]);
  });

  test('those of the clone, of husky, and of the clone of a worktree are not switched off', async () => {
    git('init', '--quiet');
    hook('.git/hooks/pre-push');
    const first = await init();
    expect(first.next).not.toContain(SWITCH);
    expect(first.message).toContain('have the hook pre-commit there run "sh .githooks/pre-commit"');
    expect((await cli(['init', dir])).stdout).toContain('Git runs hooks of .git/hooks here');
    hook('.husky/_/pre-commit');
    git('config', 'core.hooksPath', '.husky/_');
    expect((await init()).message).toContain('.husky/_');
    git('config', 'core.hooksPath', '.githooks');
    const { next, message } = await init();
    expect([next.includes(SWITCH), message]).toEqual([false, undefined]);
    git('config', '--unset', 'core.hooksPath');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--allow-empty', '-m', 'x');
    git('worktree', 'add', '--quiet', '--detach', 'beside');
    expect((await init(join(dir, 'beside'))).message).toContain('.git/hooks');
  });
});

test('a folder that cannot be written, and a name no cluster can have, are refused', async () => {
  writeFileSync(join(dir, '../file'), '');
  const blocked = await cli(['init', join(dir, '../file')]);
  expect(blocked.code).toBe(2);
  expect(blocked.stderr).toMatch(/^cannot write .*file/);
  const named = await cli(['init', dir, '--cluster', 'Not A Name']);
  expect(named.code).toBe(2);
  expect(named.stderr).toContain('expected lower-case letters');
});

test('an example that was taken away does not come back: it would be a new run', async () => {
  await cli(['init', dir]);
  rmSync(join(dir, 'runs/2030-01-01-hello.yaml'));
  rmSync(join(dir, 'nodeops'), { recursive: true });
  const again = await cli(['init', dir, '--ci', 'gitlab']);
  expect(again.stdout).toMatch(/^left .*runs\/2030-01-01-hello\.yaml: the repository is in use/m);
  expect(again.stdout.match(/^left .*nodeops\//gm)).toHaveLength(4);
  expect(files()).toEqual([
    '.githooks/pre-commit',
    '.github/CODEOWNERS',
    '.github/pull_request_template.md',
    '.github/workflows/node-operations.yaml',
    '.gitlab-ci.yml',
    '.gitlab/CODEOWNERS',
    '.gitlab/merge_request_templates/Default.md',
    'README.md',
    'agent/example.yaml',
    'ci/plan-role.yaml',
    'schemas/agentconfig.json',
    'schemas/nodeop.json',
    'schemas/nodeoprun.json',
  ]);
});

test.each([
  ['github', '.github/CODEOWNERS', '/runs/ @ops/nodes ada@example.org'],
  ['gitlab', '.gitlab/CODEOWNERS', '/.gitlab-ci.yml @ops/nodes ada@example.org'],
  ['gitea', '.gitea/CODEOWNERS', '\\\\.githooks/.* @ops/nodes ada@example.org'],
])('code owners as %s reads them; without any the lines wait to be filled in', async (ci, file, line) => {
  await cli(['init', dir, '--ci', ci, '--owners', ' @ops/nodes  ada@example.org']);
  const lines = readFileSync(join(dir, file), 'utf8').split('\n');
  expect(lines).toContain(line);
  rmSync(join(dir, file));
  await cli(['init', dir, '--ci', ci]);
  const open = readFileSync(join(dir, file), 'utf8').trimEnd().split('\n');
  expect(open.filter((it) => !it.startsWith('#'))).toEqual([]);
  expect(open.length).toBe(lines.length - 1);
  const wrong = await cli(['init', dir, '--owners', 'ops; rm']);
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('expected names such as') as string,
  ]);
});

test('the template of pull requests and the workflow lie where Gitea looks for them', async () => {
  await cli(['init', dir, '--ci', 'gitea']);
  expect(files()).toEqual(
    expect.arrayContaining(['.gitea/pull_request_template.md', '.gitea/workflows/node-operations.yaml']),
  );
});

const kustomize = spawnSync('kubectl', ['kustomize', '--help']).status === 0;

test.each([
  ['ssh-key', 'git@git.example.org:ops/nodes.git'],
  ['https-token', 'https://git.example.org/ops/nodes.git'],
])('an installation is complete in itself: %s', async (overlay, url) => {
  const made = await cli(['init', '--install', dir, '--url', url, '--cluster', 'berlin']);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(await loadConfig(join(dir, 'agent.yaml'))).toMatchObject({ cluster: 'berlin', git: { url } });
  for (const file of files()) expect(readFileSync(join(dir, file), 'utf8'), file).not.toContain('../../');
  const again = await cli(['init', '--install', dir]);
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/^cannot write .*: it holds an installation already;/);
  if (!kustomize) return;
  const render = (folder: string) => execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
  const named = (text: string) =>
    text.replaceAll(/^ {4}(?:cluster|.*url): .*$|^ {4}# yaml-language-server: .*\n/gm, '');
  expect(named(render(dir))).toBe(named(render(join('manifests/overlays', overlay))));
});

test.each(['github', 'gitlab', 'gitea'])('what the files of init name is there, with %s', async (ci) => {
  await cli(['init', dir, '--ci', ci]);
  const install = join(dir, 'install');
  await cli(['init', '--install', install]);
  let schemas = 0;
  for (const file of files()) {
    const text = readFileSync(join(dir, file), 'utf8');
    const kind = /^apiVersion: (?:agent\.nodeop\.dev|operator\.kairos\.io)\//m.test(text);
    const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1];
    if (kind) expect(schema, file).toBeDefined();
    const linked = !file.endsWith('.md')
      ? []
      : [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((it) => it[1] ?? '');
    for (const name of [...(schema === undefined ? [] : [schema]), ...linked]) {
      schemas += 1;
      expect(existsSync(join(dir, file, '..', name)), `${file}: ${name}`).toBe(true);
    }
    for (const [name] of text.matchAll(/\b(?:examples|config|docs|ci)\/[\w./-]+\.(?:ya?ml|md)\b/g)) {
      // Those of the installation say whose they are.
      if (!file.startsWith('install/')) expect(existsSync(join(dir, name)), `${file}: ${name}`).toBe(true);
    }
  }
  expect(schemas).toBeGreaterThanOrEqual(7);
});
