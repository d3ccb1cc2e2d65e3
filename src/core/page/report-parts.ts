import type { Steps } from '../../api/pieces.ts';
import { NodeOpReportSchema, readReport, type ReportNode } from '../../api/report.ts';
import { load } from '../../api/yaml.ts';
import { cardOf, type ReportCard } from './card.ts';

/**
 * Parts of reports, read without the rest: of ten thousand reports the nodes are most, and of those few are of interest. What
 * is not as `formatReport` writes it is read as a whole.
 */

const NODES = '\n  nodes:\n';
/** Failed nodes whose messages are looked at: a fleet that fails mostly fails alike. */
const FAILED = 40;

/** What lists and searches need of a report; undefined when it is none. */
export function* readCard(
  bytes: Uint8Array,
  place: { report: string; blob: string },
): Steps<ReportCard | undefined> {
  const parts = partsOf(bytes);
  const report = yield* readReport(parts ? parts.head : bytes);
  yield;
  if (!report) return undefined;
  if (!parts) return cardOf(report, place);
  const failed = [...blocksWith(parts, '  phase: Failed\n', FAILED)].flatMap((block) => nodeIn(block) ?? []);
  return cardOf({ ...report, status: { ...report.status, nodes: failed } }, place);
}

/** What a report says of one node; undefined when it has no such node. */
export function entryIn(bytes: Uint8Array, node: string): ReportNode | undefined {
  const parts = partsOf(bytes);
  if (!parts) return undefined;
  for (const name of [node, `'${node}'`]) {
    const start = parts.list.indexOf(`\n${parts.indent}- name: ${name}\n`);
    if (start >= 0) return nodeIn(blockAt(parts, start));
  }
  return undefined;
}

interface Parts {
  head: Uint8Array;
  /** Begins with a line break, so that the first entry is like the others. */
  list: Buffer;
  indent: string;
}

function partsOf(bytes: Uint8Array): Parts | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = text.indexOf(NODES);
  if (at < 0) return undefined;
  const list = text.subarray(at + NODES.length - 1);
  const indent = /^\n( *)- name: /.exec(list.toString('latin1', 0, 80))?.[1];
  // Whatever comes after the list would be lost.
  const isLast = !/\n[^ \n]/.test(list.toString('latin1'));
  return indent === undefined || !isLast ? undefined : { head: text.subarray(0, at + 1), list, indent };
}

/** Entries that have a line. */
function* blocksWith({ list, indent }: Parts, line: string, most: number): Generator<Buffer> {
  let at = 0;
  for (let found = 0; found < most; found += 1) {
    const hit = list.indexOf(`\n${indent}${line}`, at);
    if (hit < 0) return;
    const start = list.lastIndexOf(`\n${indent}- `, hit);
    if (start < 0) return;
    const block = blockAt({ list, indent }, start);
    yield block;
    at = start + block.length;
  }
}

function blockAt({ list, indent }: Pick<Parts, 'list' | 'indent'>, start: number): Buffer {
  const end = list.indexOf(`\n${indent}- `, start + 1);
  return list.subarray(start, end < 0 ? list.length : end);
}

const Nodes = NodeOpReportSchema.shape.status.shape.nodes;

function nodeIn(block: Buffer): ReportNode | undefined {
  const loaded = load(block);
  return loaded.ok ? Nodes.safeParse(loaded.raw).data?.[0] : undefined;
}
