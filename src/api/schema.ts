import { z } from 'zod';
import { nearest, show, withFound, wording } from './wording.ts';

export { nearest, show } from './wording.ts';

/**
 * Building blocks of the schemas. One Zod schema per kind gives the TypeScript type, the defaults, the
 * validation, the CRD and the JSON Schema; these helpers keep what all of them share.
 */

/** One thing wrong with a document: where (path of keys and indexes from the root) and what. */
export interface Problem {
  path: (string | number)[];
  message: string;
}

const MAX_KEY = 100;

/** `spec.command[0]`, with quotes around keys that are not plain words; '' for the root. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (key.length <= MAX_KEY && /^[\w-]+$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${show(key, MAX_KEY)}]`;
  }
  return text;
}

export function formatProblem(problem: Problem): string {
  const path = formatPath(problem.path);
  return path === '' ? problem.message : `${path}: ${problem.message}`;
}

/**
 * An object that refuses unknown fields, one message a field (joined by newlines) with a suggestion.
 * @param elsewhere of fields that people look for here, where they belong
 */
export function object<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  elsewhere: Readonly<Record<string, string>> = {},
) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const known = Object.keys(shape);
      // Nobody is told of more, and each suggestion has to be looked for.
      return issue.keys
        .slice(0, MAX_SUGGESTIONS)
        .map((key) => unknownField(key, known, Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined))
        .join('\n');
    },
  });
}
const MAX_SUGGESTIONS = 20;

function unknownField(key: string, known: readonly string[], elsewhere: string | undefined): string {
  const guess = nearest(key, known);
  const way =
    elsewhere ?? (guess === undefined ? `known fields are ${known.join(', ')}` : `did you mean "${guess}"?`);
  return `unknown field ${show(key, MAX_KEY)}; ${way}`;
}

/**
 * Checks `value` against `schema`: the value with defaults filled in, or what is wrong with it. Of a list or map with very
 * many wrong entries the first are told: of thousands only a few are read, and each costs more than a right one.
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { ok: true; value: T } | { ok: false; problems: Problem[] } {
  endEarly(schema);
  const parse = (problemsLeft: number) => {
    let worded = 0;
    const error: z.core.$ZodErrorMap = (issue) =>
      worded++ < MANY_PROBLEMS ? wording(issue) : issue.input === undefined ? 'is required' : 'does not fit';
    // Zod hands it on to everything inside, and nothing outside of this call ever sees it.
    const context: Counting = { reportInput: true, error, count: { problemsLeft } };
    return { result: schema.safeParse(value, context), ...context.count };
  };
  const first = parse(MANY_PROBLEMS);
  // What counted was of an alternative that was not taken; then entries were passed over for nothing.
  const isCut = first.result.success && first.problemsLeft <= 0;
  const { result } = isCut ? parse(Infinity) : first;
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap(problemsOf) };
}

/** Of so many problems there may be more that were not looked for. */
export const MANY_PROBLEMS = 100;

/** What one check gives to Zod; a schema that is used without it looks at everything. */
interface Counting extends z.core.ParseContext<z.core.$ZodIssue> {
  count: { problemsLeft: number };
}

const LIMITED = new WeakSet<z.core.$ZodType>();
/** Entries whose problems are counted. */
const COUNTED = new WeakSet<z.core.$ZodType>();

/** Lets no list or map in the schema go on with its entries when there are problems enough. */
function endEarly(schema: z.core.$ZodType): void {
  if (LIMITED.has(schema)) return;
  LIMITED.add(schema);
  const { def } = internals(schema);
  const parts: Partial<Record<string, unknown>> = { ...def };
  for (const part of Object.values(parts).flatMap(partsIn)) endEarly(part);
  for (const entry of [parts['element'], parts['keyType'], parts['valueType']].flatMap(partsIn)) {
    // One may be of several lists.
    if (COUNTED.has(entry)) continue;
    COUNTED.add(entry);
    const inside = internals(entry);
    const run = inside.run.bind(inside);
    inside.run = (payload, context) => {
      const { count } = context as typeof context & Partial<Pick<Counting, 'count'>>;
      if (!count) return run(payload, context);
      if (count.problemsLeft <= 0) return payload;
      const result = run(payload, context);
      if (!(result instanceof Promise)) count.problemsLeft -= result.issues.length;
      return result;
    };
  }
}

/** What Zod shows to those who build on it. */
function internals({ _zod }: z.core.$ZodType): z.core.$ZodTypeInternals {
  return _zod;
}

/** Schemas that one is made of: its own, those of a shape, or alternatives. */
function partsIn(value: unknown): z.core.$ZodType[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('_zod' in value) return [value as z.core.$ZodType];
  return Object.values(value).filter((it): it is z.core.$ZodType => {
    return typeof it === 'object' && it !== null && '_zod' in it;
  });
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    const keys = issue.keys.slice(0, MANY_PROBLEMS);
    return keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? 'unknown field' }));
  }
  // What is wrong with the key of a map is told one level down.
  if (issue.code === 'invalid_key')
    return issue.issues.map((inner) => ({ path, message: lowerFirst(inner.message) }));
  const message = lowerFirst(issue.message);
  return [{ path, message: issue.code === 'invalid_format' ? withFound(message, issue.input) : message }];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const INT32_MAX = 2_147_483_647;

/** A whole number from `min` to the largest int32, the range of Kubernetes' own integer fields. */
export const int = (min = 0) => z.int().min(min).max(INT32_MAX);

/** Name of a file on the agent's machine, a mounted Secret for instance. */
export const file = (what: string) =>
  z.string().min(1, 'must not be empty').describe(`${what} The file is read at each use.`);

/** A period of time as Go and Kubernetes tools write it: `30s`, `5m`, `1h30m`, `500ms`. */
export const duration = () =>
  z
    .string({ error: ({ input }) => (typeof input === 'number' ? unitless(input) : undefined) })
    .regex(DURATION, DURATION_EXPECTED)
    .refine(
      (text) => !DURATION.test(text) || durationMs(text) <= MAX_DURATION_MS,
      'is longer than 100 years',
    );
const DURATION_EXPECTED = 'expected a duration such as "30s", "5m" or "1h30m"';
const unitless = (input: number) => `${DURATION_EXPECTED}, found the number ${input}; write "${input}s"`;
const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;
/** Added to a time it must still give a time. */
const MAX_DURATION_MS = 36_525 * 86_400_000;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a valid duration text. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total;
}

/** A DNS label or subdomain as `metadata.name` needs it (RFC 1123), at most 253 characters. */
export const objectName = () =>
  z
    .string()
    .max(253)
    .regex(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
      'expected lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
    );

/** Name of a namespace, which is one label of a domain. */
export const namespaceName = () =>
  objectName()
    .max(63)
    .regex(/^[^.]*$/, 'must not hold "."');

/** A date and time with a zone, RFC 3339. */
export const timestamp = () =>
  z.iso.datetime({ offset: true, error: 'expected a date and time such as "2030-01-31T22:00:00Z"' });
