import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { cli, cliProcess } from '../support/cli.ts';

let sim: Sim;
let dir: string;

beforeAll(async () => {
  sim = await startSim({ nodes: 2 });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-process-'));
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  await cli(['init', 'operations'], {}, dir);
  const run = readdirSync(join(dir, 'operations/runs'), { recursive: true, encoding: 'utf8' }).find((it) =>
    it.endsWith('.yaml'),
  );
  runFile = `operations/runs/${run}`;
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

let runFile: string;
const access = ['--kubeconfig', 'kubeconfig'];

/** Each command that ends by itself, in each way it does. */
test.each<[string, () => string[], number]>([
  ['status', () => ['status', ...access, '--format', 'json'], 0],
  ['watch', () => ['watch', 'never', ...access, '--timeout', '1ms'], 3],
  ['validate', () => ['validate', '--root', 'operations'], 0],
  ['plan', () => ['plan', runFile, '--root', 'operations', ...access], 0],
  ['init', () => ['init', 'operations'], 0],
  ['comment', () => ['comment', 'none.md'], 2],
])('%s as a process answers what it answers here, and ends', async (_, args, code) => {
  const [here, process] = [await cli(args(), {}, dir), await cliProcess(args(), {}, dir)];
  expect(process).toEqual(here);
  expect(here).toMatchObject({ code });
  expect(here.stdout + here.stderr).not.toBe('');
});
