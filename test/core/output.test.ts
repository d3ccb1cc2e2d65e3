import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { cronProblem } from '../../src/api/cron.ts';
import { foreignKind } from '../../src/api/foreign.ts';
import { formatYaml, load as loadYaml } from '../../src/api/yaml.ts';
import { problemsMarkdown } from '../../src/core/preview/markdown.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { code, escape } from '../../src/core/text/markup.ts';
import {
  flat,
  json,
  line,
  logged,
  plain,
  screen,
  workflowMessage,
  workflowProperty,
} from '../../src/core/text/output.ts';
import { clip, wrap } from '../../src/core/text/fit.ts';
import { logTail } from '../../src/core/logs/tail.ts';
import { repositoryFlaw } from '../../src/core/runs/trust.ts';
import { yaml as putOut } from '../../src/core/text/yaml.ts';
import { oneLine, table } from '../../src/core/text/table.ts';
import { inTime } from '../fuzz/work.ts';
import { nodeOp } from './prepare/support.ts';

const ACTING = [
  '\u0007',
  '\u001b[31m',
  '\u001b]0;title\u0007',
  '\u009b2J',
  '\u0085',
  '\r',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u2028',
  '\ud800',
];

test('a line stays one line in which nothing acts', () => {
  expect(line('runs/a\n\n# Approved\u001b[2J\u009b1m\u202e.yaml')).toBe(
    String.raw`runs/a\n\n# Approved\u{1b}[2J\u{9b}1m\u{202e}.yaml`,
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...ACTING), (text, acting) => {
      expect(line(`${text}${acting}${text}`)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      expect(plain(`${text}${acting}${text}`)).not.toMatch(/[^\P{C}\n\t]|[\u2028\u2029]/u);
      expect(logged(`${text}${acting}${text}`)).not.toMatch(/[^\P{C}\n\t]|[\u2028\u2029]/u);
    }),
  );
});

test('what is written over is a line of its own, and no part of the next one', () => {
  expect(plain('one\r\ntwo\r\r\n 50%\r100%\r\x1b[Kdone')).toBe('one\ntwo\n 50%\n100%\ndone');
  expect(flat(' 50%\r100%')).toBe('50% 100%');
});

test('a screen keeps its lines and our colours, and nothing else', () => {
  expect(screen('\u001b[32mok\u001b[39m\n\u001b[2J\u009b1m\u202ex\tz')).toBe(
    '\u001b[32mok\u001b[39m\n\\u{1b}[2J\\u{9b}1m\\u{202e}x\tz',
  );
});

test('a cell never ends its row', () => {
  expect(table([['a\nb', 'c\r\u001b[2J']])).toBe(String.raw`a\nb  c\r\u{1b}[2J`);
});

describe('workflow commands', () => {
  test.each([
    ['::error::x', String.raw`\u{3a}:error::x`],
    ['  ::set-output name=a::b', String.raw`  \u{3a}:set-output name=a::b`],
    ['a ##[group]x', String.raw`a #\u{23}[group]x`],
    ['a ##VSO[task.complete]', String.raw`a #\u{23}VSO[task.complete]`],
    ['std::vector, # a, ## b', 'std::vector, # a, ## b'],
  ])('are none in what is shown: %j', (text, shown) => {
    expect(line(text)).toBe(shown);
    expect(screen(`x\n${text}`)).toBe(`x\n${shown}`);
  });

  test('are none in fields of the log, which begin no line', () => {
    expect(logged('::a:: ##[b] ##vso[c]')).toBe(String.raw`::a:: #\u{23}[b] #\u{23}vso[c]`);
  });

  test('hold nothing that begins another one', () => {
    expect(workflowMessage('100%\n::error::x\r')).toBe(String.raw`100%25%0A::error::x\r`);
    expect(workflowProperty('a:b,c\n')).toBe('a%3Ab%2Cc%0A');
  });
});

test('JSON and YAML for programs hold nothing that acts, and are read as what they were', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...ACTING, '##[x]', '##vso[x]', '\n::x', ' ::x'),
      (text, acting) => {
        const value = { [`k${acting}`]: [`${text}${acting}${text}`, { a: acting }], log: `a\n${acting}\n` };
        expect(json(value, 2)).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]|##(?:\[|vso)/u);
        expect(JSON.parse(json(value))).toEqual(value);
        const yaml = formatYaml(value, { lineWidth: 120 });
        expect(yaml).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
        expect(load(yaml)).toEqual(value);
        for (const lineWidth of [-1, 20, 110]) {
          const shown = putOut(value, { lineWidth });
          expect(screen(shown)).toBe(shown);
          expect(load(shown)).toEqual(value);
        }
      },
    ),
  );
  expect(formatYaml({ path: 'runs/a\u202e.yaml' }, {})).toBe('path: "runs/a\\u202e.yaml"\n');
  const command = ['sh', '-c', 'echo ${x##[0-9]*}\n::error::x\n  ::set-output::y ##VSO[z]'];
  expect(load(putOut({ command }, {}))).toEqual({ command });
  expect(screen(putOut({ command }, {}))).toBe(putOut({ command }, {}));
  expect(putOut({ a: 'plain: x::y', b: 'ä 日本 🕓' }, {})).toBe(
    formatYaml({ a: 'plain: x::y', b: 'ä 日本 🕓' }, {}),
  );
  expect(formatYaml({ a: 'plain', b: 'ä 日本 🕓' }, {})).toBe('a: plain\nb: ä 日本 🕓\n');
});

