import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { InvalidError } from '../../api/errors.ts';
import { load } from '../../api/yaml.ts';
import { isObject } from '../../core/runs/merge.ts';
import { otherFile, withSuspend } from '../../core/runs/suspend-edit.ts';
import { someOf } from '../../core/text/fit.ts';
import { shellWord } from '../terminal.ts';
import { type Verb, VERBS } from './verbs.ts';

export interface Folders {
  /** Inside the repository. */
  runs: string;
  nodeops: string;
}

const run = promisify(execFile);

/** A run file of a checkout. */
export interface RunFile {
  file: string;
  /** In its repository; as it was named where there is none. */
  path: string;
}

/** Throws InvalidError when it is no run file: what else lies in a repository is not to be taken away by mistake. */
export async function runFileOf(file: string, folders: Folders, inHurry: string): Promise<RunFile> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new InvalidError(`there is no run file ${file} here; ${inHurry}`);
  const { top, path } = await placeOf(file);
  const bytes = await readFile(file);
  if (isBelow(path, folders.nodeops)) {
    throw new InvalidError(
      `${file} is a definition, or a schedule, and no run: ${await runsOf(bytes, top, folders)}`,
    );
  }
  const other = otherFile(bytes);
  if (other !== undefined) throw new InvalidError(`${file} ${other}`);
  if (top !== undefined && !isBelow(path, folders.runs)) {
    const way = 'where run files are; --runs names another folder of the repository';
    throw new InvalidError(`${file} is no run file: it is not below ${folders.runs}/, ${way}`);
  }
  return { file, path };
}

/** Without a repository the folder may be anywhere on the way to the file. */
function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`) || (path.startsWith('..') && path.includes(`/${folder}/`));
}

/** Names begin with their day as a rule, so the last ones are the newest. */
const SEARCHED = 500;

/** What to name instead of a definition. */
async function runsOf(bytes: Uint8Array, top: string | undefined, { runs }: Folders): Promise<string> {
  const name = nameIn(bytes, 'metadata', 'name');
  const folder = join(top ?? '.', runs);
  const there = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const files = there
    .filter((it) => /\.ya?ml$/.test(it))
    .toSorted()
    .slice(-SEARCHED);
  const read = await Promise.all(
    files.map(async (it) => ({ it, text: await readFile(join(folder, it)).catch(() => Buffer.from('')) })),
  );
  const own = read.filter(({ text }) => nameIn(text, 'spec', 'nodeOp') === name && name !== undefined);
  const paths = own.map(({ it }) => `${runs}/${it}`).toReversed();
  return paths.length === 0
    ? `name a file below ${runs}/ instead; what has no run does nothing`
    : `name one of its runs instead: ${someOf(paths, 200)}`;
}

function nameIn(bytes: Uint8Array, part: string, field: string): string | undefined {
  const loaded = load(bytes);
  const found = loaded.ok && isObject(loaded.raw) ? loaded.raw[part] : undefined;
  const name = isObject(found) ? found[field] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** The top folder of the repository that has the file, where git knows of one, and the file's path in it. */
async function placeOf(file: string): Promise<{ top?: string; path: string }> {
  const args = ['rev-parse', '--show-toplevel', '--show-prefix'];
  return run('git', args, { cwd: dirname(file) }).then(
    ({ stdout }) => {
      const [top = '', prefix = ''] = stdout.split('\n');
      return { top, path: `${prefix}${basename(file)}` };
    },
    () => ({ path: relative('.', resolve(file)).split(sep).join('/') }),
  );
}

/** Makes the edit, and says what is done. */
export async function edit(verb: Verb, { file }: RunFile): Promise<string> {
  const { inFile } = VERBS[verb];
  if (inFile === 'remove') {
    await remove(file);
    return 'is removed';
  }
  const edited = withSuspend(await readFile(file), inFile.suspend);
  if (!edited.ok) throw new InvalidError(`${file} ${edited.problem}`);
  if (!edited.wasSet) await writeFile(file, edited.text);
  return `says suspend: ${inFile.suspend}`;
}

/** By git, which refuses when something would be lost that no commit has. */
async function remove(file: string): Promise<void> {
  const git = (...args: string[]) =>
    run('git', ['--literal-pathspecs', ...args, '--', basename(file)], { cwd: dirname(file) });
  try {
    const { stdout: changes } = await git('status', '--porcelain', '--ignored');
    if (changes !== '') throw new InvalidError(`${file} was not removed: ${unsaved(changes, file)}`);
    await git('rm', '--quiet');
  } catch (error) {
    if (error instanceof InvalidError) throw error;
    const { stderr, message } = error as Error & { stderr: string };
    throw new InvalidError(`${file} was not removed: ${stderr.trim() || message}`, [], { cause: error });
  }
}

/** What git knows of the file that no commit has, and the way out. */
function unsaved(changes: string, file: string): string {
  const name = shellWord(file);
  if (/^(?:\?\?|!!)/.test(changes)) return `no commit has it; if it is not needed: rm ${name}`;
  const back = `git restore --staged --worktree -- ${name}`;
  return `it has changes that no commit has, and they would be lost; commit them first, or take them back: ${back}`;
}
