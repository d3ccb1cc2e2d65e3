import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalGitError, TransientError } from '../../../src/api/errors.ts';

/** What becomes of the folder in which an agent has its clone. */
export const DISK_FAULTS = [
  'clone lost',
  'clone corrupt',
  'locked',
  /** Objects are gone: somebody tidied up, or a file system was repaired. */
  'objects lost',
  /** Files of objects end in the middle, as after a power cut. */
  'objects torn',
  /** So do refs. */
  'refs torn',
  /** Nothing can be written for a while. */
  'disk full',
] as const;
export type DiskFault = (typeof DISK_FAULTS)[number];

const FULL = 'No space left on device';
/** What writes to the clone; `push` has nothing to write there. */
const WRITES = new Set(['fast-import', 'fetch', 'gc', 'init', 'pack-refs', 'repack', 'update-ref']);

/** The folders of the clones of all simulated agents. */
const full = new Set<string>();
const damaged = new Set<string>();

/** Whether nothing ever became of it. */
export function isWhole(clone: string): boolean {
  return !damaged.has(clone) && !full.has(clone);
}

/** Its folder is gone. */
export function forget(clone: string): void {
  full.delete(clone);
  damaged.delete(clone);
}

export function damage(clone: string, what: Exclude<DiskFault, 'disk full'>): void {
  damaged.add(clone);
  try {
    switch (what) {
      case 'clone lost':
        return rmSync(clone, { recursive: true, force: true });
      case 'clone corrupt':
        return writeFileSync(join(clone, 'HEAD'), 'nonsense\n');
      case 'locked':
        return writeFileSync(join(clone, 'packed-refs.lock'), '');
      case 'objects lost':
        return rmSync(join(clone, 'objects/pack'), { recursive: true, force: true });
      case 'objects torn':
        return tear(join(clone, 'objects'));
      case 'refs torn':
        return tear(join(clone, 'refs'), 0);
    }
  } catch {
    // There is no clone yet.
  }
}

/** @param share of each file that is left of it */
function tear(folder: string, share = 0.5): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name);
    const { size, isFile } = about(file);
    if (isFile) truncateSync(file, Math.floor(size * share));
  }
}

function about(file: string): { size: number; isFile: boolean } {
  const stat = statSync(file);
  return { size: stat.size, isFile: stat.isFile() };
}

/** @returns the way to make room again */
export function fill(clone: string): () => void {
  full.add(clone);
  return () => full.delete(clone);
}

/**
 * As git ends where it cannot write: what it had begun to write may stay. Throws nothing where there is room.
 * @param isLocal whether the command reaches no remote: these fail in another way
 */
export function needsRoom(dir: string, command: string, isLocal: boolean): void {
  const clone = dir.replace(/\.new$/, '');
  if (!full.has(clone) || !WRITES.has(command)) return;
  leaveHalf(join(dir, 'objects/pack'));
  const words = `git ${command}: fatal: write error: ${FULL}`;
  throw isLocal ? new LocalGitError(words, 128) : new TransientError(words);
}

function leaveHalf(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tmp_pack_half'), 'PACK');
  } catch {
    // Nor is there room for that.
  }
}
