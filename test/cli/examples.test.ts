import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';
import { nodeOp as byName, TestRepository } from '../runs/support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** With an image that raises no question. */
const nodeOp = (name: string, extra = '') =>
  byName(name, extra).replace('busybox', `busybox@sha256:${'0'.repeat(64)}`);
let sim: Sim;
let bin: string;
let tools: TestRepository;

beforeAll(async () => {
  sim = await startSim({ nodes: 2, script: () => ({ durationMs: 1 }) });
  tools = new TestRepository();
  // The jobs find the command by its name in the image.
  bin = join(tools.root, 'bin');
  mkdirSync(bin);
  const main = join(ROOT, 'src/main.ts');
  writeFileSync(join(bin, 'nodeop-agent'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(bin, 'nodeop-agent'), 0o755);
  writeFileSync(join(tools.root, 'kubeconfig'), sim.kubeconfig);
});

afterAll(async () => {
  await sim.stop();
  tools[Symbol.dispose]();
});

/** Runs a step's script as the CI would: by sh, with nothing in its environment but what it is given. */
function step(script: string, cwd: string, env: Record<string, string>) {
  const known = { PATH: `${bin}:${process.env['PATH']}`, HOME: tools.root, ...env };
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile('sh', ['-eu', '-c', script], { cwd, env: known }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** A pull request on a branch of its own, with the runs it adds. */
function pullRequest(runs: Record<string, string>): TestRepository {
  const repository = new TestRepository();
  repository.push({ 'nodeops/.keep': '', 'runs/old.yaml': nodeOp('old') });
  repository.git(repository.clone, 'switch', '-q', '-c', 'topic');
  repository.write(runs);
  repository.git(repository.clone, 'add', '-A');
  repository.git(repository.clone, 'commit', '-q', '-m', 'runs');
  return repository;
}

interface Job {
  steps: { name?: string; run?: string }[];
}

test('the GitHub workflow validates, plans and keeps one comment', async () => {
  const workflow = load(readFileSync(join(ROOT, 'examples/github/node-operations.yaml'), 'utf8')) as {
    jobs: { plan: Job };
  };
  const script = (name: string) => workflow.jobs.plan.steps.find((it) => it.name === name)?.run ?? '';
  const host = await GitHost.start('github');
  using repository = pullRequest({
    'runs/new run.yaml': nodeOp('new'),
    'runs/2030/second.yaml': nodeOp('second'),
  });
  const temp = join(repository.root, 'temp');
  mkdirSync(temp);
  const env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_API_URL: host.apiUrl,
    GITHUB_REPOSITORY: 'ops/nodes',
    GITHUB_REF: 'refs/pull/5/merge',
    GITHUB_BASE_REF: 'main',
    GITHUB_STEP_SUMMARY: join(temp, 'summary.md'),
    RUNNER_TEMP: temp,
    GITHUB_TOKEN: TOKEN,
    NODEOP_KUBECONFIG: sim.kubeconfig,
    NODEOP_CLUSTER: 'berlin',
  };
  const run = (name: string) => step(script(name), repository.clone, env);

  expect(await run('validate')).toEqual({ code: 0, output: '' });
  expect(await run('plan')).toEqual({ code: 0, output: '' });
  expect(await run('comment')).toEqual({ code: 0, output: 'comment added\n' });
  const [comment] = host.of(5);
  expect(comment?.body).toMatch(/### ✅ `runs\/2030\/second\.yaml`[\s\S]*### ✅ `runs\/new run\.yaml`/);
  expect(comment?.body).toContain('on cluster berlin: 2 nodes in 1 batch');
  expect(comment?.body).not.toContain('runs/old.yaml');
  expect(readFileSync(join(temp, 'summary.md'), 'utf8')).toContain('runs/new run.yaml');

  repository.write({ 'runs/new run.yaml': nodeOp('new', '  concurency: 1\n') });
  repository.git(repository.clone, 'commit', '-q', '-a', '-m', 'a mistake');
  const invalid = await run('validate');
  expect(invalid.code).toBe(1);
  expect(invalid.output).toContain('::error file=runs/new run.yaml,line=8,');
  expect((await run('plan')).code).not.toBe(0);
  expect(await run('comment')).toEqual({ code: 0, output: 'comment is up to date\n' });
  expect(host.of(5)).toHaveLength(1);
  expect(host.of(5)[0]?.body).toContain('⛔ `runs/new run.yaml` is not valid');

  repository.git(repository.clone, 'rm', '-q', '-r', 'runs/2030', 'runs/new run.yaml');
  repository.git(repository.clone, 'commit', '-q', '-m', 'never mind');
  expect((await run('plan')).code).toBe(0);
  await run('comment');
  expect(host.of(5)[0]?.body).toContain('No run file is changed any more.');
  await host.stop();
});

test('without access to the cluster, as from a fork, the workflow says so and goes on', async () => {
  const workflow = load(readFileSync(join(ROOT, 'examples/github/node-operations.yaml'), 'utf8')) as {
    jobs: { plan: Job };
  };
  const plan = workflow.jobs.plan.steps.find((it) => it.name === 'plan')?.run ?? '';
  const comment = workflow.jobs.plan.steps.find((it) => it.name === 'comment')?.run ?? '';
  using repository = pullRequest({ 'runs/new.yaml': nodeOp('new') });
  const env = { NODEOP_KUBECONFIG: '', NODEOP_CLUSTER: 'berlin', RUNNER_TEMP: repository.root };
  const planned = await step(plan, repository.clone, env);
  expect(planned).toEqual({ code: 0, output: 'NODEOP_KUBECONFIG is not there: no plan is made\n' });
  expect(existsSync(join(repository.root, 'plan.md'))).toBe(false);
  expect(await step(comment, repository.clone, env)).toEqual({ code: 0, output: '' });
});

test('the GitLab job validates, plans and keeps one comment', async () => {
  const job = load(readFileSync(join(ROOT, 'examples/gitlab/node-operations.yml'), 'utf8')) as {
    'node-operations': { script: string[] };
  };
  const script = job['node-operations'].script.join('\n');
  const host = await GitHost.start('gitlab');
  using repository = pullRequest({ 'runs/new.yaml': nodeOp('new') });
  const env = {
    GITLAB_CI: 'true',
    CI_API_V4_URL: host.apiUrl,
    CI_PROJECT_PATH: 'ops/nodes',
    CI_MERGE_REQUEST_IID: '8',
    CI_MERGE_REQUEST_DIFF_BASE_SHA: repository.git(repository.clone, 'rev-parse', 'HEAD^').trim(),
    NODEOP_HOST_TOKEN: TOKEN,
    NODEOP_KUBECONFIG: join(tools.root, 'kubeconfig'),
    NODEOP_CLUSTER: 'berlin',
  };
  const good = await step(script, repository.clone, env);
  expect(good).toEqual({ code: 0, output: '2 files checked, 0 problems\ncomment added\n' });
  expect(host.of(8)[0]?.body).toContain('### ✅ `runs/new.yaml`');

  repository.write({ 'runs/new.yaml': nodeOp('new', '  concurency: 1\n') });
  repository.git(repository.clone, 'commit', '-q', '-a', '-m', 'a mistake');
  const bad = await step(script, repository.clone, env);
  expect(bad.code).not.toBe(0);
  expect(bad.output).toContain('comment is up to date\n');
  expect(host.of(8)[0]?.body).toContain('⛔ `runs/new.yaml` is not valid');
  await host.stop();
});

test('a token that may not comment, and a job of no pull request, are told with what to do', async () => {
  const host = await GitHost.start('github');
  using repository = pullRequest({ 'plan.md': 'text' });
  const job = { GITHUB_ACTIONS: 'true', GITHUB_API_URL: host.apiUrl, GITHUB_REPOSITORY: 'ops/nodes' };
  const wrong = { ...job, GITHUB_REF: 'refs/pull/5/merge', GITHUB_TOKEN: 'wrong-secret' };
  const refused = await step('nodeop-agent comment plan.md', repository.clone, wrong);
  expect(refused.code).toBe(2);
  expect(refused.output).toContain('may the token write comments there? (GitHub: pull-requests: write');
  expect(refused.output).not.toContain('wrong-secret');
  const push = { ...job, GITHUB_REF: 'refs/heads/main', GITHUB_TOKEN: TOKEN };
  const none = await step('nodeop-agent comment plan.md', repository.clone, push);
  expect(none).toEqual({
    code: 2,
    output: '--pull-request is missing, and this is no job of a pull request that would tell\n',
  });
  expect((await step('nodeop-agent comment plan.md', repository.clone, job)).output).toMatch(
    /^no token: give --token-file/,
  );
  const http = { ...wrong, GITHUB_API_URL: 'http://git.example.org/api/v3' };
  expect((await step('nodeop-agent comment plan.md', repository.clone, http)).output).toContain(
    'must be https',
  );
  await host.stop();
});
