import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complete, type Program } from '../../src/cli/completion/complete.ts';
import { KIND_OF_ARGUMENT, KIND_OF_NAME, KIND_OF_VALUE } from '../../src/cli/completion/kinds.ts';
import { valuesHere } from '../../src/cli/completion/sources.ts';
import { shellWords, typedBy } from '../../src/cli/completion/words.ts';
import { allCommands } from '../../src/cli/program.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { cli } from '../support/cli.ts';

let sim: Sim;
let dir: string;
let program: Program;

beforeAll(async () => {
  sim = await startSim({ nodes: 12, script: () => undefined });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-completion-'));
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  for (const folder of ['runs', 'nodeops']) mkdirSync(join(dir, folder));
  for (const file of ['2029-flash.yaml', '2030-ntp.yaml', "it's.yaml"])
    writeFileSync(join(dir, 'runs', file), '');
  sim.store.create('nodeops.operator.kairos.io', {
    metadata: {
      name: 'flash',
      namespace: 'ops',
      annotations: { 'agent.nodeop.dev/run': ':runs/2029-flash.yaml' },
    },
    spec: { image: 'busybox', command: ['true'] },
    status: {
      phase: 'Failed',
      nodeStatuses: { 'node-10': { phase: 'Failed' }, 'node-2': { phase: 'Completed' } },
    },
  });
  const commands = await allCommands();
  program = {
    all: () => Promise.resolve(commands),
    named: (name) => Promise.resolve(commands.find((it) => it.name() === name)),
    options: new Command().version('1').options,
  };
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

const ACCESS = ['--kubeconfig', () => join(dir, 'kubeconfig')] as const;
const inDir = () => [ACCESS[0], ACCESS[1]()];

describe('what may come next', () => {
  test.each<[string, string[], string[], string]>([
    ['commands', ['st'], ['start', 'status'], 'nothing'],
    ['flags of the program', ['--v'], ['--version'], 'nothing'],
    ['commands behind help', ['help', 'pl'], ['plan'], 'nothing'],
    ['flags of a command', ['watch', 'x', '--t'], ['--timeout'], 'nothing'],
    ['no flag twice', ['status', '--failed', '--f'], ['--format'], 'nothing'],
    ['one that may be given twice', ['plan', '--nodes', 'a', '--nod'], ['--nodes', '--node-time'], 'nothing'],
    ['no hidden ones', ['status', '--out'], [], 'nothing'],
    ['values of a flag', ['plan', '--format', 'm'], ['markdown'], 'nothing'],
    ['values of a short flag', ['validate', '-o', 'g'], ['github'], 'nothing'],
    ['values behind a sign', ['status', '--format=y'], ['--format=yaml'], 'nothing'],
    ['choices of an argument', ['completion', ''], ['bash', 'zsh', 'fish'], 'nothing'],
    ['files', ['validate', 'ru'], [], 'files'],
    ['files of a flag', ['start', '--config', ''], [], 'files'],
    ['folders', ['init', ''], [], 'folders'],
    ['nothing where nobody can know', ['watch', '--timeout', ''], [], 'nothing'],
    ['nothing behind the last argument', ['explain', 'node-1', ''], [], 'nothing'],
    ['arguments behind --', ['validate', '--', '-'], [], 'files'],
    ['nothing of a command that is none', ['stats', ''], [], 'nothing'],
  ])('%s', async (_, words, values, also) => {
    const found = await complete(program, words, () => Promise.resolve([]));
    expect({ values: found.candidates.map(({ value }) => value), also: found.also }).toEqual({
      values,
      also,
    });
  });

  test.each<[string, string[], string[]]>([
    ['runs of the cluster', ['status', 'runs/'], ['runs/2029-flash.yaml']],
    ['nodes of a run', ['logs', 'flash', 'node-'], ['node-2', 'node-10']],
    ['nodes of the cluster', ['explain', 'node-1'], ['node-1', 'node-10', 'node-11', 'node-12']],
    ['namespaces', ['status', '-n', 'kube-s'], ['kube-system']],
    ['contexts', ['status', '--context', ''], ['sim']],
    ['the run with --now', ['cancel', '--now', ''], ['runs/2029-flash.yaml']],
  ])('%s', async (_, [name = '', ...words], values) => {
    const found = await complete(program, [name, ...inDir(), ...words], valuesHere);
    expect(found.candidates.map(({ value }) => value)).toEqual(values);
  });

  test('run files of the checkout, the newest first', async () => {
    const found = await complete(program, ['suspend', '--root', dir, ''], valuesHere);
    expect(found.candidates.map(({ value }) => value.slice(dir.length + 1))).toEqual([]);
    const here = process.cwd();
    process.chdir(dir);
    const { candidates } = await complete(program, ['plan', ''], valuesHere);
    process.chdir(here);
    expect(candidates.map(({ value }) => value)).toEqual([
      "runs/it's.yaml",
      'runs/2030-ntp.yaml',
      'runs/2029-flash.yaml',
    ]);
  });

  test('a cluster that is away offers nothing, and says nothing', async () => {
    const answer = await cli(['__complete', 'zsh', '--', 'status', '--kubeconfig', 'none', ''], {}, dir);
    expect(answer).toEqual({ code: 0, stdout: 'files\n', stderr: '' });
  });
});

test('of every argument and every value of an option it is known what it is', async () => {
  const unknown: string[] = [];
  for (const command of await allCommands()) {
    for (const it of command.registeredArguments)
      if (!it.argChoices && KIND_OF_ARGUMENT[it.name()] === undefined)
        unknown.push(`${command.name()} ${it.name()}`);
    for (const { flags, long = '', argChoices } of command.options) {
      const what = /<([^>]+)>/.exec(flags)?.[1];
      if (what === undefined || argChoices || long in KIND_OF_NAME || what in KIND_OF_VALUE) continue;
      unknown.push(`${command.name()} ${flags}`);
    }
  }
  expect(unknown).toEqual([]);
});

test.each([
  ['a b ', ['a', 'b', '']],
  ["a 'b c' d", ['a', 'b c', 'd']],
  [String.raw`a b\ c "d\"e" 'f`, ['a', 'b c', 'd"e', 'f']],
  ["a '' ", ['a', '', '']],
  ['', ['']],
])('words of %j', (line, words) => {
  expect(shellWords(line)).toEqual(words);
});

test('bash takes less for a word', () => {
  expect(['--format=j', 'a:b@c', 'plain'].map(typedBy)).toEqual([9, 4, 0]);
});

test('kubectl asks for its plugin as programs made with cobra are asked', async () => {
  const answer = await cli(['__complete', 'kubectl', '--', 'completion', 'f']);
  expect(answer.stdout).toBe('fish\t\n:4\n');
});
