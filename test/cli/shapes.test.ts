import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { cli } from '../support/cli.ts';

/** What docs/commands.md says of the documents of each command, held against what they are. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let sim: Sim;
let dir: string;

beforeAll(async () => {
  sim = await startSim({ nodes: 2, script: () => undefined });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-shapes-'));
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  cpSync(join(ROOT, 'examples/repository'), dir, { recursive: true });
  writeFileSync(
    join(dir, 'plan.yaml'),
    'apiVersion: upgrade.cattle.io/v1\nkind: Plan\nmetadata: {name: bash}\nspec: {concurrency: 1, version: v1, upgrade: {image: "bash:5", command: ["true"]}}\n',
  );
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin');
  sim.store.create('nodeops.operator.kairos.io', {
    metadata: {
      name: 'flash',
      namespace: 'ops',
      annotations: { 'agent.nodeop.dev/run': ':runs/flash.yaml' },
    },
    spec: { image: 'busybox', command: ['flash'] },
    status: {
      phase: 'Failed',
      observedGeneration: 1,
      startedAt: '2030-01-01T00:00:00Z',
      completedAt: '2030-01-01T00:01:00Z',
      summary: { total: 1, pending: 0, inFlight: 0, completed: 0, failed: 1, cancelled: 0, done: '0/1' },
      nodeStatuses: { 'node-1': { phase: 'Failed', message: 'exit code 4', cause: 'no such device' } },
    },
  });
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

const RUN = 'runs/2030-01-01-hello.yaml';
const ACCESS = ['--kubeconfig', 'kubeconfig'];

/** By the first column of the table. */
const COMMANDS: Record<string, string[]> = {
  status: ['status', ...ACCESS],
  'status RUN': ['status', 'flash', ...ACCESS],
  'watch RUN': ['watch', 'flash', ...ACCESS],
  'logs RUN': ['logs', 'flash', ...ACCESS],
  explain: ['explain', ...ACCESS],
  'explain NODE': ['explain', 'node-1', ...ACCESS],
  'suspend RUN': ['suspend', RUN, ...ACCESS],
  'retry RUN': ['retry', 'flash', ...ACCESS],
  validate: ['validate'],
  'plan RUNFILE': ['plan', RUN, ...ACCESS],
  'import FILE': ['import', 'plan.yaml'],
  'init DIR': ['init', 'laid-out'],
};

const page = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8');
const rows = new Map(
  [...page.matchAll(/^\| `([^`|]+)` \| ([^|]+) \|$/gm)].map(([, name = '', fields = '']) => [
    name,
    [...fields.matchAll(/`([^`]+)`/g)].map(([, field = '']) => field),
  ]),
);

/** Of what is told as it is seen. */
function withoutTimes(value: unknown): unknown {
  return Array.isArray(value) ? value.map((it: object) => ({ ...it, time: '' })) : value;
}

test.each(Object.entries(COMMANDS))('%s', async (name, args) => {
  const documented = rows.get(name) ?? [];
  const asJson = await cli([...args, '-o', 'json'], {}, dir);
  const isStream = name === 'watch RUN' || name === 'logs RUN';
  const json: unknown = isStream
    ? asJson.stdout
        .trimEnd()
        .split('\n')
        .map((it) => JSON.parse(it) as unknown)
    : JSON.parse(asJson.stdout);
  const objects = Array.isArray(json) ? json : [json];
  expect(objects).not.toEqual([]);
  for (const it of objects as object[]) {
    const keys = Object.keys(it);
    expect(documented.map((field) => field.replace('?', ''))).toEqual(expect.arrayContaining(keys));
    expect(keys).toEqual(expect.arrayContaining(documented.filter((field) => !field.endsWith('?'))));
  }
  if (name === 'init DIR') return;
  // YAML says the same.
  const asYaml = await cli([...args, '-o', 'yaml'], {}, dir);
  const yaml = isStream ? loadAll(asYaml.stdout) : load(asYaml.stdout);
  expect(withoutTimes(yaml)).toEqual(withoutTimes(json));
});
