import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cronProblem } from '../../src/api/cron.ts';
import { loadConfig } from '../../src/cli/load-config.ts';
import { validatePaths } from '../../src/cli/validate/paths.ts';
import { nodeOp, nodeOpRun } from '../runs/support.ts';
import { cli } from '../support/cli.ts';

test('every error of the configuration is named at once, with its line', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-agent-test-'));
  const file = join(dir, 'config.yaml');
  writeFileSync(
    file,
    'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\ngit:\n  brnch: x\nlog: {level: loud}\n',
  );
  await expect(loadConfig(file)).rejects.toThrow(
    /git.url: is required[^]*did you mean "branch"\? \(line 4, column 3\)[^]*log.level/,
  );
  rmSync(dir, { recursive: true });
});

test.each([
  ['*/15 * * * * *', 6, true],
  ['0 22 * * mon-fri', 5, true],
  ['0 22 * * *', 6, false],
  ['60 * * * *', 5, false],
  ['* * 5-2 * *', 5, false],
  ['*/0 * * * *', 5, false],
] as const)('cron %s of %i fields: %s', (text, fields, valid) => {
  expect(cronProblem(text, fields) === undefined).toBe(valid);
});

test('validate knows by the configuration what another controller would not carry out', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-agent-test-'));
  mkdirSync(join(dir, 'ops'));
  const run = join(dir, 'ops/run.yaml');
  const pinned = nodeOp('upgrade').replace('busybox', `busybox@sha256:${'0'.repeat(64)}`);
  writeFileSync(run, `${pinned}  soakSeconds: 5\n`);
  const config = join(dir, 'agent.yaml');
  const head = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\n';
  const git = 'git: {url: /srv/operations.git, paths: {runs: ops}}\n';
  writeFileSync(config, `${head}${git}rollout: {executor: external}\n`);
  const validate = async (...more: string[]) => (await cli(['validate', '--root', dir, ...more])).stdout;
  const [own, others] = [await validate(join(dir, 'ops')), await validate('--config', config)];
  rmSync(dir, { recursive: true });
  expect(own).toBe('1 file checked, 0 problems\n');
  expect(others).toMatch(
    /run.yaml:\d+:\d+: spec.soakSeconds: .*executor: external.*\n1 file checked, 1 problem/,
  );
});

test('validate finds errors in run files and their references, with places', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-agent-test-'));
  const definition = join(dir, 'nodeops/upgrade.yaml');
  mkdirSync(join(dir, 'nodeops'));
  const run = join(dir, 'run.yaml');
  writeFileSync(definition, nodeOp('upgrade'));
  writeFileSync(run, nodeOpRun('  nodeOp: upgrad\n'));
  const { files, problems } = await validatePaths([definition, run], { root: dir, nodeops: 'nodeops' });
  rmSync(dir, { recursive: true });
  expect(files).toBe(2);
  expect(problems).toMatchObject([
    { file: run, line: 4, column: 3, message: expect.stringContaining('"upgrade"') },
  ]);
});

test('a schedule has its place in a definition, and none in a run file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-agent-test-'));
  const due = nodeOp('nightly', '  schedule: 0 22 * * *\n');
  mkdirSync(join(dir, 'nodeops'));
  mkdirSync(join(dir, 'runs'));
  writeFileSync(join(dir, 'nodeops/nightly.yaml'), due);
  writeFileSync(join(dir, 'nodeops/odd.yaml'), nodeOp('odd', '  schedule: never\n  cordn: true\n'));
  writeFileSync(join(dir, 'runs/once.yaml'), due);
  const { problems } = await validatePaths([], { root: dir, nodeops: 'nodeops' });
  rmSync(dir, { recursive: true });
  expect(problems.map(({ file, path, line }) => [file.slice(dir.length + 1), path.join('.'), line])).toEqual([
    ['nodeops/odd.yaml', 'spec.schedule', 8],
    ['nodeops/odd.yaml', 'spec.cordn', 9],
    ['runs/once.yaml', 'spec.schedule', 8],
  ]);
});
