import { distance } from 'fastest-levenshtein';
import { z } from 'zod';

/**
 * Building blocks of the schemas. One Zod schema per kind gives the TypeScript type, the defaults, the
 * validation, the CRD and the JSON Schema; these helpers keep what all of them share.
 */

/** One thing wrong with a document: where (path of keys and indexes from the root) and what. */
export interface Problem {
  path: (string | number)[];
  message: string;
}

/** `spec.command[0]`, with quotes around keys that are not plain words; '' for the root. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\w-]+$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

export function formatProblem(problem: Problem): string {
  const path = formatPath(problem.path);
  return path === '' ? problem.message : `${path}: ${problem.message}`;
}

/** The known name nearest to a mistyped one, if any is near enough to be worth suggesting. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

/** An object that refuses unknown fields, one message a field (joined by newlines) with a suggestion. */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const known = Object.keys(shape);
      return issue.keys.map((key) => unknownField(key, known)).join('\n');
    },
  });
}

function unknownField(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  const way = guess === undefined ? `known fields are ${known.join(', ')}` : `did you mean "${guess}"?`;
  return `unknown field ${JSON.stringify(key)}; ${way}`;
}

/** Checks `value` against `schema`: the value with defaults filled in, or every problem found. */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { ok: true; value: T } | { ok: false; problems: Problem[] } {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap(problemsOf) };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? 'unknown field' }));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return [{ path, message: 'is required' }];
  }
  // What is wrong with the key of a map is told one level down.
  if (issue.code === 'invalid_key')
    return issue.issues.map((inner) => ({ path, message: lowerFirst(inner.message) }));
  return [{ path, message: lowerFirst(issue.message) }];
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
  z.string().regex(DURATION, 'expected a duration such as "30s", "5m" or "1h30m"');
const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a valid duration text. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
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

/** A date and time with a zone, RFC 3339. */
export const timestamp = () =>
  z.iso.datetime({ offset: true, error: 'expected a date and time such as "2030-01-31T22:00:00Z"' });
