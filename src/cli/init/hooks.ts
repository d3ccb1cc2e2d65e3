import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Which hooks a clone has: none, ours, or those of a folder that somebody uses already. */
export type Hooks = 'none' | 'ours' | { folder: string };

/** Of a folder that is no clone yet there are none. */
export async function hooksIn(dir: string, own: string): Promise<Hooks> {
  if (!existsSync(join(dir, '.git'))) return 'none';
  const args = ['rev-parse', '--git-path', 'hooks'];
  const path = await promisify(execFile)('git', args, { cwd: dir }).then(
    // Relative to the folder; the setting core.hooksPath counts, and in a worktree it is the folder of the clone.
    ({ stdout }) => resolve(dir, stdout.replace(/\n$/, '')),
    () => undefined,
  );
  if (path === undefined) return 'none';
  if (path === resolve(dir, own)) return 'ours';
  return hasHooks(path) ? { folder: relative(resolve(dir), path) } : 'none';
}

/** Git runs what is executable, and no samples. */
function hasHooks(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => !name.endsWith('.sample') && isProgram(join(folder, name)));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
