import {
  constructFromEvents,
  CORE_SCHEMA,
  EVENT_ID,
  getScalarValue,
  mergeTag,
  parseEvents,
  YAMLException,
  type Event,
} from 'js-yaml';
import type { z } from 'zod';
import { check, nearest, type Problem } from './schema.ts';

/** A problem with its place in the file, both from 1; absent when there is no place to point at. */
export interface LocatedProblem extends Problem {
  line?: number;
  column?: number;
}

/** One kind of document a file may hold. */
export interface Kind<T = unknown> {
  apiVersion: string;
  kind: string;
  schema: z.ZodType<T>;
}

/** Finds the places of problems that were noticed later, for example after merging. */
type Locate = (problems: readonly Problem[]) => LocatedProblem[];

export type Parsed<T> =
  | { ok: true; kind: string; value: T; raw: unknown; locate: Locate }
  | { ok: false; problems: LocatedProblem[] };

/** A file of a person is a few kilobytes; the rest is a mistake or an attack. */
const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
const MAX_DEPTH = 50;
/** Aliases share values, so a hundred of them can still stand for billions; expanding stops here. */
const MAX_VALUES = 100_000;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/**
 * Reads a file that must hold exactly one document of one of `kinds`: the value with defaults, or every
 * problem with line and column. Never throws on content. A byte order mark and CRLF are fine.
 */
export function parseDocument<T>(content: Content, kinds: readonly Kind<T>[]): Parsed<T> {
  const loaded = content instanceof Uint8Array ? load(content) : content;
  if (!loaded.ok) return loaded;
  const { raw, locate } = loaded;
  const chosen = chooseKind(raw, kinds);
  if (!('schema' in chosen)) return { ok: false, problems: locate(chosen.problems) };
  const result = check(chosen.schema, raw);
  if (!result.ok) return { ok: false, problems: locate(result.problems) };
  return { ok: true, kind: chosen.kind, value: result.value, raw, locate };
}

/** What a file says in YAML, of whatever kind, or why it says nothing. */
export type Loaded = { ok: true; raw: unknown; locate: Locate } | { ok: false; problems: LocatedProblem[] };

/** A file's bytes, or what was loaded from them before: then they are not parsed again. */
export type Content = Uint8Array | Loaded;

/** What a file may hold at most. */
export interface Bounds {
  bytes: number;
  values: number;
}

const OF_PEOPLE: Bounds = { bytes: MAX_BYTES, values: MAX_VALUES };

/** Parses YAML, which must be one document. Never throws on content. */
export function load(bytes: Uint8Array, bounds: Bounds = OF_PEOPLE): Loaded {
  if (bytes.byteLength > bounds.bytes) {
    return refuse(`file is too large: ${bytes.byteLength} bytes, at most ${bounds.bytes} are read`);
  }
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return refuse('file is not valid UTF-8');
  }
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH });
    const values = constructFromEvents(events, { source: text, schema: SCHEMA, maxAliases: MAX_ALIASES });
    const documents = values.filter((it) => it !== null);
    if (documents.length === 0) return refuse('file is empty');
    if (documents.length > 1) {
      return refuse(`file holds ${documents.length} documents; put each into a file of its own`);
    }
    if (!isPlain(events, bounds.values) && !isSmall(documents[0], bounds.values))
      return refuse('document is too large once its aliases are expanded');
    const locate: Locate = (problems) => locateAll(text, events, problems);
    const dropped = mayHold(text, PROTOTYPE) ? findKey(documents[0], PROTOTYPE) : undefined;
    if (dropped)
      return { ok: false, problems: locate([{ path: dropped, message: 'is no name of a field' }]) };
    return { ok: true, raw: documents[0], locate };
  } catch (error) {
    if (!(error instanceof YAMLException)) return refuse(`not YAML: ${String(error)}`);
    const place = error.mark ? { line: error.mark.line + 1, column: error.mark.column + 1 } : {};
    return { ok: false, problems: [{ path: [], message: `not YAML: ${error.reason}`, ...place }] };
  }
}

function refuse(message: string): { ok: false; problems: LocatedProblem[] } {
  return { ok: false, problems: [{ path: [], message }] };
}

/** Whether there are so few events, each of them at most one value, that no more can come of them. */
function isPlain(events: readonly Event[], most: number): boolean {
  return events.length <= most && !events.some(({ type }) => type === EVENT_ID.ALIAS);
}

