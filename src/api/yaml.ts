import {
  constructFromEvents,
  CORE_SCHEMA,
  dump,
  EVENT_ID,
  FAILSAFE_SCHEMA,
  mergeTag,
  parseEvents,
  YAMLException,
  type DumpOptions,
  type Event,
} from 'js-yaml';
import { mistakenBytes, mistakenText } from './mistaken.ts';
import { locateAll, type LocatedProblem } from './places.ts';
import type { Problem } from './schema.ts';
import { shownWords } from './wording.ts';

/** How much of a file is read. */
export interface Limits {
  bytes: number;
  /** Values a document may hold, those its aliases stand for too. */
  values: number;
}

/**
 * What a person writes is a few kilobytes; the rest is a mistake or an attack. Chosen so that reading, checking and
 * pointing out what is wrong take milliseconds, whatever is in the file. No program takes a longer argument (Linux'
 * MAX_ARG_STRLEN), and the names of 5,000 nodes fit in.
 */
export const BY_PEOPLE: Limits = { bytes: 128 * 1024, values: 10_000 };

const MAX_ALIASES = 100;
const MAX_DEPTH = 50;
/** Of so many problems nobody reads the rest. */
const MAX_PROBLEMS = 10;
/** So many more are counted; where there are more than these, the check may have ended early. */
const COUNTED = 10;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SCHEMA = CORE_SCHEMA.withTags(mergeTag);
/** In which every value is the text that stands there. */
const AS_WRITTEN = FAILSAFE_SCHEMA.withTags(mergeTag);

/** What problems are shown: with their places, in order, each once, and of many the first and how many more there are. */
export type Locate = (problems: readonly Problem[]) => LocatedProblem[];

/**
 * How a number, a truth or nothing was written: of 1e3 and 0x1F YAML has made numbers that nobody wrote. Undefined where
 * there is no such value, or where its type was written beside it.
 */
export type Spelled = (path: readonly (string | number)[]) => string | undefined;

/** What a file says in YAML, of whatever kind, or why it says nothing. */
export type Loaded =
  | { ok: true; raw: unknown; locate: Locate; spelled: Spelled }
  | { ok: false; problems: LocatedProblem[] };

/** Parses YAML, which must be one document. Never throws on content. A byte order mark and CRLF are fine. */
export function load(bytes: Uint8Array, limits: Limits = BY_PEOPLE): Loaded {
  if (bytes.byteLength > limits.bytes) {
    return refuse(`file is too large: at most ${limits.bytes} bytes are read`);
  }
  const mistaken = mistakenBytes(bytes);
  if (mistaken !== undefined) return refuse(mistaken);
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return refuse('file is not valid UTF-8; save it as UTF-8');
  }
  try {
    return construct(text, limits);
  } catch (error) {
    if (!(error instanceof YAMLException)) return refuse(`not YAML: ${String(error)}`);
    const line = error.mark && error.mark.line + 1;
    const other = mistakenText(text, line);
    if (other) return { ok: false, problems: [{ path: [], ...other }] };
    const place = error.mark ? { line: error.mark.line + 1, column: error.mark.column + 1 } : {};
    return {
      ok: false,
      problems: [{ path: [], message: `not YAML: ${shownWords(error.reason)}`, ...place }],
    };
  }
}

function construct(text: string, { values: most }: Limits): Loaded {
  const events = parseEvents(text, { maxDepth: MAX_DEPTH });
  const count = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length;
  // Those that hold nothing are told apart only by constructing them.
  if (count > most || events.length > 4 * most) {
    return refuse(`file is too large: it holds more than ${most} values`);
  }
  const documents = constructFromEvents(events, {
    source: text,
    schema: SCHEMA,
    maxAliases: MAX_ALIASES,
  }).filter((it) => it !== null);
  if (documents.length === 0) return refuse('file is empty');
  if (documents.length > 1) {
    return refuse(`file holds ${documents.length} documents; put each into a file of its own`);
  }
  if (!(isPlain(events, most) || isSmall(documents[0], most))) {
    return refuse(`file is too large: it holds more than ${most} values once its aliases are expanded`);
  }
  const locate: Locate = (problems) => presentable(locateAll(text, events, problems));
  const dropped = mayHold(text, PROTOTYPE) ? findKey(documents[0], PROTOTYPE) : undefined;
  if (dropped) return { ok: false, problems: locate([{ path: dropped, message: 'is no name of a field' }]) };
  return { ok: true, raw: documents[0], locate, spelled: spelledIn(text, events) };
}

