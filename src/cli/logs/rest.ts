import type { Pod } from '../../api/kubernetes.ts';
import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';
import { nearest } from '../../api/schema.ts';
import { whyNoLog } from '../../core/logs/missing.ts';
import { isPodOf, nodeOf } from '../../core/logs/sources.ts';
import { someOf } from '../../core/text/fit.ts';
import { naturally } from '../../core/text/order.ts';
import { labelOf, runPathOf } from '../find-run.ts';
import type { LogPrinter } from './entry.ts';
import { logInReport, logInStatus, nodesOf, type Recorded, type RecordedLog, reportOf } from './recorded.ts';
import { Told } from './told.ts';

/** The nodes that are wanted: the one, or all targets and whatever node has a pod. Throws InvalidError for one that is none. */
export function wantedNodes(nodeOp: NodeOp, pods: readonly Pod[], node: string | undefined): string[] {
  const others = pods.filter((pod) => isPodOf(nodeOp, pod)).flatMap((pod) => nodeOf(pod) ?? []);
  const all = [...new Set([...Object.keys(nodeOp.status?.nodeStatuses ?? {}), ...others])];
  return choose(node, all.toSorted(naturally), runPathOf(nodeOp) ?? labelOf(nodeOp));
}

function choose(node: string | undefined, nodes: string[], run: string): string[] {
  if (node === undefined) return nodes;
  if (nodes.includes(node)) return [node];
  const guess = nearest(node, nodes);
  const there = nodes.length === 0 ? 'it has none yet' : `it has ${someOf(nodes, 200)}`;
  const hint = guess === undefined ? there : `did you mean "${guess}"?`;
  throw new InvalidError(`${run} has no node "${node}"; ${hint}`);
}

/** Of nodes whose pods say nothing any more, what the report or the status has kept; why there is nothing otherwise. */
export async function printKept(
  nodeOp: NodeOp,
  { nodes, pods, checkout }: { nodes: readonly string[]; pods: readonly Pod[]; checkout: string },
  printer: LogPrinter,
  told: Told,
): Promise<void> {
  const report = await reportOf(nodeOp, checkout);
  for (const node of nodes.filter((it) => !told.isRead(it))) {
    // oxlint-disable-next-line no-await-in-loop -- in their order
    const kept = (report && (await logInReport(report, node))) ?? logInStatus(nodeOp, node);
    // oxlint-disable-next-line no-await-in-loop
    if (kept) await printText(kept, printer, told);
    else {
      const ofNode = pods.filter((pod) => isPodOf(nodeOp, pod) && nodeOf(pod) === node);
      told.lacks(node, whyNoLog(own(nodeOp.status?.nodeStatuses, node), ofNode));
    }
  }
}

/** Of a run whose pods are gone, or out of reach. Returns the exit status. */
export async function printReport(
  recorded: Recorded,
  node: string | undefined,
  makePrinter: (nodes: readonly string[]) => LogPrinter,
): Promise<number> {
  const { report, file } = recorded;
  const all = nodesOf(recorded);
  if (all.length === 0) {
    const { phase, message } = report.status;
    throw new InvalidError(`${report.run.path} has no nodes: it is ${phase}: ${message ?? `see ${file}`}`);
  }
  const nodes = choose(node, all, report.run.path);
  const printer = makePrinter(nodes);
  const told = new Told();
  for (const name of nodes) {
    // oxlint-disable-next-line no-await-in-loop -- in their order
    const kept = await logInReport(recorded, name);
    // oxlint-disable-next-line no-await-in-loop
    if (kept) await printText(kept, printer, told);
    else told.lacks(name, notInReport(recorded, name));
  }
  return told.conclude();
}

function notInReport({ file, report }: Recorded, node: string): string {
  const phase = report.status.nodes?.find(({ name }) => name === node)?.phase ?? 'Pending';
  return `it is ${phase}, and ${file} has none of it: report.logs says of which nodes logs are kept`;
}

async function printText({ origin, text: all }: RecordedLog, printer: LogPrinter, told: Told): Promise<void> {
  told.heard(origin.node ?? '');
  for (const text of all.trimEnd().split('\n')) {
    // oxlint-disable-next-line no-await-in-loop -- one line after the other
    await printer.print(origin, { text });
  }
}
