import { EVENT_ID, getScalarValue, type Event } from 'js-yaml';
import type { Problem } from './schema.ts';

/** A problem with its place in the file, both from 1; absent when there is no place to point at. */
export interface LocatedProblem extends Problem {
  line?: number;
  column?: number;
}

/** Paths that are looked for, as a tree: of each where it was found, else of the nearest parent that is there. */
interface Sought {
  next: Map<string, Sought>;
  offset: number | undefined;
}

/**
 * Points each problem at its key, or at the nearest parent that is there when the key itself is missing. The document is
 * walked once for all of them, so it takes as long as the document and the problems are together.
 */
export function locateAll(
  text: string,
  events: readonly Event[],
  problems: readonly Problem[],
): LocatedProblem[] {
  const root: Sought = { next: new Map(), offset: undefined };
  for (const { path } of problems) {
    let at = root;
    for (const step of path) {
      const next = at.next.get(String(step)) ?? { next: new Map<string, Sought>(), offset: undefined };
      at.next.set(String(step), next);
      at = next;
    }
  }
  find(text, events, root);
  const placeOf = places(text);
  return problems.map((problem) => {
    let at: Sought | undefined = root;
    let offset = root.offset ?? 0;
    for (const step of problem.path) {
      at = at.next.get(String(step));
      if (at?.offset === undefined) break;
      offset = at.offset;
    }
    return { ...problem, ...placeOf(offset) };
  });
}

/** A mapping or sequence whose events are being walked. */
interface Open {
  sought: Sought | undefined;
  isMapping: boolean;
  /** Of a sequence: how many of its items came. */
  index: number;
  /** Of a mapping: whether a key comes next, and the one that came. */
  expectsKey: boolean;
  key: { name: string; offset: number } | undefined;
}

function find(text: string, events: readonly Event[], root: Sought): void {
  const open: Open[] = [];
  let begun = false;
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      if (begun) return;
      continue;
    }
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const parent = open.at(-1);
    let sought: Sought | undefined;
    if (!parent) {
      begun = true;
      sought = root;
      root.offset = startOf(event);
    } else if (!parent.isMapping) {
      sought = parent.sought?.next.get(String(parent.index++));
      if (sought) sought.offset ??= startOf(event);
    } else if (parent.expectsKey) {
      parent.expectsKey = false;
      const isName = parent.sought !== undefined && event.type === EVENT_ID.SCALAR;
      parent.key = isName ? { name: getScalarValue(text, event), offset: startOf(event) } : undefined;
    } else {
      parent.expectsKey = true;
      sought = parent.key && parent.sought?.next.get(parent.key.name);
      if (sought) sought.offset = parent.key?.offset;
    }
    const isMapping = event.type === EVENT_ID.MAPPING;
    if (isMapping || event.type === EVENT_ID.SEQUENCE) {
      open.push({ sought, isMapping, index: 0, expectsKey: true, key: undefined });
    }
  }
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return Math.max(0, event.valueStart);
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return Math.max(0, event.start);
  return event.type === EVENT_ID.ALIAS ? Math.max(0, event.anchorStart) : 0;
}

/** Line and column of offsets in a text, from 1. */
function places(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