/** Constructed when it is first asked for, which of most files is never. */
function spelledIn(text: string, events: Event[]): Spelled {
  let root: unknown;
  let isMade = false;
  const make = () => {
    isMade = true;
    try {
      const options = { source: text, schema: AS_WRITTEN, maxAliases: MAX_ALIASES };
      root = constructFromEvents(events, options).find((it) => typeof it === 'object');
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
    }
  };
  return (path) => {
    if (!isMade) make();
    let value = root;
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = Reflect.get(value, key);
    }
    return typeof value === 'string' ? value : undefined;
  };
}

/** Makes js-yaml write a text in double quotes, and is written as `\x01`; what follows are the digits of the character meant. */
const MARK = '\u0001';
const ESCAPED_MARK = String.raw`\x01`;
/**
 * What acts or is not seen, which YAML calls printable in part: controls, those that turn the order around, tags. And what would be
 * taken for a mark afterwards.
 */
const TO_MARK = /\\(?=x01)|[^\P{C}\n]|[\u2028\u2029]/gu;

/** Finds nothing. */
const NOTHING = /(?!)/g;

/**
 * A value as YAML in which nothing acts when it is read with eyes: such characters are escaped, which YAML reads as they were.
 * @param also finds what else is to be escaped
 */
export function formatYaml(value: unknown, options: DumpOptions, also = NOTHING): string {
  const text = dump(marked(value, also), options);
  if (!text.includes(ESCAPED_MARK)) return text;
  return text.replaceAll(/\\x01([0-9a-f]{4})/g, (_, digits: string) => `\\u${digits}`);
}

function marked(value: unknown, also: RegExp): unknown {
  if (typeof value === 'string') return value.replaceAll(TO_MARK, markOf).replaceAll(also, markOf);
  if (Array.isArray(value)) return value.map((it) => marked(it, also));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [marked(key, also) as string, marked(it as unknown, also)]),
  );
}

function markOf(text: string): string {
  const units = text.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  return units.map((it) => MARK + it).join('');
}

function refuse(message: string): { ok: false; problems: LocatedProblem[] } {
  return { ok: false, problems: [{ path: [], message }] };
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

/** One line each, in which nothing acts, in the order of the file, none twice, and no more than somebody would read. */
function presentable(problems: readonly LocatedProblem[]): LocatedProblem[] {
  const distinct = new Map(
    problems.map((it) => [`${it.path.join('\0')}\0\0${it.message}`, { ...it, message: oneLine(it.message) }]),
  );
  const sorted = [...distinct.values()].toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  const more = sorted.length - MAX_PROBLEMS;
  if (more <= 0) return sorted;
  const count = more < COUNTED ? String(more) : 'many';
  const rest = { path: [], message: `and ${count} more problem${more === 1 ? '' : 's'}` };
  return [...sorted.slice(0, MAX_PROBLEMS), rest];
}

/** What a message may have: some name every field that there is. */
const MAX_MESSAGE = 1500;

function oneLine(message: string): string {
  return shownWords(message.replaceAll(/[\r\n]+/g, ' '), MAX_MESSAGE);
}

/** Whether there are so few events, each of them at most one value, that no more can come of them. */
function isPlain(events: readonly Event[], most: number): boolean {
  return events.length <= most && !events.some(({ type }) => type === EVENT_ID.ALIAS);
}

/** Whether it holds no more than so many values; those that an alias stands for are counted each time. */
export function isSmall(root: unknown, most: number): boolean {
  let left = most;
  const todo: unknown[] = [root];
  while (todo.length > 0) {
    if (--left < 0) return false;
    const value = todo.pop();
    if (typeof value !== 'object' || value === null) continue;
    const inside = Object.values(value);
    if (inside.length > left) return false;
    for (const it of inside) todo.push(it);
  }
  return true;
}
