import { parseDefinition } from '../../core/runs/definitions.ts';
import { isDefinition, isTooMuch, TOO_MUCH, type Layout } from '../../core/runs/paths.ts';
import type { Contents } from '../../git/contents.ts';
import type { TreeChange } from '../../git/trees.ts';
import { eachWritten } from './each-written.ts';
import type { FileAt, Files } from './snapshot.ts';

/** Definitions are held for as long as they are there, so all of them together are bounded; the first by path are kept. */
const DEFINITIONS_BYTES = 16 * 1024 * 1024;

/** The files of the definitions' folder, of which those that changed are read. */
export async function readDefinitions(
  contents: Contents,
  layout: Layout,
  changed: readonly TreeChange[],
  before: Files,
): Promise<Files> {
  const files = new Map(before);
  for (const { path, entry } of changed) {
    files.delete(path);
    if (entry && isTooMuch(entry.mode)) files.set(path, noDefinitions(path, entry.blob));
  }
  const wanted = [
    ...changed.flatMap(({ entry }) => (entry && isDefinition(layout, entry.path, entry.mode) ? entry : [])),
    // There may be room for them now.
    ...[...files].flatMap(([path, { blob, isLeftOut }]) => (isLeftOut ? { path, blob, mode: '100644' } : [])),
  ];
  await eachWritten(contents, wanted, ({ path, blob }, content, bytes) => {
    files.set(path, { blob, bytes, parsed: parseDefinition(path, content) });
  });
  leaveOutTooMuch(files);
  return files;
}

function leaveOutTooMuch(files: Map<string, FileAt>): void {
  let bytes = 0;
  for (const [path, file] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    bytes += file.bytes;
    if (bytes <= DEFINITIONS_BYTES) continue;
    const message = `is left out: the definitions together are larger than ${DEFINITIONS_BYTES} bytes`;
    files.set(path, { ...file, parsed: unusable(path, message), isLeftOut: true });
  }
}

function noDefinitions(path: string, blob: string): FileAt {
  return { blob, bytes: 0, parsed: unusable(path, TOO_MUCH) };
}

function unusable(path: string, message: string): FileAt['parsed'] {
  return { path, result: { ok: false, problems: [{ path: [], message }] } };
}
