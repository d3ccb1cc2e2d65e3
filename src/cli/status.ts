import { Command, Option } from 'commander';
import type { Node } from '../api/kubernetes.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { unguardedIn } from '../core/rollout/retries.ts';
import { standingText } from '../core/rollout/words.ts';
import { NODES } from '../kube/resources.ts';
import { accessOf, clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { Cordons, type LeftCordoned } from '../core/cordon.ts';
import { clusterHeld, heldHeading, heldText } from './held.ts';
import { labelOf, runPathOf } from './find-run.ts';
import { type Known, lookUp, readNodeOps } from './look-up.ts';
import { clip } from '../core/text/fit.ts';
import { naturally } from '../core/text/order.ts';
import { screen } from '../core/text/output.ts';
import { oneLine, period, table } from '../core/text/table.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { readUnreached, type Unreached, unreachedLines } from './status/notifications.ts';
import { runPage } from './status/page.ts';
import { readWaiting, showPassedOver, showWaiting, type Waiting, waitingLines } from './waiting.ts';
import { columns, paintPhases, print, prose, shellWord, wholeNumber } from './terminal.ts';

interface StatusFlags extends ClusterFlags {
  format: Format;
  limit: number;
  failed: boolean;
  all: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('what runs there are and how they are going; with a RUN, every node of it')
    .argument('[RUN]', 'a NodeOp, <namespace>/<name>, or the path of a run file');
  return outputOption(clusterOptions(command))
    .addOption(new Option('--failed', 'of a RUN, list the nodes that failed').default(false).conflicts('all'))
    .option(
      '--all',
      'of a RUN, list every node; without, those that are fine are counted when they are many',
      false,
    )
    .addOption(new Option('--limit <n>', 'finished runs to list').argParser(wholeNumber).default(10))
    .addHelpText(
      'after',
      prose(`
A RUN is a NodeOp, <namespace>/<name>, the path of a run file or of its report, or the beginning of one of them. Reads the
cluster only.

Example:
  nodeop-agent status --context berlin
  nodeop-agent status runs/2030-01-31-swappiness.yaml --failed`),
    )
    .action(run);
}

async function run(wanted: string | undefined, flags: StatusFlags): Promise<void> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    const now = Date.now();
    if (wanted !== undefined) return show(await lookUp(cluster, wanted, flags.namespace), flags, now);
    const nodeOps = await readNodeOps(cluster, flags.namespace);
    const left: LeftCordoned[] = [];
    const cordons = new Cordons(nodeOps);
    for await (const node of cluster.list<Node>(NODES)) {
      const found = cordons.left(node);
      const seen = flags.namespace === undefined || found?.by.startsWith(`${flags.namespace}/`);
      if (found && seen) left.push(found);
    }
    const held = await clusterHeld(cluster, nodeOps);
    if (held !== undefined && flags.format === 'text') print(`${heldHeading(held)}\n`);
    const unreached = await readUnreached(cluster, now);
    showAll(nodeOps, left, { ...flags, held, unreached }, now, await readWaiting(cluster));
  } finally {
    await cluster.close();
  }
}

function show(known: Known, flags: StatusFlags, now: number): void {
  if (known.kind === 'waiting') return showWaiting(known.run, flags.format);
  if (known.kind === 'passedOver') return showPassedOver(known.run, flags.format);
  return showOne(known.nodeOp, flags, now);
}