function isSmall(root: unknown, most: number): boolean {
  let left = most;
  const todo: unknown[] = [root];
  while (todo.length > 0) {
    if (--left < 0) return false;
    const value = todo.pop();
    if (typeof value === 'object' && value !== null) todo.push(...Object.values(value));
  }
  return true;
}

/** A key that records of the schema library leave out without a word: a selector without its only label takes every node. */
const PROTOTYPE = '__proto__';

/** Only escapes of a text in double quotes can write a key otherwise. */
function mayHold(text: string, key: string): boolean {
  return text.includes(key) || text.includes('\\');
}

/** Path of the first such key, at whatever depth. */
function findKey(root: unknown, key: string): (string | number)[] | undefined {
  const todo: { value: unknown; path: (string | number)[] }[] = [{ value: root, path: [] }];
  for (let at = todo.pop(); at; at = todo.pop()) {
    const { value, path } = at;
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, key)) return [...path, key];
    const isList = Array.isArray(value);
    for (const [name, child] of Object.entries(value)) {
      todo.push({ value: child, path: [...path, isList ? Number(name) : name] });
    }
  }
  return undefined;
}

function chooseKind<T>(raw: unknown, kinds: readonly Kind<T>[]): Kind<T> | { problems: Problem[] } {
  const allowed = () => kinds.map((it) => `${it.kind} (${it.apiVersion})`).join(' or ');
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return { problems: [{ path: [], message: `expected a document of kind ${allowed()}` }] };
  }
  const kind: unknown = Reflect.get(raw, 'kind');
  const apiVersion: unknown = Reflect.get(raw, 'apiVersion');
  const found = kinds.find((it) => it.kind === kind);
  if (!found) {
    const guess =
      typeof kind === 'string'
        ? nearest(
            kind,
            kinds.map((it) => it.kind),
          )
        : undefined;
    const what = kind === undefined ? 'is required' : `${JSON.stringify(kind)} is not known here`;
    const hint = guess === undefined ? `allowed is ${allowed()}` : `did you mean "${guess}"?`;
    return { problems: [{ path: ['kind'], message: `${what}; ${hint}` }] };
  }
  if (apiVersion !== found.apiVersion) {
    const what = apiVersion === undefined ? 'is required' : `${JSON.stringify(apiVersion)} is not known`;
    return {
      problems: [
        { path: ['apiVersion'], message: `${what}; ${found.kind} has apiVersion ${found.apiVersion}` },
      ],
    };
  }
  return found;
}

/** Points each problem at its key, or at the nearest parent that is there when the key itself is missing. */
function locateAll(text: string, events: Event[], problems: readonly Problem[]): LocatedProblem[] {
  return problems.map((problem) => {
    const offset = find(text, events, problem.path);
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    return { ...problem, line, column: offset - before.lastIndexOf('\n') };
  });
}

function find(text: string, events: Event[], path: readonly (string | number)[]): number {
  let at = events.findIndex((it) => it.type !== EVENT_ID.DOCUMENT);
  let offset = startOf(events[at]);
  for (const step of path) {
    const parent = events[at];
    let child: { at: number; offset: number } | undefined;
    let index = 0;
    let next = at + 1;
    while (next < events.length && events[next]?.type !== EVENT_ID.POP) {
      const key = events[next];
      if (parent?.type === EVENT_ID.MAPPING) {
        const value = skip(events, next);
        if (key?.type === EVENT_ID.SCALAR && getScalarValue(text, key) === String(step)) {
          child = { at: value, offset: startOf(key) };
        }
        next = skip(events, value);
      } else if (parent?.type === EVENT_ID.SEQUENCE) {
        if (index++ === step) child = { at: next, offset: startOf(key) };
        next = skip(events, next);
      } else break;
    }
    if (!child) break;
    ({ at, offset } = child);
  }
  return Math.max(0, offset);
}

function startOf(event: Event | undefined): number {
  if (event?.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) return event.start;
  return event?.type === EVENT_ID.ALIAS ? event.anchorStart : 0;
}

/** Index of the event after the whole node that begins at `at`. */
function skip(events: Event[], at: number): number {
  let depth = 0;
  for (let i = at; i < events.length; i++) {
    const type = events[i]?.type;
    if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth++;
    else if (type === EVENT_ID.POP) depth--;
    if (depth <= 0) return i + 1;
  }
  return events.length;
}
