import type { z } from 'zod';
import type { LocatedProblem } from './places.ts';
import { check } from './schema.ts';
import { BY_PEOPLE, load, type Limits, type Loaded } from './yaml.ts';

/** Work that may be left alone after each step, so that others have their turn; what it returns is what came of it. */
export type Steps<T> = Generator<undefined, T>;

/** All of it at once, where nobody else waits. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** What stands before the long list: what people wrote is in it, laid out anew. */
const HEAD: Limits = { bytes: 512 * 1024, values: 2 * BY_PEOPLE.values };
/** Read in a few milliseconds. */
const PIECE_BYTES = 32 * 1024;

type Read<T> =
  | { ok: true; head: Loaded & { ok: true }; entries: T[] }
  | { ok: false; problems: readonly Pick<LocatedProblem, 'message'>[] };

/**
 * Reads YAML that the agent wrote and people may have changed, in steps of a few milliseconds, however long it is: a document
 * that ends with a list. A small one is read as it stands; the list is then where it is in it.
 * @param list the key of the list with its indentation, as a line of its own: `  nodes:`
 * @param entry what an entry has to be
 * @param most entries there may be
 * @returns the document without the list, and the list, which is checked
 */
export function* loadInPieces<T>(
  bytes: Uint8Array,
  { list, entry, most }: { list: string; entry: z.ZodType<T>; most: number },
): Steps<Read<T>> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = bytes.byteLength <= BY_PEOPLE.bytes ? -1 : text.indexOf(`\n${list}\n`);
  const head = load(at < 0 ? bytes : text.subarray(0, at + 1), HEAD);
  if (!head.ok || at < 0) return head.ok ? { ok: true, head, entries: [] } : head;
  const first = at + list.length + 2;
  const separator = `\n${indentation(text, first)}- `;
  const entries: T[] = [];
  for (let from = first; from < text.length;) {
    yield;
    const end = text.indexOf(separator, from + PIECE_BYTES);
    const next = end < 0 ? text.length : end + 1;
    const piece = load(text.subarray(from, next));
    if (!piece.ok) return piece;
    yield;
    if (!Array.isArray(piece.raw)) return { ok: false, problems: [{ message: 'is no list' }] };
    for (const it of piece.raw) {
      const result = check(entry, it);
      if (!result.ok) return result;
      entries.push(result.value);
    }
    if (entries.length > most) return { ok: false, problems: [{ message: `more than ${most} entries` }] };
    from = next;
  }
  return { ok: true, head, entries };
}

function indentation(text: Buffer, from: number): string {
  let to = from;
  while (text[to] === 0x20) to += 1;
  return ' '.repeat(to - from);
}