describe('Markdown', () => {
  test('names and messages of others are no headings, links, mentions or markup', () => {
    const text = escape(
      '# Approved\n\n[x](https://evil.example) <b>@team</b> ![i](//x) www.evil.example `c` \u202e',
    );
    expect(text).not.toContain('\n');
    expect(text).not.toMatch(/(^|[^\\])#|[^\\]\[|:\/\/|<b>|@team|www\.|\u202e/);
  });

  test('a name of nothing but blanks begins no code that goes on behind it', () => {
    expect(code(' ')).toBe('` `');
  });

  test('a file is named as code, whatever its name', () => {
    expect(code('runs/a`\n\n# Approved\n.yaml')).toBe('`` runs/a` # Approved .yaml ``');
    expect(
      problemsMarkdown('runs/x\n\n### ✅ Approved\n.yaml', [])
        .split('\n')
        .filter((it) => it.startsWith('#')),
    ).toHaveLength(1);
  });
});

const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
const source = (text: string) => ({
  path: 'runs/x.yaml',
  mode: '100644',
  blob: 'b',
  commit: 'c',
  content: Buffer.from(text),
});

test.each([
  ['annotations', 'agent.nodeop.dev/window', '{}'],
  ['annotations', 'agent.nodeop.dev/hold', 'x'],
  ['annotations', 'agent.nodeop.dev/cancel', 'x'],
  ['annotations', 'agent.nodeop.dev/whatever-comes', 'x'],
  ['annotations', 'operator.kairos.io/cordoned-by', 'x'],
  ['labels', 'agent.nodeop.dev/record', 'x'],
])('a run file may not bring along %s of the project: %s', (field, name, value) => {
  const text = nodeOp('', `name: x, ${field}: {${name}: '${value}'}`);
  expect(load(text)).toMatchObject({ metadata: { [field]: { [name]: value } } });
  expect(prepareRun(source(text), { layout, namespace: 'default', definitions: [] })).toMatchObject({
    ok: false,
    problems: [{ path: ['metadata', field, name], message: 'is for the agent alone to write' }],
  });
});

test('a text that is cut ends with a whole character', () => {
  const text = `a${'\u{10000}'.repeat(100)}`;
  for (const limit of [40, 41]) {
    expect(oneLine(text, limit).isWellFormed()).toBe(true);
    expect(clip(text, limit).isWellFormed()).toBe(true);
  }
  expect(logTail(`${'\u{10000}'.repeat(4_000)}a`, 5).isWellFormed()).toBe(true);
});

test('what the reader of YAML repeats of a file acts nowhere, and is cut', () => {
  const message = (text: string) => {
    const loaded = loadYaml(Buffer.from(text));
    return loaded.ok ? '' : (loaded.problems[0]?.message ?? '');
  };
  expect(message('!\u202ex: 1')).toContain(String.raw`\u{202e}x`);
  expect(message(`!{${'a'.repeat(100_000)}: 1`).length).toBeLessThan(400);
});

test.each<[string, (text: string) => string | undefined]>([
  ['a schedule', (text) => cronProblem(`${text} * * * *`, 5)],
  ['a kind', (text) => foreignKind(`${text}List`, 'v1')],
  ['the name of a repository', (text) => repositoryFlaw('ops', Buffer.from(text))],
  [
    'what begins a name',
    (text) => {
      const file = nodeOp(', image: x', `generateName: ${JSON.stringify(text)}`);
      const prepared = prepareRun(source(file), { layout, namespace: 'default', definitions: [] });
      return prepared.ok ? undefined : prepared.problems[0]?.message;
    },
  ],
])('%s that is quoted acts nowhere, and is cut', (_, message) => {
  expect(message('\u202ex')).toContain(String.raw`\u{202e}x`);
  expect(message('\u202e'.repeat(300))?.length).toBeLessThan(2_000);
});

test('however many blanks there are, a line is broken in a moment', async () => {
  const text = `x${' '.repeat(2 ** 17)}y`;
  const lines = (width: number) => wrap(text, width).split('\n');
  expect(lines(100)).toHaveLength(2);
  expect(await inTime((work) => void work.turn('wrapping', () => lines(100)))).toBeLessThan(1_000);
});

test('what is said of a file is cut, whatever of it is repeated', () => {
  const limit = `0.${'0'.repeat(20_000)}1`;
  const names = Array.from({ length: 3_000 }, (_, i) => `P${i}`).join(', ');
  for (const spec of [
    `, image: x, resources: {requests: {cpu: 2}, limits: {cpu: "${limit}"}}`,
    `, image: x, env: [{name: A, valueFrom: {${names.replaceAll(/(P\d+)/g, '$1: {}')}}}]`,
  ]) {
    const prepared = prepareRun(source(nodeOp(spec)), { layout, namespace: 'default', definitions: [] });
    const messages = prepared.ok ? [] : prepared.problems.map(({ message }) => message);
    expect(messages.length).toBeGreaterThan(0);
    expect(Math.max(...messages.map(({ length }) => length))).toBeLessThan(2_000);
  }
});
