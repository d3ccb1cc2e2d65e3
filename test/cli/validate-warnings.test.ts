import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';

/** What is allowed, and yet does not do what it seems to. */
const step = (soakSeconds: number, indent: string) =>
  [
    'steps:',
    '  - name: canary',
    '    upTo: 1',
    `    soakSeconds: ${soakSeconds}`,
    '    checks:',
    '      - name: shop',
    '        http: {url: "https://shop.example.org/health"}',
    '        intervalSeconds: 60',
  ]
    .map((line) => `${indent}${line}\n`)
    .join('');
const nodeOp = (name: string, more: string) =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}}\nspec:\n  image: busybox\n  command: ["true"]\n${more}`;
const FILES = {
  'nodeops/flash.yaml': nodeOp('flash', step(0, '  ')),
  'runs/a.yaml': nodeOp('a', step(60, '  ')),
  'runs/b.yaml': `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: flash\n  overrides:\n${step(30, '    ')}`,
  'runs/fine.yaml': nodeOp('fine', step(61, '  ')),
  'runs/wrong.yaml': nodeOp('wrong', `${step(0, '  ')}  concurency: 1\n`),
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-warnings-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

const ALONE = 'is evaluated after the soak alone: intervalSeconds is 60, and the step';

test('an interval without a soak, or as long as it, is told with its place and is no problem', async () => {
  const files = ['nodeops/flash.yaml', 'runs/a.yaml', 'runs/b.yaml', 'runs/fine.yaml'];
  const { code, stdout } = await cli(['validate', ...files], {}, dir);
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    `nodeops/flash.yaml:14:11: warning: spec.steps[0].checks[0].intervalSeconds: check shop of step canary ${ALONE} does not soak`,
    `runs/a.yaml:14:11: warning: spec.steps[0].checks[0].intervalSeconds: check shop of step canary ${ALONE} soaks for 60 s only`,
    `runs/b.yaml:13:13: warning: spec.overrides.steps[0].checks[0].intervalSeconds: check shop of step canary ${ALONE} soaks for 30 s only`,
    '4 files checked, 0 problems, 3 warnings',
    '',
  ]);
});

test('a file with problems has those told alone, and the others their warnings', async () => {
  const { code, stdout } = await cli(['validate'], {}, dir);
  expect(code).toBe(1);
  expect(stdout).toMatch(/runs\/wrong\.yaml:15:3: spec\.concurency: unknown field/);
  expect(stdout).not.toMatch(/wrong\.yaml.* warning: /);
  expect(stdout).toMatch(/\n5 files checked, 1 problem, 3 warnings\n$/);
});

test('workflows on GitHub show it as a warning, and scripts have it apart from the problems', async () => {
  const github = await cli(['validate', 'runs/a.yaml', '-o', 'github'], {}, dir);
  expect(github.stdout).toBe(
    `::warning file=runs/a.yaml,line=14,col=11::spec.steps[0].checks[0].intervalSeconds: check shop of step canary ${ALONE} soaks for 60 s only\n`,
  );
  const json = await cli(['validate', 'runs/a.yaml', '-o', 'json'], {}, dir);
  expect([json.code, JSON.parse(json.stdout)]).toEqual([
    0,
    {
      files: 1,
      problems: [],
      warnings: [expect.objectContaining({ file: 'runs/a.yaml', line: 14, column: 11 })],
    },
  ]);
});
