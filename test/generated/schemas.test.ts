import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { summarise } from '../../src/core/rollout/summary.ts';
import { formatReport, reportNodeOp, reportVerdict, reportWait } from '../../src/core/runs/report.ts';
import { undescribed } from '../../scripts/generate/descriptions.ts';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const FILES = readdirSync(join(ROOT, 'config/schemas'));
const schemas = new Map(FILES.map((it) => [it, JSON.parse(read(`config/schemas/${it}`)) as object]));

test.each(FILES)('%s: every field has a description, a sentence', (file) => {
  expect(undescribed(schemas.get(file))).toEqual([]);
});

test('a field without one is found, however deep', () => {
  const field = {
    type: 'object',
    properties: { told: { type: 'string', description: 'It.' }, mute: { type: 'string' } },
  };
  const list = {
    type: 'array',
    description: 'Many.',
    items: { anyOf: [field, { properties: { rule: { minimum: 1 } } }] },
  };
  expect(undescribed({ properties: { list, short: { description: 'no sentence' } } })).toEqual([
    'list[].mute',
    'short',
  ]);
});

/** As strict as validators are that people use; formats are theirs to know. */
const ajv = new Ajv({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  validateFormats: false,
});
const validators = new Map(
  [...schemas].map(([file, schema]) => [file.replace('.json', ''), ajv.compile(schema)]),
);

function errorsOf(document: object, kind = String(Reflect.get(document, 'kind'))): string[] {
  const validate = validators.get(kind.toLowerCase());
  if (!validate) throw new Error(`no schema for ${kind}`);
  validate(document);
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if')
    .map((it) => `${it.instancePath}: ${it.message}`);
}

const OURS = /^apiVersion: (operator\.kairos\.io|agent\.nodeop\.dev)\/v1alpha1$/m;

/** All documents of ours that this repository shows: in files by themselves, and in the pages. */
function* documents(folder: string): Generator<[name: string, text: string]> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(ROOT.length + 1);
    if (/\.ya?ml$/.test(entry.name)) yield [path, read(path)];
    if (entry.name.endsWith('.md')) {
      const blocks = [...read(path).matchAll(/^```yaml\n(.*?)^```$/gms)];
      for (const [i, [, text = '']] of blocks.entries()) yield [`${path} ${i + 1}`, text];
    }
  }
}

/** What `init` fills in. */
const filled = (text: string) =>
  text.replaceAll('{{cluster}}', 'berlin').replace('{{url}}', 'git@git.example.org:ops/nodes.git');

const readme = [...read('README.md').matchAll(/^```yaml\n(.*?)^```$/gms)].map(
  ([, text = ''], i): [string, string] => [`README.md ${i + 1}`, text],
);
const shown = ['docs', 'examples', 'config', 'test/reference', 'test/samples']
  .flatMap((folder) => [...documents(folder)])
  .concat(readme)
  .flatMap(([name, text]) => text.split(/^---$/m).map((part): [string, string] => [name, part]))
  .filter(([, text]) => OURS.test(text));

describe('an editor finds nothing wrong with what is shown', () => {
  test.each(shown)('%s', (_, text) => {
    expect(errorsOf(load(filled(text)) as object)).toEqual([]);
  });

  test('in reports neither, whatever became of a run', () => {
    const subject = {
      path: 'runs/a.yaml',
      commit: 'c'.repeat(40),
      author: 'Ada',
      blob: 'b'.repeat(40),
      cluster: 'berlin',
    };
    const started = '2030-01-31T22:00:00.000Z';
    const failed = {
      phase: 'Failed' as const,
      message: 'exit code 3',
      cause: 'no',
      cordoned: true,
      exitCode: 3,
      startedAt: started,
    };
    const nodeOp = {
      metadata: {
        name: 'a',
        namespace: 'ops',
        uid: 'u',
        annotations: { 'agent.nodeop.dev/run': 'berlin:runs/a.yaml' },
      },
      spec: NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'] }),
      status: {
        phase: 'Failed' as const,
        startedAt: started,
        completedAt: started,
        summary: summarise([failed]),
        nodeStatuses: { 'node-1': failed },
      },
    };
    const problems = [{ path: ['spec', 'image'], message: 'is required', line: 3, column: 1 }];
    const wait = {
      reason: 'NotBefore' as const,
      message: 'not before 2031',
      until: Date.parse('2031-01-01'),
    };
    const reports = [
      reportNodeOp(subject, nodeOp, new Map([['node-1', 'last words']]), 'd'.repeat(40), []),
      reportVerdict(
        subject,
        { phase: 'Invalid', reason: 'InvalidRunFile', problems },
        undefined,
        new Date(started),
      ),
      reportWait(subject, wait),
    ];
    expect(reports.map((it) => errorsOf(load(formatReport(it)) as object))).toEqual(reports.map(() => []));
  });

  test('and that is a lot', () => {
    const kinds = new Set(shown.map(([, text]) => /^kind: (\w+)$/m.exec(text)?.[1]));
    expect(kinds).toEqual(new Set(['AgentConfig', 'NodeOp', 'NodeOpRun']));
  });
});

const RUN = { apiVersion: 'agent.nodeop.dev/v1alpha1', kind: 'NodeOpRun', metadata: { name: 'a' } };

const CONFIG = {
  apiVersion: RUN.apiVersion,
  kind: 'AgentConfig',
  git: { url: 'ssh://git@git.example.org/a.git' },
};
const SPEC = { image: 'busybox', command: ['true'] };

test.each<[string, object, string, string[]]>([
  [
    'another kind',
    { ...RUN, kind: 'NodeOp', spec: { nodeOp: 'a' } },
    'NodeOpRun',
    ['/kind: must be equal to constant'],
  ],
  [
    'a run with a mistake',
    { ...RUN, spec: { nodeOp: 'a', suspend: 'yes' } },
    'NodeOpRun',
    ['/spec/suspend: must be boolean'],
  ],
  [
    'a run without a definition',
    { ...RUN, spec: {} },
    'NodeOpRun',
    ["/spec: must have required property 'nodeOp'"],
  ],
  [
    'one with a schedule, and a mistake of its own',
    { ...RUN, spec: { nodeOp: 'a', schedule: '0 2 * * *', concurrencyPolicy: 'Replace' } },
    'NodeOpRun',
    ['/spec/concurrencyPolicy: must be equal to one of the allowed values'],
  ],
  [
    'one with a schedule, and what runs alone have',
    { ...RUN, spec: { nodeOp: 'a', schedule: '0 2 * * *', notBefore: 'x' } },
    'NodeOpRun',
    ['/spec: must NOT have additional properties'],
  ],
  [
    'a name of a cluster that is none',
    { ...CONFIG, cluster: 'Berlin 1' },
    'AgentConfig',
    [expect.stringMatching(/^\/cluster: must match pattern/)],
  ],
  [
    'a cluster that is no name',
    { ...CONFIG, cluster: 1 },
    'AgentConfig',
    ['/cluster: must be string,object'],
  ],
  [
    'a share that is none',
    {
      ...RUN,
      kind: 'NodeOp',
      apiVersion: 'operator.kairos.io/v1alpha1',
      spec: { ...SPEC, concurrency: '0%' },
    },
    'NodeOp',
    [expect.stringMatching(/^\/spec\/concurrency: must match pattern/)],
  ],
])('of %s an editor tells the mistake, and nothing else', (_, document, kind, errors) => {
  expect(errorsOf(document, kind)).toEqual(errors);
});
