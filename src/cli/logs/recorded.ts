import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidError } from '../../api/errors.ts';
import { own } from '../../api/own.ts';
import type { NodeOp, NodeStatus } from '../../api/nodeop.ts';
import { type NodeOpReport, parseReport } from '../../api/report.ts';
import { logFolder } from '../../core/runs/retention.ts';
import { endOfLog } from '../../core/logs/end.ts';
import { naturally } from '../../core/text/order.ts';
import { clusterNameOf, isPathOf, runPathOf } from '../find-run.ts';
import { walk } from '../repository-files.ts';
import type { Origin } from './entry.ts';

/** What is on record of a run, beside its pods. */
export interface Recorded {
  file: string;
  report: NodeOpReport;
}

/** What is on record of a node's log: its end. */
export interface RecordedLog {
  origin: Origin;
  text: string;
}

const RESULTS = 'results';

/** The report of a NodeOp in a checkout; undefined where it has none. */
export async function reportOf(nodeOp: NodeOp, checkout: string): Promise<Recorded | undefined> {
  const path = runPathOf(nodeOp);
  if (path === undefined) return undefined;
  const file = join(checkout, RESULTS, clusterNameOf(nodeOp) ?? '', path.slice(path.indexOf('/') + 1));
  return existsSync(file) ? read(file) : undefined;
}

/** The report that is meant by its own path, or by that of its run file. Throws InvalidError when there are several. */
export async function findReport(wanted: string, checkout: string): Promise<Recorded | undefined> {
  const named = existsSync(wanted) ? await read(wanted) : undefined;
  if (named) return named;
  const files = await walk(join(checkout, RESULTS), false).catch((): string[] => []);
  const inside = wanted.slice(wanted.indexOf('/') + 1);
  const candidates = files.filter((file) => file.endsWith(`/${inside}`));
  const found = await Promise.all(candidates.map(read));
  const meant = found
    .filter((it) => it !== undefined)
    .filter(({ report }) => isPathOf(report.run.path, wanted));
  if (meant.length < 2) return meant[0];
  const names = meant.map(({ file }) => file).toSorted();
  throw new InvalidError(`"${wanted}" has several reports: ${names.join(', ')}; name one of them`);
}

async function read(file: string): Promise<Recorded | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  const report = bytes && parseReport(bytes);
  return report && { file, report };
}

export function nodesOf({ report }: Recorded): string[] {
  return (report.status.nodes ?? []).map(({ name }) => name).toSorted(naturally);
}

/** The file of the node beside the report, or what the report itself has of a failed one. */
export async function logInReport(
  { file, report }: Recorded,
  node: string,
): Promise<RecordedLog | undefined> {
  const path = `${logFolder(file)}${node}.log`;
  const text = node.includes('/') ? undefined : await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) return { origin: { from: 'report', node, file: path }, text };
  const entry = report.status.nodes?.find(({ name }) => name === node);
  const said = endOfLog(entry?.log, entry?.cause);
  return said === undefined ? undefined : { origin: { from: 'report', node, file }, text: said };
}

/** What the status of the NodeOp has kept of a failed node. */
export function logInStatus(nodeOp: NodeOp, node: string): RecordedLog | undefined {
  const status: NodeStatus | undefined = own(nodeOp.status?.nodeStatuses, node);
  const text = endOfLog(status?.log, status?.cause);
  return text === undefined ? undefined : { origin: { from: 'status', node }, text };
}
