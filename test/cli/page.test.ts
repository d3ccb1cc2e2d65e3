import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatReport } from '../../src/core/runs/report.ts';
import { GitCommand } from '../../src/git/command.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { cli } from '../support/cli.ts';
import { aReport } from '../support/page-facts.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'nodeop-page-'));
const kubeconfig = join(dir, 'kubeconfig');
let sim: Sim;

beforeAll(async () => {
  sim = await startSim({ nodes: 2, script: () => ({}) });
  writeFileSync(kubeconfig, sim.kubeconfig);
  const report = aReport('runs/old.yaml', { phase: 'Completed', startedAt: '2030-01-01T00:00:00Z' });
  mkdirSync(join(dir, 'repository/results'), { recursive: true });
  writeFileSync(join(dir, 'repository/results/old.yaml'), formatReport(report));
  const git = new GitCommand({ dir: join(dir, 'repository'), timeoutMs: 60_000 });
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '-A'],
    ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', 'commit', '--quiet', '-m', 'Report'],
    ['remote', 'add', 'origin', 'https://ada:s3cret@github.com/acme/ops.git'],
  ])
    await git.text(args);
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

async function snapshot(url: string, view: string): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(`${url}page/events?view=${view}`, { signal: abort.signal });
  let text = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (/"reports":"read"|"nodes"|servedBy|"total":2/.test(text)) break;
  }
  abort.abort();
  return text;
}

test('page says where it is, shows cluster and repository to this machine, and ends with Ctrl-C', async () => {
  const args = ['page', '--kubeconfig', kubeconfig, '--repository', join(dir, 'repository'), '--port', '0'];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const piece of child.stdout) {
    said += String(piece);
    if (said.includes('\n')) break;
  }
  const url = /The page is at (http:\/\/127\.0\.0\.1:\d+\/) until Ctrl-C\./.exec(said)?.[1] ?? '';
  const runs = await snapshot(url, 'runs');
  expect(runs).toContain('"name":"runs/old.yaml"');
  expect(runs).toContain('https://github.com/acme/ops/new/main?filename=');
  expect(await snapshot(url, 'nodes')).toContain('"key":"node-2"');
  const agent = await snapshot(url, 'agent');
  expect(agent).toContain('"servedBy":"command"');
  expect(agent + runs).not.toContain('s3cret');
  expect((await fetch(url)).headers.get('content-type')).toContain('text/html');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.each([
  ['nowhere', /--repository: there is no folder nowhere/],
  [dir, /is no Git repository/],
])('a repository at %s is refused', async (repository, message) => {
  const { code, stderr } = await cli(['page', '--kubeconfig', kubeconfig, '--repository', repository]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
