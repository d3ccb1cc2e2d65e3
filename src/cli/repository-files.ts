import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDefinition, type Definition } from '../core/runs/definitions.ts';

/** Every definition below a folder of a checkout; none when there is no such folder. */
export async function readDefinitions(folder: string): Promise<Definition[]> {
  const files = await walk(folder, false).catch((): string[] => []);
  const parsed = await Promise.all(files.map(async (file) => parseDefinition(file, await readFile(file))));
  return parsed.filter((it) => 'result' in it);
}

const OF_OTHERS = /(?:^|\/)(?:node_modules|\.git)\//;

/** YAML files below a folder, sorted; a file that is `named` counts whatever its name. Links are not followed. */
export async function walk(path: string, named: boolean): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return named ? [path] : [];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((it) => it.isFile() && /\.ya?ml$/i.test(it.name))
    .map((it) => join(it.parentPath, it.name))
    .filter((it) => !OF_OTHERS.test(it))
    .toSorted();
}
