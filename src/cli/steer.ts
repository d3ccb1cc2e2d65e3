import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Command } from 'commander';
import { InvalidError } from '../api/errors.ts';
import { ANNOTATION_CANCEL, ANNOTATION_HOLD } from '../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { otherFile, withSuspend } from '../core/runs/suspend-edit.ts';
import { ApiError } from '../kube/client.ts';
import { NODEOPS } from '../kube/resources.ts';
import {
  accessOf,
  clusterOptions,
  connect,
  explained,
  ReadOnlyCluster,
  type ClusterFlags,
} from './cluster.ts';
import { findRun, labelOf, runPathOf } from './find-run.ts';
import { readNodeOps } from './status.ts';
import { print, prose, shellWord } from './terminal.ts';

type Verb = 'suspend' | 'resume' | 'cancel';

interface SteerFlags extends ClusterFlags {
  now: boolean;
  reason: string;
}

/** What each does to the file, or to the NodeOp, and what comes of it. */
const VERBS: Record<
  Verb,
  {
    description: string;
    inFile: (file: string) => Promise<void>;
    /** What the edit means once it is merged. */
    merged: string;
    annotations: (reason: string) => Record<string, string | null>;
    /** What happens in the cluster. */
    now: string;
  }
> = {
  suspend: {
    description: 'start no new node of a run, until it is resumed',
    inFile: (file) => editSuspend(file, true),
    merged: 'no new node starts then, and those in flight finish',
    annotations: (reason) => ({ [ANNOTATION_HOLD]: reason }),
    now: 'is held: no new node starts, and those in flight finish',
  },
  resume: {
    description: 'let a run go on that was suspended',
    inFile: (file) => editSuspend(file, false),
    merged: 'it goes on then',
    annotations: () => ({ [ANNOTATION_HOLD]: null }),
    now: 'is held no more; what its run file says of suspend counts',
  },
  cancel: {
    description: 'end a run: nodes whose command has not begun are left as they were, the others finish',
    inFile: remove,
    merged:
      'a run that has not begun never will then; of one that goes on no new node starts, and those whose command runs finish',
    annotations: (reason) => ({ [ANNOTATION_CANCEL]: reason }),
    now: 'is cancelled: nodes whose command has not begun are left as they were, the others finish',
  },
};

export function steerCommand(verb: Verb): Command {
  const { description } = VERBS[verb];
  const command = new Command(verb)
    .description(description)
    .argument('<RUN>', 'the run file in a checkout; with --now a run as in status')
    .option('--now', 'at once, in the cluster, instead of in the file', false)
    .option('--reason <text>', 'with --now: why, for the others', '');
  return clusterOptions(command)
    .addHelpText(
      'after',
      prose(`
Without --now the run file is changed in the checkout and nothing is committed. With --now the NodeOp in the cluster is marked,
which Git never undoes; you need the right to patch NodeOps (the role nodeop-edit).

Example:
  nodeop-agent ${verb} runs/2030-01-31-swappiness.yaml`),
    )
    .action((wanted: string, flags: SteerFlags) =>
      flags.now ? inCluster(verb, wanted, flags) : inCheckout(verb, wanted),
    );
}

async function inCheckout(verb: Verb, file: string): Promise<void> {
  const { inFile, merged } = VERBS[verb];
  const inHurry = `at once, in the cluster: nodeop-agent ${verb} ${shellWord(file)} --now`;
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new InvalidError(`there is no run file ${file} here; ${inHurry}`);
  await inFile(file);
  const done = verb === 'cancel' ? 'is removed' : `says suspend: ${verb === 'suspend'}`;
  print(`${file} ${done}. Commit that and have it merged: ${merged}.\nOr ${inHurry}`);
}

async function editSuspend(file: string, value: boolean): Promise<void> {
  const edited = withSuspend(await readFile(file), value);
  if (!edited.ok) throw new InvalidError(`${file} ${edited.problem}`);
  if (!edited.wasSet) await writeFile(file, edited.text);
}

/** By git, which refuses when something would be lost that no commit has. */
async function remove(file: string): Promise<void> {
  const other = otherFile(await readFile(file));
  if (other !== undefined) throw new InvalidError(`${file} ${other}`);
  const args = ['--literal-pathspecs', 'rm', '--quiet', '--', basename(file)];
  return new Promise((resolve, reject) => {
    execFile('git', args, { cwd: dirname(file) }, (error, _, stderr) => {
      if (!error) return resolve();
      const reason = stderr.trim() || error.message;
      return reject(new InvalidError(`${file} was not removed: ${reason}`));
    });
  });
}

async function inCluster(verb: Verb, wanted: string, flags: SteerFlags): Promise<void> {
  const nodeOp = await find(wanted, flags);
  const name = runPathOf(nodeOp) ?? labelOf(nodeOp);
  const phase = nodeOp.status?.phase;
  if (isFinalPhase(phase)) throw new InvalidError(`${name} is over: ${phase}`);
  const { annotations, now } = VERBS[verb];
  const client = connect(flags, () => true);
  try {
    const patch = { metadata: { annotations: annotations(flags.reason) } };
    await client.patch(NODEOPS, nodeOp.metadata.name ?? '', patch, { namespace: nodeOp.metadata.namespace });
  } catch (error) {
    throw error instanceof ApiError ? explained(`${verb} ${name}`, error) : error;
  } finally {
    await client.close();
  }
  const undo =
    verb === 'suspend'
      ? `\nTo let it go on: nodeop-agent resume ${shellWord(wanted)} --now${accessOf(flags)}`
      : '';
  print(`${name} ${now}.${undo}`);
}

async function find(wanted: string, flags: ClusterFlags): Promise<NodeOp> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    return findRun(await readNodeOps(cluster), wanted);
  } finally {
    await cluster.close();
  }
}
