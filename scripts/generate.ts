import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };
import { AgentConfigSchema } from '../src/api/config.ts';
import { NodeOpCrdSchema, NodeOpManifestSchema, NodeOpSpecSchema } from '../src/api/nodeop.ts';
import { NOTIFY_FIELDS, NotifyTargetSchema } from '../src/api/notify.ts';
import { NodeOpRunSchema, RecurringRunSchema, ScheduleSchema } from '../src/api/nodeoprun.ts';
import { DeclaredSchema } from '../src/api/parameters.ts';
import { NodeOpReportSchema } from '../src/api/report.ts';
import { customResourceDefinition } from './generate/crd.ts';
import { dashboard } from './generate/dashboard.ts';
import { undescribed } from './generate/descriptions.ts';
import { fieldTable, replaceTable } from './generate/field-table.ts';
import type { JsonSchema } from './generate/structural.ts';

/**
 * Writes every file that follows from the schemas in src/api, and the dashboard of the metrics: `node scripts/generate.ts`. With `--check`
 * nothing is written; the names of stale files are printed and the exit code is 1.
 */
const ROOT = join(import.meta.dirname, '..');

/** Where the schemas can be had: the address that package.json names. */
const REPOSITORY = packageJson.repository.url.replace(/^git\+|\.git$/g, '');

/** Schemas describe what people write, before defaults are filled in. */
const input = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Draft 7 is what editors and most validators read. */
const draft7 = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });

function jsonSchema(title: string, schema: z.ZodType): string {
  return written(title, draft7(schema));
}

function written(title: string, { $schema, ...rest }: Record<string, unknown>): string {
  const $id = `${REPOSITORY}/raw/main/config/schemas/${title.toLowerCase()}.json`;
  // Many validators compile patterns without the flag that \p{…} needs; the program itself checks these.
  const portable = (key: string, value: unknown): unknown => {
    const isUnknown = key === 'pattern' && typeof value === 'string' && value.includes('\\p{');
    return isUnknown || key.startsWith('x-') ? undefined : value;
  };
  const tellsOnce = (key: string, value: unknown): unknown => joined(portable(key, value));
  return `${JSON.stringify({ $schema, $id, title, ...rest }, tellsOnce, 2)}\n`;
}

/** Keywords that are of matter to every type, so that two branches with them cannot be one. */
const OF_ALL_TYPES = ['enum', 'const', 'anyOf', 'oneOf', 'description', 'default'];

/**
 * A choice between types as one schema of both: most keywords are of matter to one type only. Of a choice validators
 * tell what is wrong by each branch, and that it is none of them.
 */
function joined(schema: unknown): unknown {
  const { anyOf, ...rest } = (schema ?? {}) as JsonSchema;
  if (!Array.isArray(anyOf)) return schema;
  const types = anyOf.map(({ type }) => type);
  const isOfOneType = types.every((it) => typeof it === 'string') && new Set(types).size === types.length;
  const isNumber = types.includes('number') && types.includes('integer');
  if (!isOfOneType || isNumber || anyOf.some((it) => OF_ALL_TYPES.some((key) => key in it))) return schema;
  return { ...rest, ...Object.assign({}, ...anyOf), type: types };
}

/** For files in both folders, so that one schema serves an editor. */
function nodeOpSchema(): string {
  const schema = JSON.parse(jsonSchema('NodeOp', NodeOpManifestSchema)) as {
    properties: { spec: JsonSchema };
  };
  const { spec } = schema.properties;
  const ofDefinitions = { ...input(ScheduleSchema).properties, ...input(DeclaredSchema).properties };
  for (const [name, field] of Object.entries(ofDefinitions)) {
    spec.properties = {
      ...spec.properties,
      [name]: { ...field, description: `In definitions only. ${field.description ?? ''}`.trim() },
    };
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/**
 * For run files and for those with a schedule, which lie beside the definitions. Which of both is meant is asked first:
 * of a choice (`anyOf`) validators tell what is wrong by either.
 */
function nodeOpRunSchema(): string {
  const { $schema, ...run } = draft7(NodeOpRunSchema);
  const { $schema: _, ...recurring } = draft7(RecurringRunSchema);
  const hasSchedule = {
    type: 'object',
    required: ['spec'],
    properties: { spec: { type: 'object', required: ['schedule'], properties: { schedule: {} } } },
  };
  // oxlint-disable-next-line no-thenable -- a keyword of JSON Schema
  return written('NodeOpRun', { $schema, type: 'object', if: hasSchedule, then: recurring, else: run });
}

function crd(): string {
  const yaml = dump(customResourceDefinition(input(NodeOpCrdSchema)), { lineWidth: 110, noRefs: true });
  return `# Generated by scripts/generate.ts from src/api/nodeop.ts. Do not edit.\n${yaml}`;
}

function fieldReference(page: string, schema: z.ZodType): string {
  return replaceTable(read(page) ?? '', fieldTable(input(schema)));
}

/** Fields of the configuration, then the names that templates have. */
function notifications(): string {
  const page = 'docs/notifications.md';
  const names = Object.entries(NOTIFY_FIELDS).map(([name, meaning]) => `| \`{${name}}\` | ${meaning} |`);
  const table = ['| in a template | what it holds |', '|---|---|', ...names].join('\n');
  return replaceTable(read(page) ?? '', `${fieldTable(input(NotifyTargetSchema))}\n\n${table}`);
}

const FILES: Record<string, () => string> = {
  'manifests/crd/nodeops.operator.kairos.io.yaml': crd,
  'config/schemas/nodeop.json': nodeOpSchema,
  'config/schemas/nodeoprun.json': nodeOpRunSchema,
  'config/schemas/nodeopreport.json': () => jsonSchema('NodeOpReport', NodeOpReportSchema),
  'config/schemas/agentconfig.json': () => jsonSchema('AgentConfig', AgentConfigSchema),
  'docs/nodeop.md': () => fieldReference('docs/nodeop.md', NodeOpSpecSchema),
  'docs/notifications.md': notifications,
  'docs/parameters.md': () => fieldReference('docs/parameters.md', DeclaredSchema),
  'examples/monitoring/dashboard.json': dashboard,
};

/** What `kubectl explain` and editors show is part of a field. */
const mute = [
  NodeOpCrdSchema,
  NodeOpManifestSchema,
  NodeOpRunSchema,
  RecurringRunSchema,
  NodeOpReportSchema,
  AgentConfigSchema,
].flatMap((schema) => undescribed(input(schema)));
if (mute.length > 0)
  throw new Error(`fields without a description, which is a sentence: ${[...new Set(mute)].join(', ')}`);

const stale = Object.entries(FILES)
  .map(([path, make]) => ({ path, text: make() }))
  .filter(({ path, text }) => read(path) !== text);

if (process.argv.includes('--check')) {
  for (const { path } of stale) process.stderr.write(`${path} is stale; run: npm run generate\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const { path, text } of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
}
