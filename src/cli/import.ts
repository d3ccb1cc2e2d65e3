import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { CORE_SCHEMA, loadAll, YAMLException } from 'js-yaml';
import { InvalidError } from '../api/errors.ts';
import { isSmall } from '../api/yaml.ts';
import { importDocument } from '../core/import/import.ts';
import type { Imported } from '../core/import/imported.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { reasonOf } from './system-error.ts';
import { print, printData, printError, prose, shellWord } from './terminal.ts';
import { yaml as formatYaml } from '../core/text/yaml.ts';
import { counted } from '../core/text/counts.ts';

interface ImportFlags {
  root: string;
  write: boolean;
  format: Format;
}

export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'definitions and run files from manifests of the Kairos operator and the system-upgrade-controller',
    )
    .argument(
      '<FILE...>',
      'manifests (NodeOp, NodeOpUpgrade, Plan), or lists of them as kubectl prints them; - is standard input',
    )
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--write', 'write them under nodeops/ and runs/, instead of printing them', false);
  return outputOption(command)
    .addHelpText(
      'after',
      prose(`
What has no counterpart is said on standard error, for you to look at. Nothing is committed, and no file is written over.

Example:
  kubectl get plans.upgrade.cattle.io --all-namespaces --output yaml | nodeop-agent import - --write`),
    )
    .action(run);
}

async function run(files: string[], flags: ImportFlags): Promise<void> {
  const found: Imported[] = [];
  for (const file of files) {
    // oxlint-disable-next-line no-await-in-loop -- in the order of the arguments
    const imported = await inFile(file);
    const known = imported.filter((it) => it !== undefined);
    const others = imported.length - known.length;
    if (known.length === 0) throw new InvalidError(`${file} holds no NodeOp, NodeOpUpgrade or Plan`);
    if (others > 0)
      printError(
        `${file}: ${counted(others, 'object of another kind is', 'objects of other kinds are')} left out`,
      );
    found.push(...known);
  }
  for (const { name, notes } of found) for (const note of notes) printError(`${name}: ${note}`);
  const texts = found.flatMap(({ name, definition, run: made }): [string, string][] => [
    [`nodeops/${name}.yaml`, yaml(definition)],
    [`runs/${name}.yaml`, yaml(made)],
  ]);
  const twice = found.map(({ name }) => name).filter((name, i, names) => names.indexOf(name) < i);
  if (twice.length > 0) {
    throw new InvalidError(
      `several are called ${[...new Set(twice)].join(', ')}: import them one by one, and rename what is written`,
    );
  }
  if (flags.write) await writeAll(texts, flags.root);
  if (flags.format !== 'text') {
    const made = texts.map(([path, content]) => ({
      file: join(flags.root, path),
      isWritten: flags.write,
      text: content,
    }));
    const notes = found.flatMap((it) => it.notes.map((note) => ({ name: it.name, note })));
    return printDocument({ files: made, notes }, flags.format);
  }
  if (!flags.write) {
    const all = texts.map(([path, content]) => `# ${path}\n${content}`).join('---\n');
    return printData(all.trimEnd());
  }
  for (const [path] of texts) print(`wrote ${join(flags.root, path)}`);
  print(`Look at them: nodeop-agent validate --root ${shellWord(flags.root)}`);
}

/** What is wrong with one of its objects is told with its name. */
async function inFile(file: string): Promise<(Imported | undefined)[]> {
  const documents = documentsOf(file, await textOf(file));
  try {
    return documents.flatMap(importDocument);
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error;
    throw new InvalidError(`${file}: ${error.message}`, [], { cause: error });
  }
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}`, [], { cause: error });
  }
}

async function writeAll(texts: readonly [string, string][], root: string): Promise<void> {
  const taken = texts.map(([path]) => join(root, path)).filter((it) => existsSync(it));
  if (taken.length > 0) throw new InvalidError(`would be written over: ${taken.join(', ')}`);
  for (const [path, content] of texts) {
    const file = join(root, path);
    // oxlint-disable-next-line no-await-in-loop -- few, and the first that fails is the one to tell
    await mkdir(dirname(file), { recursive: true });
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(file, content, { flag: 'wx' });
  }
}

/** More than any cluster has, and little enough to be gone through at once. */
const MOST_VALUES = 1_000_000;

function documentsOf(file: string, content: string): unknown[] {
  try {
    const documents = loadAll(content, { schema: CORE_SCHEMA }).filter((it) => it !== null);
    if (isSmall(documents, MOST_VALUES)) return documents;
    throw new InvalidError(
      `${file}: holds more than ${MOST_VALUES} values, those that aliases stand for among them`,
    );
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place = error.mark ? `:${error.mark.line + 1}:${error.mark.column + 1}` : '';
    throw new InvalidError(`${file}${place}: not YAML: ${error.reason}`);
  }
}

function yaml(document: object): string {
  return formatYaml(document, { lineWidth: 110, noRefs: true });
}
