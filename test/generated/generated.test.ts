import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../src/api/config.ts';
import { parseDocument, type Kind } from '../../src/api/documents.ts';
import { NODEOP_API_VERSION, NODEOP_KIND, NodeOpManifestSchema } from '../../src/api/nodeop.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema, RecurringRunSchema } from '../../src/api/nodeoprun.ts';
import { NodeOpReportSchema, REPORT_KIND } from '../../src/api/report.ts';
import { toStructural, type JsonSchema } from '../../scripts/generate/structural.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const KINDS: Kind[] = [
  { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema },
  { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema },
  { apiVersion: AGENT_API_VERSION, kind: REPORT_KIND, schema: NodeOpReportSchema },
  { apiVersion: NODEOP_API_VERSION, kind: NODEOP_KIND, schema: NodeOpManifestSchema },
];

/** A NodeOpRun with a schedule is another one than a run file. */
const RECURRING: Kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: RecurringRunSchema };

function problemsOf(text: string): unknown {
  const recurs = /^ {2}schedule:/m.test(text) && text.includes(`kind: ${NODEOPRUN_KIND}`);
  const parsed = parseDocument(Buffer.from(text), recurs ? [RECURRING] : KINDS);
  return parsed.ok ? [] : parsed.problems;
}

test('generated files are those of the schemas', () => {
  const result = spawnSync(process.execPath, ['scripts/generate.ts', '--check'], { cwd: ROOT });
  expect(result.stderr.toString()).toBe('');
  expect(result.status).toBe(0);
});

const structural = (schema: z.ZodType) => toStructural(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema);

describe('structural schemas', () => {
  test('keep bounds, patterns and defaults, and say which integers are wide', () => {
    const schema = z.strictObject({
      small: z.int().min(0).max(10).default(3),
      wide: z.int().optional(),
      word: z.string().regex(/^a+$/),
      at: z.iso.datetime().optional(),
    });
    expect(structural(schema)).toEqual({
      type: 'object',
      required: ['word'],
      properties: {
        small: { type: 'integer', format: 'int32', minimum: 0, maximum: 10, default: 3 },
        wide: { type: 'integer', format: 'int64' },
        word: { type: 'string', pattern: '^a+$' },
        at: { type: 'string', format: 'date-time' },
      },
    });
  });

  test('never set a default of "", and let texts that may be empty be null', () => {
    const schema = z.strictObject({ note: z.string().default(''), label: z.string().regex(/^a*$/) });
    const { note, label } = structural(schema).properties ?? {};
    expect(note).toEqual({ type: 'string' });
    expect(label).toMatchObject({ nullable: true });
  });

  test('turn maps into additionalProperties', () => {
    const schema = z.strictObject({ labels: z.record(z.string(), z.string().min(1)) });
    expect(structural(schema).properties?.labels).toEqual({
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
    });
  });

  test('have a word of their own for a quantity', () => {
    const schema = z.strictObject({ cpu: z.union([z.int(), z.string().regex(/^1m$/)]).describe('Much.') });
    expect(structural(schema).properties?.['cpu']).toEqual({
      description: 'Much.',
      'x-kubernetes-int-or-string': true,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      pattern: '^1m$',
    });
  });

  test.each([
    ['a literal', z.strictObject({ a: z.literal('x') })],
    ['anything', z.strictObject({ a: z.unknown() })],
  ])('refuse what they cannot say: %s', (_name, schema) => {
    expect(() => structural(schema)).toThrow(/structural schema/);
  });
});

test('config/agent.yaml is valid', () => {
  expect(problemsOf(read('config/agent.yaml'))).toEqual([]);
});

test('config/agent.yaml is valid with every optional line, and then names every field', () => {
  const uncommented = read('config/agent.yaml').replaceAll(/^( *)# ( *(?:[a-zA-Z]+:( |$).*))$/gm, '$1$2');
  const withoutProse = uncommented.replaceAll(/^ *#.*$/gm, '');
  // Ways into a repository that exclude each other are all shown.
  const alternative = /^(is for (https|ssh) URLs only|there is \w+ already|and (\d+|many) more problems?)$/;
  const problems = z.array(z.object({ message: z.string() })).parse(problemsOf(withoutProse));
  expect(problems.filter((it) => !alternative.test(it.message))).toEqual([]);
  const schema = z.toJSONSchema(AgentConfigSchema, { io: 'input' }) as JsonSchema;
  // The fields of git.access are shown once.
  const again = /^git\.(writeAccess|results\.access|results\.writeAccess)\./;
  const unnamed = namesOf(load(withoutProse), schema).filter((it) => !again.test(it));
  expect(unnamed).toEqual([]);
});

/** Paths of the fields a schema has and a value has not. */
function namesOf(value: unknown, schema: JsonSchema, path = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    return inner === undefined ? [`${path}${name}`] : namesOf(inner, field, `${path}${name}.`);
  });
}

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((it) => `docs/${it}`)];
const examples = pages
  .filter((it) => it.endsWith('.md'))
  .flatMap((page) =>
    [...read(page).matchAll(/^```yaml\n(.*?)^```$/gms)].map((match, i) => ({
      name: `${page} example ${i + 1}`,
      text: match[1] ?? '',
    })),
  )
  // Kinds of other projects, such as an Argo CD Application, are theirs to judge.
  .filter(({ text }) => !/^apiVersion: (?!operator\.kairos\.io|agent\.nodeop\.dev)/m.test(text))
  .filter(({ text }) => !text.startsWith('# kustomization.yaml'));

/** A section of the agent's configuration shown alone, as a whole configuration. */
const whole = (text: string) => {
  const [section] = /^(?:git|http):/.exec(text) ?? [];
  if (section === undefined) return text;
  const rest = section === 'git:' ? '' : 'git: {url: https://example.org/operations.git}\n';
  return `apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\n${rest}${text}`;
};

test.each(examples)('$name is valid', ({ text }) => {
  expect(problemsOf(whole(text))).toEqual([]);
});
