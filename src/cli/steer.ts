import { Command } from 'commander';
import { InvalidError } from '../api/errors.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { ApiError } from '../kube/api-error.ts';
import { NODEOPS } from '../kube/resources.ts';
import { systemClock } from '../time/clock.ts';
import {
  accessOf,
  clusterOptions,
  connect,
  explained,
  ReadOnlyCluster,
  type ClusterFlags,
} from './cluster.ts';
import { labelOf, runPathOf } from './find-run.ts';
import { lookUpBegun, lookUpFile } from './look-up.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { edit, runFileOf } from './steer/checkout.ts';
import { outlook } from './steer/outlook.ts';
import { type Verb, VERBS } from './steer/verbs.ts';
import { print, prose, shellWord } from './terminal.ts';

interface SteerFlags extends ClusterFlags {
  now: boolean;
  reason: string;
  runs: string;
  nodeops: string;
  format: Format;
}

/** What was done; also what `-o json` prints. */
interface Outcome {
  action: Verb;
  run: string;
  where: 'file' | 'cluster';
  /** What that does. */
  message: string;
  /** How the run stands in the cluster, or why that is not known. */
  cluster?: string;
  /** Commands that can be typed as they stand. */
  next: string[];
}

export function steerCommand(verb: Verb): Command {
  const { description } = VERBS[verb];
  const command = new Command(verb)
    .description(description)
    .argument('<RUN>', 'the run file in a checkout; with --now a run as in status')
    .option('--now', 'at once, in the cluster, instead of in the file', false)
    .option('--reason <text>', 'with --now: why, for the others', '')
    .option('--runs <folder>', 'folder of the run files inside the repository', 'runs')
    .option('--nodeops <folder>', 'folder of the definitions inside the repository', 'nodeops');
  return outputOption(clusterOptions(command))
    .addHelpText(
      'after',
      prose(`
Without --now the run file is changed in the checkout and nothing is committed; the cluster is asked how the run stands, where
it can be reached. With --now the NodeOp in the cluster is marked, which Git never undoes; you need the right to patch NodeOps
(the role nodeop-edit).

Example:
  nodeop-agent ${verb} runs/2030-01-31-swappiness.yaml`),
    )
    .action(async (wanted: string, flags: SteerFlags) => {
      const outcome = await (flags.now ? inCluster : inCheckout)(verb, wanted, flags);
      if (flags.format === 'text') print(textOf(outcome));
      else printDocument(outcome, flags.format);
    });
}

function textOf({ run, message, cluster, next, where }: Outcome): string {
  const way = where === 'file' ? 'Or at once, in the cluster' : 'To let it go on';
  const parts = [`${run} ${message}`, cluster, ...next.map((it) => `${way}: ${it}`)];
  return parts.filter((it) => it !== undefined).join('\n');
}

async function inCheckout(verb: Verb, file: string, flags: SteerFlags): Promise<Outcome> {
  const atOnce = `nodeop-agent ${verb} ${shellWord(file)} --now${accessOf(flags).own}`;
  const runFile = await runFileOf(file, flags, `at once, in the cluster: ${atOnce}`);
  const done = await edit(verb, runFile);
  return {
    action: verb,
    run: file,
    where: 'file',
    message: `${done}. Commit that and have it merged: ${VERBS[verb].merged}.`,
    cluster: await standing(verb, runFile.path, flags),
    next: [atOnce],
  };
}

/** So long a cluster is waited for that a file needs not. */
const PATIENCE_MS = 5_000;

/** How the run stands in the cluster; why that is not known, where it cannot be told. */
async function standing(verb: Verb, path: string, flags: SteerFlags): Promise<string> {
  const late = Promise.withResolvers<never>();
  const cancel = systemClock.after(PATIENCE_MS, () => late.reject(new Error('no answer within 5 s')));
  let cluster: ReadOnlyCluster | undefined;
  try {
    cluster = new ReadOnlyCluster(flags);
    const known = await Promise.race([lookUpFile(cluster, path, flags.namespace), late.promise]);
    return known ? outlook(verb, known) : 'The cluster has no such run: it has not begun there.';
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return `How it stands in the cluster is not known: ${reason}.`;
  } finally {
    cancel();
    await cluster?.close();
  }
}

async function inCluster(verb: Verb, wanted: string, flags: SteerFlags): Promise<Outcome> {
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
  const resume = `nodeop-agent resume ${shellWord(wanted)} --now${accessOf(flags).own}`;
  return {
    action: verb,
    run: name,
    where: 'cluster',
    message: `${now}.`,
    next: verb === 'suspend' ? [resume] : [],
  };
}

async function find(wanted: string, flags: ClusterFlags): Promise<NodeOp> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    return await lookUpBegun(cluster, wanted, flags.namespace);
  } finally {
    await cluster.close();
  }
}
