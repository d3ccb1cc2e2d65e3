import type { z } from 'zod';
import { foreignKind, exportedObject } from './foreign.ts';
import type { LocatedProblem } from './places.ts';
import { check, nearest, show, type Problem } from './schema.ts';
import { load, type Limits, type Loaded, type Locate, type Spelled } from './yaml.ts';

export type { LocatedProblem } from './places.ts';

/** One kind of document a file may hold. */
export interface Kind<T = unknown> {
  apiVersion: string;
  kind: string;
  schema: z.ZodType<T>;
}

export type Parsed<T> =
  | { ok: true; kind: string; value: T; raw: unknown; locate: Locate; spelled: Spelled }
  | { ok: false; problems: LocatedProblem[] };

/** A file's bytes, or what was loaded from them before: then they are not parsed again. */
export type Content = Uint8Array | Loaded;

/**
 * Reads a file that must hold exactly one document of one of `kinds`: the value with defaults, or what is wrong with it,
 * with line and column. Never throws on content.
 */
export function parseDocument<T>(content: Content, kinds: readonly Kind<T>[], limits?: Limits): Parsed<T> {
  const loaded = content instanceof Uint8Array ? load(content, limits) : content;
  if (!loaded.ok) return loaded;
  const { raw, locate, spelled } = loaded;
  try {
    const chosen = chooseKind(raw, kinds);
    if (!('schema' in chosen)) return { ok: false, problems: locate(chosen.problems) };
    const result = check(chosen.schema, raw);
    if (!result.ok) return { ok: false, problems: locate(result.problems) };
    return { ok: true, kind: chosen.kind, value: result.value, raw, locate, spelled };
  } catch (error) {
    return unreadable(error);
  }
}

/** What throws while one file is read is that file's problem alone. */
export function unreadable(error: unknown): { ok: false; problems: LocatedProblem[] } {
  const reason = error instanceof Error ? error.message : String(error);
  return { ok: false, problems: [{ path: [], message: `cannot be read: ${show(reason, 200)}` }] };
}

function chooseKind<T>(raw: unknown, kinds: readonly Kind<T>[]): Kind<T> | { problems: Problem[] } {
  const allowed = () => kinds.map((it) => `${it.kind} (${it.apiVersion})`).join(' or ');
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    const message = `expected a document of kind ${allowed()}, found ${show(raw)}`;
    return { problems: [{ path: [], message }] };
  }
  const kind: unknown = Reflect.get(raw, 'kind');
  const apiVersion: unknown = Reflect.get(raw, 'apiVersion');
  const found = kinds.find((it) => it.kind === kind);
  if (!found) {
    const foreign = foreignKind(kind, apiVersion);
    if (foreign !== undefined) return { problems: [{ path: ['kind'], message: foreign }] };
    const names = kinds.map((it) => it.kind);
    const guess = typeof kind === 'string' ? nearest(kind, names) : undefined;
    const what = kind === undefined ? 'is required' : `${show(kind)} is not known here`;
    const hint = guess === undefined ? `allowed is ${allowed()}` : `did you mean "${guess}"?`;
    return { problems: [{ path: ['kind'], message: `${what}; ${hint}` }] };
  }
  if (apiVersion !== found.apiVersion) {
    const what = apiVersion === undefined ? 'is required' : `${show(apiVersion)} is not known`;
    const message = `${what}; ${found.kind} has apiVersion ${found.apiVersion}`;
    return { problems: [{ path: ['apiVersion'], message }] };
  }
  if (Object.hasOwn(raw, 'sops')) {
    const message = 'is of a file that is encrypted with SOPS; the agent reads plain files';
    return { problems: [{ path: ['sops'], message }] };
  }
  const exported = exportedObject(raw);
  return exported === undefined ? found : { problems: [exported] };
}
