import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatYaml } from '../../src/api/yaml.ts';
import { Reports } from '../../src/agent/page/reports.ts';
import { GitCommand } from '../../src/git/command.ts';
import { Contents } from '../../src/git/contents.ts';
import { aReport } from '../support/page-facts.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-page-reports-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const git = (...args: string[]) =>
  execFileSync('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

test('the report of every run is there, whatever its file is called; what else lies beside reports is none', async () => {
  const runs = [
    'flash.yaml',
    '.hotfix.yaml',
    'app.logs/restart.yml',
    'deep/.x/y.yaml',
    'deep/.baseline.yaml',
  ];
  for (const run of runs)
    write(`results/${run}`, formatYaml(aReport(`runs/${run}`, { phase: 'Completed' }), {}));
  const own = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\npassedOver: []\n';
  for (const file of ['.baseline.yaml', '.checkpoint.yaml', 'berlin/.baseline.yaml'])
    write(`results/${file}`, own);
  write('results/README.md', '# Runs\n');
  write('results/flash.logs/node-1.log', 'a log\n');
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Reports');
  const command = new GitCommand({ dir, timeoutMs: 60_000 });
  const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
  const branch = { git: command, contents: new Contents(command), ref: 'HEAD' };
  const reports = new Reports(branch, layout, () => undefined);
  await reports.look(new AbortController().signal);
  expect(reports.facts.cards.map(({ path }) => path).toSorted()).toEqual(
    runs.map((it) => `runs/${it}`).toSorted(),
  );
  expect(reports.facts).toMatchObject({ total: runs.length, state: 'read' });
});
