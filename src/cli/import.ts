import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { CORE_SCHEMA, loadAll, YAMLException } from 'js-yaml';
import { InvalidError } from '../api/errors.ts';
import { importDocument } from '../core/import/import.ts';
import type { Imported } from '../core/import/imported.ts';
import { type Format, outputOption, printDocument } from './output.ts';
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
    .argument('<FILE...>', 'manifests (NodeOp, NodeOpUpgrade, Plan), or lists of them as kubectl prints them')
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--write', 'write them under nodeops/ and runs/, instead of printing them', false);
  return outputOption(command)
    .addHelpText(
      'after',
      prose(`
What has no counterpart is said on standard error, for you to look at. Nothing is committed, and no file is written over.

Example:
  kubectl get plans.upgrade.cattle.io --all-namespaces --output yaml > plans.yaml
  nodeop-agent import plans.yaml --write`),
    )
    .action(run);
}

async function run(files: string[], flags: ImportFlags): Promise<void> {
  const found: Imported[] = [];
  for (const file of files) {
    // oxlint-disable-next-line no-await-in-loop -- in the order of the arguments
    const text = await readFile(file, 'utf8');
    const imported = documentsOf(file, text).flatMap(importDocument);
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
    const made = texts.map(([path, text]) => ({
      file: join(flags.root, path),
      isWritten: flags.write,
      text,
    }));
    const notes = found.flatMap((it) => it.notes.map((note) => ({ name: it.name, note })));
    return printDocument({ files: made, notes }, flags.format);
  }
  if (!flags.write) {
    const all = texts.map(([path, text]) => `# ${path}\n${text}`).join('---\n');
    return printData(all.trimEnd());
  }
  for (const [path] of texts) print(`wrote ${join(flags.root, path)}`);
  print(`Look at them: nodeop-agent validate --root ${shellWord(flags.root)}`);
}

async function writeAll(texts: readonly [string, string][], root: string): Promise<void> {
  const taken = texts.map(([path]) => join(root, path)).filter((it) => existsSync(it));
  if (taken.length > 0) throw new InvalidError(`would be written over: ${taken.join(', ')}`);
  for (const [path, text] of texts) {
    const file = join(root, path);
    // oxlint-disable-next-line no-await-in-loop -- few, and the first that fails is the one to tell
    await mkdir(dirname(file), { recursive: true });
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(file, text, { flag: 'wx' });
  }
}

function documentsOf(file: string, text: string): unknown[] {
  try {
    return loadAll(text, { schema: CORE_SCHEMA }).filter((it) => it !== null);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place = error.mark ? `:${error.mark.line + 1}:${error.mark.column + 1}` : '';
    throw new InvalidError(`${file}${place}: not YAML: ${error.reason}`);
  }
}

function yaml(document: object): string {
  return formatYaml(document, { lineWidth: 110, noRefs: true });
}
