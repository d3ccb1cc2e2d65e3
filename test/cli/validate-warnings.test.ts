import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
const BY_DIGEST = `busybox@sha256:${'a'.repeat(64)}`;
const nodeOp = (name: string, more: string) =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}}\nspec:\n  image: ${BY_DIGEST}\n  command: ["true"]\n${more}`;
const FILES = {
  'nodeops/flash.yaml': nodeOp('flash', step(0, '  ')),
  'runs/a.yaml': nodeOp('a', step(60, '  ')),
  'runs/b.yaml': `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: flash\n  overrides:\n${step(30, '    ')}`,
  'runs/fine.yaml': nodeOp('fine', step(61, '  ')),
  'runs/wrong.yaml': nodeOp('wrong', `${step(0, '  ')}  concurency: 1\n`),
};

/** A new folder with these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodeop-warnings-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

let dir: string;
beforeAll(() => {
  dir = folderOf(FILES);
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

describe('an image that is named by tag', () => {
  const IMAGES = {
    'nodeops/flash.yaml': `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: registry.example.org:5000/tools/flash:2.4
  command: ["true"]
  preflight: {command: ["true"], image: busybox}
  postflight:
    command: ["true"]
    image: registry.example.org:5000/tools/check:1@sha256:${'b'.repeat(64)}
  steps:
    - name: canary
      checks:
        - name: own
          command: {command: ["true"], image: "registry.example.org:5000/tools/flash:latest"}
`,
    'runs/a.yaml': `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec:
  nodeOp: flash
  overrides:
    image: registry.example.org:5000/tools/flash:2.5
`,
    'runs/b.yaml': `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec:
  nodeOp: flash
  overrides: {preflight: null, steps: null}
`,
    'runs/d.yaml': nodeOp('d', '  postflight: {command: ["true"], image: busybox}\n'),
  };
  const TOOL = 'registry.example.org:5000/tools/flash';
  const told = (image: string, more = '') => {
    const named = /:[^/]*$/.test(image) ? 'by tag' : 'without a tag, which is the tag latest';
    const name = image.startsWith(TOOL) ? TOOL : image;
    return `${image} is named ${named}, and a tag may be moved while a rollout goes on; name the image by digest: ${name}@sha256:…${more}`;
  };
  let repository: string;
  beforeAll(() => {
    const node = 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n';
    repository = folderOf({ ...IMAGES, 'nodes.yaml': node });
  });
  afterAll(() => rmSync(repository, { recursive: true }));

  test('is told once where it is meant to change, where it stands first, and is no problem', async () => {
    const { code, stdout } = await cli(['validate'], {}, repository);
    expect([code, stdout.trim().split('\n')]).toEqual([
      0,
      [
        `nodeops/flash.yaml:7:34: warning: spec.preflight.image: ${told('busybox', ' (it stands in 1 more place)')}`,
        `nodeops/flash.yaml:15:40: warning: spec.steps[0].checks[0].command.image: ${told(`${TOOL}:latest`)}`,
        '4 files checked, 0 problems, 2 warnings',
      ],
    ]);
  });

  test('is told by a plan of what would run, wherever it was written', async () => {
    const notes = async (run: string) => {
      const args = ['plan', '--nodes', 'nodes.yaml', run, '-o', 'json'];
      const { code, stdout } = await cli(args, {}, repository);
      expect(code).toBe(0);
      const [{ preview }] = JSON.parse(stdout) as [{ preview: { notes: string[] } }];
      return preview.notes.filter((it) => it.includes('is named'));
    };
    expect(await notes('runs/a.yaml')).toEqual([
      `runs/a.yaml:6:5: spec.overrides.image: ${told(`${TOOL}:2.5`)}`,
      `nodeops/flash.yaml:7:34: spec.preflight.image: ${told('busybox')}`,
      `nodeops/flash.yaml:15:40: spec.steps[0].checks[0].command.image: ${told(`${TOOL}:latest`)}`,
    ]);
    expect(await notes('runs/b.yaml')).toEqual([
      `nodeops/flash.yaml:5:3: spec.image: ${told(`${TOOL}:2.4`)}`,
    ]);
  });

  test('is the configuration where that alone names one', async () => {
    const config = `apiVersion: agent.nodeop.dev/v1alpha1
kind: AgentConfig
git: {url: ., insecure: true}
defaults:
  image: alpine:latest
`;
    writeFileSync(join(repository, 'agent.yaml'), config);
    const run = IMAGES['runs/b.yaml'].replace('preflight', 'image: null, preflight');
    writeFileSync(join(repository, 'runs/c.yaml'), run);
    try {
      const { stdout } = await cli(['validate', 'agent.yaml'], {}, repository);
      expect(stdout).toMatch(/^agent\.yaml:5:3: warning: defaults\.image: alpine:latest is named by tag,/);
      const args = ['plan', '--config', 'agent.yaml', '--nodes', 'nodes.yaml', 'runs/c.yaml'];
      const plan = await cli(args, {}, repository);
      expect(plan.stdout).toMatch(/^- defaults\.image: alpine:latest is named by tag,/m);
    } finally {
      rmSync(join(repository, 'runs/c.yaml'));
    }
  });
});
