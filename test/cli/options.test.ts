import type { Command, Option } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { allCommands } from '../../src/cli/program.ts';
import { cli } from '../support/cli.ts';

/** What all commands have in common, whoever adds one. */
let commands: Command[];

beforeAll(async () => {
  commands = await allCommands();
});

const visible = (command: Command) => command.options.filter(({ hidden }) => !hidden);
const option = (command: Command, long: string) => command.options.find((it) => it.long === long);

/** Those that answer with no document, and why. */
const WITHOUT_DOCUMENTS: Record<string, string> = {
  start: 'writes a log, of JSON lines where it is no terminal',
  demo: 'is for people to look at',
  completion: 'prints a script',
};

test('every command answers in text, JSON or YAML, or is known not to', () => {
  const without = commands.filter((it) => option(it, '--format') === undefined).map((it) => it.name());
  expect(without.toSorted()).toEqual(Object.keys(WITHOUT_DOCUMENTS).toSorted());
  for (const command of commands) {
    const format = option(command, '--format');
    if (format === undefined) continue;
    expect(format.short, command.name()).toBe('-o');
    expect(format.argChoices?.slice(0, 3), command.name()).toEqual(['text', 'json', 'yaml']);
    expect(format.defaultValue, command.name()).toBe('text');
    expect(option(command, '--output')?.argChoices, command.name()).toEqual(format.argChoices);
  }
});

test('every command that asks a cluster is led to it in the same way', () => {
  const asking = commands.filter((it) => option(it, '--context') !== undefined);
  expect(asking.map((it) => it.name())).toEqual(
    expect.arrayContaining(['status', 'watch', 'explain', 'suspend', 'resume', 'cancel', 'retry', 'plan']),
  );
  for (const command of asking) {
    expect(option(command, '--kubeconfig')?.required, command.name()).toBe(true);
    expect(option(command, '--namespace')?.short, command.name()).toBe('-n');
  }
});

/** `plan --nodes` names a file of them, and had the name first. */
const KNOWN_TWINS = new Set(['sim --nodes']);

test('one flag means one thing everywhere', () => {
  const shorts = new Map<string, string>();
  const longs = new Map<string, string>();
  for (const command of commands) {
    for (const it of visible(command)) {
      const { long = '', short } = it;
      if (short !== undefined) {
        expect(shorts.get(short) ?? long, `${command.name()} ${short}`).toBe(long);
        shorts.set(short, long);
      }
      if (KNOWN_TWINS.has(`${command.name()} ${long}`)) continue;
      const form = `${short ?? ''} ${takes(it)}`;
      expect(longs.get(long) ?? form, `${command.name()} ${long}`).toBe(form);
      longs.set(long, form);
    }
  }
});

/** `--runs <folder>` and `--runs <dir>` are not the same to who reads both. */
function takes({ flags }: Option): string {
  return /<.*>/.exec(flags)?.[0] ?? '';
}

test('every command says what it does, and shows an example', () => {
  for (const command of commands) {
    expect(command.description(), command.name()).not.toBe('');
    let help = '';
    command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
    expect(help, command.name()).toMatch(
      new RegExp(`Examples?:\n(?:.*\n)*  .*nodeop-agent ${command.name()}`),
    );
  }
});

const NOWHERE = { HOME: '/nonexistent', KUBECONFIG: '', KUBERNETES_SERVICE_HOST: '' };

describe.each(['json', 'yaml'])('with -o %s', (format) => {
  test.each([
    ['status', []],
    ['watch', ['x']],
    ['explain', ['node-1']],
    ['suspend', ['runs/none.yaml']],
    ['cancel', ['x', '--now']],
    ['retry', ['x']],
    ['plan', ['runs/none.yaml']],
    ['validate', ['none.yaml']],
    ['import', ['none.yaml']],
    ['comment', ['none.md']],
    ['once', ['--config', 'none.yaml']],
    ['init', ['/dev/null/x']],
  ])('an error of %s is a line on standard error', async (name, args) => {
    const { code, stdout, stderr } = await cli([name, ...args, '-o', format], NOWHERE);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^{[-][^\n]+\n$/);
  });
});

test('kubectl calls the format an output, and may', async () => {
  const answers = await Promise.all(
    [['-o'], ['--format'], ['--output']].map(([flag = '']) =>
      cli(['validate', '--root', 'examples/repository', flag, 'json']),
    ),
  );
  expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1);
  expect(JSON.parse(answers[0]?.stdout ?? '')).toMatchObject({ files: 5, problems: [] });
  const wrong = await cli(['status', '--output', 'xml']);
  expect(wrong.stderr).toMatch(
    /'--output <format>' argument 'xml' is invalid\. Allowed choices are text, json, yaml/,
  );
});
