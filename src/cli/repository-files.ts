import { existsSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readStored } from './stored.ts';
import { parseDefinition, type Definition } from '../core/runs/definitions.ts';

/** Every definition below a folder of a checkout; none when there is no such folder. */
export async function readDefinitions(folder: string): Promise<Definition[]> {
  const files = await walk(folder, false).catch((): string[] => []);
  const stored = [...readStored(folder, files)].filter(([, { mode }]) => mode === '100644');
  return stored.map(([file, { bytes }]) => parseDefinition(file, bytes)).filter((it) => 'result' in it);
}

const OF_OTHERS = /(?:^|\/)(?:node_modules|\.git)\//;

/**
 * YAML files below a folder, sorted, links and submodules as what they are; what is `named` counts whatever its name. Links
 * are not followed.
 */
export async function walk(path: string, named: boolean): Promise<string[]> {
  if (!(await lstat(path)).isDirectory()) return named ? [path] : [];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter(
      (it) =>
        (it.isFile() && /\.ya?ml$/i.test(it.name)) ||
        it.isSymbolicLink() ||
        (it.isDirectory() && existsSync(join(it.parentPath, it.name, '.git'))),
    )
    .map((it) => join(it.parentPath, it.name))
    .filter((it) => !OF_OTHERS.test(it))
    .toSorted();
}
