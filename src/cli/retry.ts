import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { InvalidError } from '../api/errors.ts';
import { LABEL_HOSTNAME } from '../api/labels.ts';
import { parseReport } from '../api/report.ts';
import { trimEnd } from '../api/trim.ts';
import { retryPath, selectorProblem, unfinishedNodes } from '../core/runs/retry.ts';
import { someOf } from '../core/text/fit.ts';
import { clusterOptions, type ClusterFlags } from './cluster.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { type Checkout, validFile } from './retry/file.ts';
import { fromCluster, fromReport, type Found } from './retry/past.ts';
import { print, printData, printError, prose, shellWord } from './terminal.ts';

interface RetryFlags extends ClusterFlags, Checkout {
  write: boolean;
  format: Format;
}

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('a run file that repeats a run on the nodes that it failed on or did not come to')
    .argument('<RUN>', 'the report of a run, or a run as in status')
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--runs <folder>', 'folder of the run files inside the repository', 'runs')
    .option('--nodeops <folder>', 'folder of the definitions inside the repository', 'nodeops')
    .option('--write', 'write it beside the run file it repeats, instead of printing it', false);
  return outputOption(clusterOptions(command))
    .addHelpText(
      'after',
      prose(`
A report is read from its file; any other RUN from the cluster, which only is read. Nothing is committed: look at the file, then
open a pull request with it.

Example:
  nodeop-agent retry results/2030-01-31-swappiness.yaml --write`),
    )
    .action(retry);
}

async function retry(wanted: string, flags: RetryFlags): Promise<void> {
  const isFile = statSync(wanted, { throwIfNoEntry: false })?.isFile() === true;
  const report = isFile ? parseReport(await readFile(wanted)) : undefined;
  const found = report ? fromReport(report) : await fromCluster(wanted, flags);
  const { past, hostnames } = found;
  if (unfinishedNodes(past).length === 0) {
    throw new InvalidError(
      `${past.run} failed on no node and was given up on none: there is nothing to repeat`,
    );
  }
  const problem = selectorProblem(past, hostnames);
  if (problem !== undefined) throw new InvalidError(problem);
  const path = placeFor(found, flags);
  const { text, isRun, notes } = await validFile(found, path, flags);
  const all = [...notesOnNodes(found, report !== undefined), ...notes];
  for (const note of all) printError(note);
  const file = join(flags.root, path);
  if (flags.write) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  }
  if (flags.format !== 'text') {
    const nodes = unfinishedNodes(past).map(({ name }) => name);
    const answer = { run: past.run, nodes, file, isWritten: flags.write, text, notes: all };
    return printDocument(answer, flags.format);
  }
  if (!flags.write) return printData(text.trimEnd());
  const root = isRun && flags.root !== '.' ? ` --root ${shellWord(flags.root)}` : '';
  return print(`wrote ${file}; look at it: nodeop-agent validate ${shellWord(file)}${root}`);
}

/** Inside the repository, beside the run file that is repeated. */
function placeFor({ past }: Found, { root, runs: folder }: Checkout): string {
  const runs = trimEnd(folder, '/');
  const below = past.run.startsWith(`${runs}/`) ? past.run : `${runs}/${past.name}.yaml`;
  return retryPath(below, (it) => existsSync(join(root, it)));
}

/** Whether the nodes are found by what the file selects them. */
function notesOnNodes({ past, hostnames }: Found, isFromReport: boolean): string[] {
  if (isFromReport)
    return [
      `Nodes are selected by ${LABEL_HOSTNAME}; see that your nodes have it with their names as values.`,
    ];
  const unlabelled = unfinishedNodes(past).filter(({ name }) => !hostnames.has(name));
  if (unlabelled.length === 0) return [];
  const names = someOf(
    unlabelled.map(({ name }) => name),
    200,
  );
  return [`Without the label ${LABEL_HOSTNAME}, or gone, so that the file finds them not: ${names}`];
}
