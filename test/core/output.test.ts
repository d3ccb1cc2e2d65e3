import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { problemsMarkdown } from '../../src/core/preview/markdown.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { code, escape } from '../../src/core/text/markup.ts';
import {
  line,
  logged,
  plain,
  screen,
  workflowMessage,
  workflowProperty,
} from '../../src/core/text/output.ts';
import { table } from '../../src/core/text/table.ts';
import { nodeOp } from '../runs/support.ts';

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
  expect(line('::error::x')).toBe(' ::error::x');
  expect(line('##[group]x')).toBe(' ##[group]x');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...ACTING), (text, acting) => {
      expect(line(`${text}${acting}${text}`)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      expect(plain(`${text}${acting}${text}`)).not.toMatch(/[^\P{C}\n\t]|[\u2028\u2029]/u);
      expect(logged(`${text}${acting}${text}`)).not.toMatch(/[^\P{C}\n\t]|[\u2028\u2029]/u);
    }),
  );
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
  test('hold nothing that begins another one', () => {
    expect(workflowMessage('100%\n::error::x\r')).toBe(String.raw`100%25%0A::error::x\r`);
    expect(workflowProperty('a:b,c\n')).toBe('a%3Ab%2Cc%0A');
  });
});

describe('Markdown', () => {
  test('names and messages of others are no headings, links, mentions or markup', () => {
    const text = escape(
      '# Approved\n\n[x](https://evil.example) <b>@team</b> ![i](//x) www.evil.example `c` \u202e',
    );
    expect(text).not.toContain('\n');
    expect(text).not.toMatch(/(^|[^\\])#|[^\\]\[|:\/\/|<b>|@team|www\.|\u202e/);
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

test.each([
  ['annotations', 'agent.nodeop.dev/window', '{}'],
  ['annotations', 'agent.nodeop.dev/hold', 'x'],
  ['annotations', 'agent.nodeop.dev/cancel', 'x'],
  ['annotations', 'agent.nodeop.dev/whatever-comes', 'x'],
  ['annotations', 'operator.kairos.io/cordoned-by', 'x'],
  ['labels', 'agent.nodeop.dev/record', 'x'],
])('a run file may not bring along %s of the project: %s', (field, name, value) => {
  const text = nodeOp('x').replace('  name: x', `  name: x\n  ${field}: {${name}: '${value}'}`);
  expect(load(text)).toMatchObject({ metadata: { [field]: { [name]: value } } });
  const source = { path: 'runs/x.yaml', mode: '100644', blob: 'b', commit: 'c', content: Buffer.from(text) };
  const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
  expect(prepareRun(source, { layout, namespace: 'default', definitions: [] })).toMatchObject({
    ok: false,
    problems: [{ path: ['metadata', field, name], message: 'is for the agent alone to write' }],
  });
});
