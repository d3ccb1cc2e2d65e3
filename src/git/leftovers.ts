import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** What a process that was killed leaves: locks, halves of packs and objects, and words about a crash. */
const LEFT =
  /(?:^|\/)(?:[^/]*\.lock|gc\.pid|tmp_[^/]*|tmp-objdir[^/]*|packed-refs\.new|fast_import_crash_\d+)$/;
/** What would make history end, or go, elsewhere than the commits say; nothing that works here writes it. */
const BENDS_HISTORY: ReadonlySet<string> = new Set(['shallow', 'info/grafts']);
/** A ref of its own on which nothing rests. */
const PENDING = 'refs/agent/pending';
const REF = /^(?:ref: \S+|[0-9a-f]{40}|[0-9a-f]{64})\n?$/;

/**
 * Takes away what nobody alive has made: no other process works in the clone. A ref without an object id, as a power cut
 * leaves one, would be in the way of all that writes it; the next fetch brings it back.
 */
export async function clearLeftovers(dir: string): Promise<void> {
  const names: string[] = await readdir(dir, { recursive: true }).catch(() => []);
  for (const name of names) {
    const path = name.replaceAll(sep, '/');
    const isInTheWay =
      LEFT.test(path) ||
      BENDS_HISTORY.has(path) ||
      path === PENDING ||
      (path.startsWith('refs/') && (await isBroken(dir, name)));
    if (isInTheWay) await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** Takes away the beginning of a pack that was ended at that many bytes, and tells whether there was one. */
export async function clearCut(dir: string, bytes: number): Promise<boolean> {
  const folder = join(dir, 'objects', 'pack');
  const names: string[] = await readdir(folder).catch(() => []);
  for (const name of names.filter((it) => it.startsWith('tmp_pack_'))) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined))?.size !== bytes) continue;
    await rm(path, { force: true });
    return true;
  }
  return false;
}

/** A folder is none. */
async function isBroken(dir: string, name: string): Promise<boolean> {
  const text = await readFile(join(dir, name), 'latin1').catch(() => undefined);
  return text !== undefined && !REF.test(text);
}
