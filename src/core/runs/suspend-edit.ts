import { isDeepStrictEqual } from 'node:util';
import { NODEOP_KIND } from '../../api/nodeop.ts';
import { NODEOPRUN_KIND } from '../../api/nodeoprun.ts';
import { formatProblem, show } from '../../api/schema.ts';
import { load } from '../../api/yaml.ts';
import { isObject } from './merge.ts';

export type Edited = { ok: true; text: string; wasSet: boolean } | { ok: false; problem: string };

/**
 * The file with `spec.suspend` set, and nothing else of it changed, comments and order included. What is written in a way
 * that lines cannot tell (`spec: {…}`, an anchor) is left to people.
 */
export function withSuspend(bytes: Uint8Array, value: boolean): Edited {
  const other = otherFile(bytes);
  if (other !== undefined) return { ok: false, problem: other };
  const text = Buffer.from(bytes).toString();
  const before = valueOf(text);
  if (!isObject(before) || !isObject(before['spec'])) return { ok: false, problem: 'has no spec' };
  // A run without it is suspended as its definition is.
  const isDefault = before['spec']['suspend'] === undefined && before['kind'] !== NODEOPRUN_KIND;
  const suspended = isDefault ? false : before['spec']['suspend'];
  if (suspended === value) return { ok: true, text, wasSet: true };
  const changed = edited(text, value);
  const wanted = { ...before, spec: { ...before['spec'], suspend: value } };
  if (changed !== undefined && isDeepStrictEqual(valueOf(changed), wanted)) {
    return { ok: true, text: changed, wasSet: false };
  }
  return {
    ok: false,
    problem: `is written in a way that is not changed by a program: set spec.suspend: ${value} in it by hand`,
  };
}

/** Why a file is none that is suspended or cancelled: above all a report is not, without which a run would begin again. */
export function otherFile(bytes: Uint8Array): string | undefined {
  const loaded = load(bytes);
  if (!loaded.ok) return `cannot be read: ${loaded.problems.map(formatProblem).join('; ')}`;
  const kind = isObject(loaded.raw) ? loaded.raw['kind'] : undefined;
  if (kind === NODEOP_KIND || kind === NODEOPRUN_KIND) return undefined;
  return `is no run file: its kind is ${show(kind)}`;
}

function valueOf(text: string): unknown {
  const loaded = load(Buffer.from(text));
  return loaded.ok ? loaded.raw : undefined;
}

function edited(text: string, value: boolean): string | undefined {
  const lines = text.split('\n');
  const spec = lines.findIndex((line) => /^\ufeff?spec:\s*(#.*)?$/.test(line));
  if (spec < 0) return undefined;
  const rest = lines.slice(spec + 1);
  const indent = /^ +(?=[^ #\r])/.exec(rest.find((line) => /^ *[^ #\r]/.test(line)) ?? '')?.[0];
  if (indent === undefined) return undefined;
  const end = rest.findIndex((line) => /^[^ #\r]/.test(line));
  const at = rest.findIndex((line) => line.startsWith(`${indent}suspend:`));
  if (at >= 0 && (end < 0 || at < end)) {
    lines[spec + 1 + at] = (rest[at] ?? '').replace(/suspend:(?:\s+[^\s#]+)?/, `suspend: ${value}`);
  } else {
    const newline = lines[spec]?.endsWith('\r') === true ? '\r' : '';
    lines.splice(spec + 1, 0, `${indent}suspend: ${value}${newline}`);
  }
  return lines.join('\n');
}