function showAll(
  nodeOps: readonly NodeOp[],
  left: readonly LeftCordoned[],
  flags: StatusFlags & { held: string | undefined; unreached: readonly Unreached[] },
  now: number,
  waits: Waiting,
): void {
  const { format, limit, held, unreached } = flags;
  const newest = nodeOps.toSorted((a, b) => created(b).localeCompare(created(a)));
  const open = newest.filter((it) => !isFinalPhase(it.status?.phase));
  const over = newest.filter((it) => isFinalPhase(it.status?.phase));
  const shown = [...open, ...over.slice(0, limit)];
  if (format !== 'text') {
    const { waiting, passedOver, passedOverRuns, misnamed = [] } = waits;
    const all = {
      ...(held !== undefined && { held }),
      runs: shown.map(outline),
      waiting,
      passedOver,
      passedOverRuns,
      ...(misnamed.length > 0 && { misnamed }),
      leftCordoned: left,
      ...(unreached.length > 0 && { notNotified: unreached }),
    };
    return printDocument(all, format);
  }
  if (shown.length === 0) print('There are no runs.');
  else {
    const rows = table([['PHASE', 'DONE', 'FAILED', 'AGE', 'RUN'], ...shown.map((it) => row(it, now))]);
    print(paintPhases(clipped(rows)));
  }
  const more = over.length - Math.max(0, shown.length - open.length);
  if (more > 0) print(`… and ${more} more that are finished; see --limit`);
  for (const nodeOp of open) print(`\n${nameOf(nodeOp)}: ${conditionText(nodeOp)}`);
  for (const nodeOp of open) {
    const unguarded = unguardedIn(nodeOp.status ?? {});
    if (unguarded !== undefined) print(`Warning: ${nameOf(nodeOp)}: ${unguarded}`);
  }
  for (const line of [...waitingLines(waits), ...unreachedLines(unreached, now)]) print(line);
  const [first] = shown;
  if (left.length === 0) {
    if (first)
      print(
        `\nOne of them in full:\n  nodeop-agent status ${shellWord(nameOf(first))}${accessOf(flags).own}`,
      );
    return;
  }
  print('\nCordoned by a NodeOp that works on them no more; look at each, then kubectl uncordon NODE:');
  const sorted = left.toSorted((a, b) => naturally(a.node, b.node));
  const rows = table(sorted.map(({ node, by, why }) => [`  ${node}`, by, oneLine(why, 200)]));
  print(sorted.length > FEW ? clipped(rows) : rows);
}

/** Of so many nodes the reasons are told to their end. */
const FEW = 20;

function row(nodeOp: NodeOp, now: number): string[] {
  const { phase = 'Pending', summary } = nodeOp.status ?? {};
  const age = period((now - Date.parse(created(nodeOp))) / 1000);
  const failed = String(summary?.failed ?? 0);
  return [phase, summary?.done ?? '', failed, age, nameOf(nodeOp)];
}

function showOne(nodeOp: NodeOp, flags: StatusFlags, now: number): void {
  if (flags.format !== 'text') {
    const { nodeStatuses = {} } = nodeOp.status ?? {};
    return printDocument({ ...outline(nodeOp), nodes: nodeStatuses }, flags.format);
  }
  const held = heldText(nodeOp);
  if (held !== undefined) print(`${heldHeading(held)}\n`);
  const nodes = flags.failed ? 'failed' : flags.all ? 'all' : 'some';
  const page = runPage(nodeOp, { now, width: columns(), nodes, access: accessOf(flags) });
  print(paintPhases(screen(page)));
}

/** As people know it: by the run file they wrote. */
function nameOf(nodeOp: NodeOp): string {
  return runPathOf(nodeOp) ?? labelOf(nodeOp);
}

function clipped(text: string): string {
  return text
    .split('\n')
    .map((line) => clip(line, columns()))
    .join('\n');
}

function outline(nodeOp: NodeOp) {
  const { phase = 'Pending', summary, startedAt, completedAt } = nodeOp.status ?? {};
  const { namespace, name } = nodeOp.metadata;
  const message = conditionText(nodeOp);
  const held = heldText(nodeOp);
  const path = runPathOf(nodeOp);
  const warning = unguardedIn(nodeOp.status ?? {});
  return { namespace, name, run: path, phase, held, message, warning, summary, startedAt, completedAt };
}

function conditionText({ status = {} }: NodeOp): string {
  return standingText(status) ?? 'not looked at by an agent yet';
}

function created(nodeOp: NodeOp): string {
  return nodeOp.metadata.creationTimestamp ?? '';
}
