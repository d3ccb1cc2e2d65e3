import type { Content, LocatedProblem } from '../../api/documents.ts';
import { parseDocument, unreadable } from '../../api/documents.ts';
import { AGENT_API_VERSION } from '../../api/config.ts';
import {
  NODEOPRUN_KIND,
  RecurringRunSchema,
  ScheduleSchema,
  type RecurringRun,
} from '../../api/nodeoprun.ts';
import { NODEOP_API_VERSION, NODEOP_KIND } from '../../api/nodeop.ts';
import { DeclaredSchema } from '../../api/parameters.ts';
import { check, namespaceName, nearest, type Problem } from '../../api/schema.ts';
import type { Spelled } from '../../api/yaml.ts';
import { z } from 'zod';
import { isObject } from './merge.ts';
import { nameProblem } from './names.ts';
import { type Declarations, readDeclarations } from './parameters/declared.ts';
import { numberProblem } from './parameters/value.ts';
import type { Schedule } from './schedules.ts';

export type Declares = { ok: true; value: Declarations } | { ok: false; problems: LocatedProblem[] };

/** One file under the definitions' folder; its spec is checked when a run uses it, after merging. */
export interface Definition {
  path: string;
  result:
    | {
        ok: true;
        name: string;
        metadata: Record<string, unknown>;
        spec: unknown;
        /** What it allows its runs, or what is wrong with that. */
        declares: Declares;
        /** Where the definition itself says when it is due. */
        recurring?: RecurringRun;
      }
    | { ok: false; problems: LocatedProblem[] };
}

const Outline = z.looseObject({
  apiVersion: z.literal(NODEOP_API_VERSION),
  kind: z.literal(NODEOP_KIND),
  metadata: z.looseObject({ name: z.string(), namespace: namespaceName().optional() }),
  spec: z.unknown(),
});

/** The kinds of files under the definitions' folder. */
const KINDS = [
  { apiVersion: NODEOP_API_VERSION, kind: NODEOP_KIND, schema: Outline },
  { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: RecurringRunSchema },
];

/** A file under the definitions' folder: a definition (also what cannot be read), or a schedule. Never throws. */
export function parseDefinition(path: string, content: Content): Definition | Schedule {
  const message = nameProblem(path);
  if (message !== undefined) return { path, result: { ok: false, problems: [{ path: [], message }] } };
  try {
    return parse(path, content);
  } catch (error) {
    return { path, result: unreadable(error) };
  }
}

function parse(path: string, content: Content): Definition | Schedule {
  const parsed = parseDocument<z.infer<typeof Outline> | RecurringRun>(content, KINDS);
  if (!parsed.ok) return { path, result: { ok: false, problems: parsed.problems } };
  const document = parsed.value;
  if (document.kind === NODEOPRUN_KIND) {
    const misread = misreadNumbers(document, parsed.spelled);
    if (misread.length > 0) return { path, result: { ok: false, problems: parsed.locate(misread) } };
    return { path, run: document };
  }
  const { metadata } = document;
  const { spec, schedule } = ownParts(document.spec);
  const read = readDeclarations(document.spec, parsed.spelled);
  const declares: Declares = read.ok ? read : { ok: false, problems: parsed.locate(read.problems) };
  const definition = { ok: true as const, name: metadata.name, metadata, spec, declares };
  if (!schedule) return { path, result: definition };
  const recurring = check(RecurringRunSchema, recurringRun(document, schedule));
  if (!recurring.ok) return { path, result: { ok: false, problems: parsed.locate(recurring.problems) } };
  return { path, result: { ...definition, recurring: recurring.value } };
}

/** Numbers in the parameters of a schedule that its run files would hold in other words than the schedule. */
function misreadNumbers({ spec }: RecurringRun, spelled: Spelled): Problem[] {
  return Object.entries(spec.parameters ?? {}).flatMap(([name, value]) => {
    const path = ['spec', 'parameters', name];
    const message = typeof value === 'number' ? numberProblem(value, spelled(path)) : undefined;
    return message === undefined ? [] : [{ path, message }];
  });
}

const DECLARED = new Set(Object.keys(DeclaredSchema.shape));
const TIMES = new Set(Object.keys(ScheduleSchema.shape));

/** A definition's spec as a NodeOp has it, and apart from it what it says of its times. */
export function ownParts(spec: unknown): { spec: unknown; schedule?: Record<string, unknown> } {
  if (!isObject(spec)) return { spec };
  const fields = Object.entries(spec);
  const own = fields.filter(([name]) => !TIMES.has(name) && !DECLARED.has(name));
  const times = fields.filter(([name]) => TIMES.has(name));
  const rest = own.length === fields.length ? spec : Object.fromEntries(own);
  return { spec: rest, ...(times.length > 0 && { schedule: Object.fromEntries(times) }) };
}

function recurringRun({ metadata, spec }: z.infer<typeof Outline>, schedule: object): unknown {
  const { name, namespace } = metadata;
  const suspend = isObject(spec) ? spec['suspend'] : undefined;
  return {
    apiVersion: AGENT_API_VERSION,
    kind: NODEOPRUN_KIND,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: { nodeOp: name, ...schedule, ...(suspend !== undefined && { suspend }) },
  };
}

export type Found =
  | { ok: true; path: string; metadata: Record<string, unknown>; spec: unknown; declares: Declares }
  | { ok: false; problem: Problem };

/** The one definition of that name; the problem names the neighbours when there is none or several. */
export function findDefinition(definitions: readonly Definition[], name: string): Found {
  const named = definitions.flatMap(({ path, result }) => (result.ok ? [{ path, ...result }] : []));
  const found = named.filter((it) => it.name === name);
  const first = found[0];
  if (first && found.length === 1) return first;
  const path = ['spec', 'nodeOp'];
  if (first) {
    const where = found.map((it) => it.path).join(', ');
    return {
      ok: false,
      problem: { path, message: `definition "${name}" is there more than once: ${where}` },
    };
  }
  const guess = nearest(
    name,
    named.map((it) => it.name),
  );
  const broken = definitions.filter((it) => !it.result.ok).map((it) => it.path);
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`;
  const unread = broken.length === 0 ? '' : `; not readable: ${broken.join(', ')}`;
  return { ok: false, problem: { path, message: `no definition is named "${name}"${hint}${unread}` } };
}
