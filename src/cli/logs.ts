import { Command } from 'commander';
import { InvalidError, TransientError } from '../api/errors.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { clusterOptions, type ClusterFlags, ReadOnlyCluster } from './cluster.ts';
import { LogPrinter } from './logs/entry.ts';
import { Follower } from './logs/follower.ts';
import { podsOf, printPods } from './logs/pods.ts';
import { findReport, type Recorded } from './logs/recorded.ts';
import { printKept, printReport, wantedNodes } from './logs/rest.ts';
import { Told } from './logs/told.ts';
import { type Known, lookUp } from './look-up.ts';
import { type Format, outputOption } from './output.ts';
import { printError, prose, untilSignal } from './terminal.ts';
import { passedOverSentence, waitingSentence } from './waiting.ts';

interface LogsFlags extends ClusterFlags {
  follow: boolean;
  root: string;
  results?: string;
  format: Format;
}

export function logsCommand(): Command {
  const command = new Command('logs')
    .description('what the commands of a run say: of its pods, or of its report when they are gone')
    .argument('<RUN>', 'a run as in status, or the path of a report')
    .argument('[NODE]', 'one of its nodes; all of them when absent')
    .option('-f, --follow', 'go on until the run is over', false)
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--results <dir>', 'checkout with the reports, when they are on a branch of their own');
  return outputOption(clusterOptions(command))
    .addHelpText(
      'after',
      prose(`
Preflight, command and its attempts, reboot, postflight and checks come in their order; of several nodes each line names its
own. Reads the cluster and the checkout only; it needs the right to get pods/log. Exit status: 0, 1 when there is no log, 2
when an option is invalid or there is no such run or node, 3 when the cluster cannot be reached.

Example:
  nodeop-agent logs runs/2030-01-31-swappiness.yaml node-3
  nodeop-agent logs swappiness -f --context berlin`),
    )
    .action(run);
}

async function run(wanted: string, node: string | undefined, flags: LogsFlags): Promise<void> {
  const stop = new AbortController();
  const interrupted = untilSignal().then(() => 130);
  try {
    process.exitCode = await Promise.race([logs({ wanted, node, flags, signal: stop.signal }), interrupted]);
  } finally {
    stop.abort();
  }
}

interface Asked {
  wanted: string;
  node: string | undefined;
  flags: LogsFlags;
  signal: AbortSignal;
}

/** Returns the exit status. */
async function logs({ wanted, node, flags, signal }: Asked): Promise<number> {
  const checkout = flags.results ?? flags.root;
  const found = await whereItIs(wanted, checkout, flags, signal);
  if ('report' in found) return printReport(found, node, (nodes) => new LogPrinter(flags.format, nodes));
  const { cluster } = found;
  try {
    const nodeOp = await begun(found, wanted, flags, signal);
    const pods = await podsOf(cluster, nodeOp);
    const nodes = wantedNodes(nodeOp, pods, node);
    const printer = new LogPrinter(flags.format, nodes);
    const told = new Told();
    const printing = { printer, told, node, signal };
    let end = { nodeOp, pods };
    if (flags.follow) end = await new Follower(cluster, nodeOp, printing).follow();
    else await printPods(cluster, end, printing);
    if (!signal.aborted) await printKept(end.nodeOp, { nodes, pods: end.pods, checkout }, printer, told);
    return told.conclude();
  } finally {
    await cluster.close();
  }
}

/** The run in the cluster; of one that the cluster knows no more, or cannot tell of, the report. */
async function whereItIs(
  wanted: string,
  checkout: string,
  flags: LogsFlags,
  signal: AbortSignal,
): Promise<{ cluster: ReadOnlyCluster; known: Known } | Recorded> {
  let cluster: ReadOnlyCluster | undefined;
  // Whatever is under way ends with it.
  signal.addEventListener('abort', () => void cluster?.close());
  try {
    cluster = new ReadOnlyCluster(flags);
    return { cluster, known: await lookUp(cluster, wanted, flags.namespace) };
  } catch (error) {
    await cluster?.close();
    const recorded = await findReport(wanted, checkout);
    if (recorded) return recorded;
    throw error;
  }
}

/** Between two looks at a run that has not begun, or whose nodes are not known yet. */
const LOOK_MS = 1_000;

async function begun(
  { cluster, known: first }: { cluster: ReadOnlyCluster; known: Known },
  wanted: string,
  { follow, namespace }: LogsFlags,
  signal: AbortSignal,
): Promise<NodeOp> {
  let said = '';
  for (let known = first; !signal.aborted;) {
    if (known.kind === 'passedOver') throw new InvalidError(passedOverSentence(known.run));
    if (known.kind === 'nodeOp' && (!follow || hasNodes(known.nodeOp))) return known.nodeOp;
    const waits = known.kind === 'waiting' ? waitingSentence(known.run) : `${wanted} has no nodes yet`;
    if (!follow) throw new InvalidError(`${waits}; with -f it is waited for`);
    if (waits !== said) printError(waits);
    said = waits;
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await pause(systemClock, LOOK_MS, signal);
    // Between the record of one that waits and its NodeOp there may be neither.
    // oxlint-disable-next-line no-await-in-loop
    known = await lookUp(cluster, wanted, namespace).catch(() => known);
  }
  throw new TransientError('interrupted');
}

const hasNodes = ({ status = {} }: NodeOp) =>
  isFinalPhase(status.phase) || Object.keys(status.nodeStatuses ?? {}).length > 0;
