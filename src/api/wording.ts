import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';

/** How problems are worded: what was expected, what was found, and the way out. */

/** Characters that act on a terminal or on the order of what stands beside them, and unpaired surrogates. */
const UNSHOWABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A value of others inside a message: one line, cut, with nothing in it that could act. */
export function show(value: unknown, limit = 60): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value, limit)).replace(UNSHOWABLE, asEscape);
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return 'a mapping';
}

/** The words of a library about a value of others, which they may repeat: cut, with nothing in them that could act. */
export function shownWords(text: string, limit = 300): string {
  return shorten(text, limit).replace(UNSHOWABLE, asEscape);
}

function shorten(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1).toWellFormed()}…` : text;
}

function asEscape(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** The known name nearest to a mistyped one, if any is near enough to be worth suggesting. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_GUESSED) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, far: far(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

const MAX_GUESSED = 100;

/** Two letters that changed places are one slip. */
function far(a: string, b: string): number {
  const isShuffled =
    a.length === b.length && a.split('').toSorted().join('') === b.split('').toSorted().join('');
  return distance(a, b) - (isShuffled && a !== b ? 1 : 0);
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

export function found(value: unknown): string {
  if (typeof value === 'string') return `the text ${show(value)}`;
  return typeof value === 'number' ? `the number ${show(value)}` : show(value);
}

/** The words of a schema that has none of its own; undefined where Zod's are good enough. */
export function wording(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (input === undefined) return 'is required';
  if (issue.code === 'invalid_type') {
    const expected = wholeNumber(issue) ? 'int' : issue.expected;
    const way = wayOut(expected, input, issue.path?.at(-1));
    return `expected ${NAMES[expected] ?? expected}, found ${found(input)}${way === '' ? '' : `; ${way}`}`;
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((it) => show(it));
    const guess = typeof input === 'string' ? nearest(input, issue.values.map(String)) : undefined;
    const way = guess === undefined ? '' : `; did you mean "${guess}"?`;
    return `expected ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}, found ${found(input)}${way}`;
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return sizeWording(issue);
  return issue.code === 'invalid_union' ? `does not fit, found ${found(input)}` : undefined;
}

/** Zod asks for a number first, and only then whether it is a whole one. */
function wholeNumber(issue: { expected: string; inst?: unknown }): boolean {
  return issue.expected === 'number' && (issue.inst as { isInt?: boolean } | undefined)?.isInt === true;
}

function sizeWording(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>): string {
  const { input, origin } = issue;
  const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  if (origin === 'string') return `must have ${bound} characters, has ${String(input).length}`;
  if (origin === 'array') return `must have ${bound} entries, has ${(input as unknown[]).length}`;
  return `must be ${bound}, found ${show(input)}`;
}

function wayOut(expected: string, input: unknown, field: PropertyKey | undefined): string {
  switch (expected) {
    case 'string':
      if (input === null) return 'write "" where an empty text is meant';
      // Of 1.10 and 0755 YAML has made other numbers.
      if (typeof input === 'number' && !Number.isInteger(input)) {
        return `quote it as it was written, such as "${input}"`;
      }
      if (typeof input === 'number' || typeof input === 'boolean') return `quote it: "${String(input)}"`;
      return '';
    case 'int':
    case 'number':
      return typeof input === 'string' ? numberFor(input, field) : '';
    case 'boolean':
      return booleanFor(input);
    case 'array':
      return listFor(input, field);
    default:
      return '';
  }
}

function numberFor(input: string, field: PropertyKey | undefined): string {
  const text = input.trim();
  if (/^-?\d{1,15}$/.test(text)) return `take the quotes away: ${text}`;
  if (/^\d{1,15}%$/.test(text)) return 'a share of the nodes is not taken here; write how many';
  const [, amount, unit] = /^(\d{1,9})(s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined || typeof field !== 'string' || !field.endsWith('Seconds')) return '';
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's'];
  return `write ${Number(amount) * seconds}, which counts seconds`;
}

function booleanFor(input: unknown): string {
  if (input === 1 || (typeof input === 'string' && /^(?:true|yes|y|on|1)$/i.test(input))) return 'write true';
  if (input === 0 || (typeof input === 'string' && /^(?:false|no|n|off|0)$/i.test(input)))
    return 'write false';
  return '';
}

function listFor(input: unknown, field: PropertyKey | undefined): string {
  if (field === 'command' && typeof input === 'string') return `write [sh, -c, ${show(scriptOf(input))}]`;
  if (field === 'env' && typeof input === 'object' && input !== null) {
    const [name] = Object.keys(input);
    return name === undefined ? '' : `write a list: [{name: ${show(name)}, value: …}]`;
  }
  return typeof input === 'string' || typeof input === 'number' ? `write [${show(input)}]` : '';
}

/** What a shell is to carry out, of a text that may call one already. */
function scriptOf(command: string): string {
  const [, , quoted, plain] = /^(?:\/bin\/)?(?:ba|da)?sh -c (?:(["'])(.*)\1|([^"'].*))$/s.exec(command) ?? [];
  return quoted ?? plain ?? command;
}

/** Adds what was found to a schema's own words of what is expected. Addresses may hold a password. */
export function withFound(message: string, input: unknown): string {
  if (typeof input !== 'string' || input === '' || !/^(?:expected|not an? )/.test(message)) return message;
  if (input.includes('@') || input.includes('//')) return message;
  return message.includes(show(input)) ? message : `${message}, found ${show(input)}`;
}
