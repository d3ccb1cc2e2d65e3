import type { NodeOpReport } from '../../api/report.ts';
import { counted, countsText } from '../text/counts.ts';
import { line } from '../text/output.ts';

/** The commit message for reports that changed together: one line each, and trailers for tools. */
export function commitMessage(reports: readonly NodeOpReport[], skipCi: boolean): string {
  const first = reports[0];
  const title =
    first && reports.length === 1 ? headline(first) : `${reports.length} runs: ${phases(reports)}`;
  const lines = reports.length > 1 ? reports.map((it) => `- ${headline(it)}`) : [];
  const body = [lines.join('\n'), reports.flatMap(trailers).join('\n')].filter((it) => it !== '');
  return `${[title + (skipCi ? ' [skip ci]' : ''), ...body].join('\n\n')}\n`;
}

export function baselineMessage(count: number, cluster: string | undefined, skipCi: boolean): string {
  const title = `First contact: ${counted(count, 'run file is', 'run files are')} passed over`;
  return ofCluster(title, cluster, skipCi);
}

export function passedOverMessage(
  runs: readonly string[],
  cluster: string | undefined,
  skipCi: boolean,
): string {
  const [first = ''] = runs;
  const what = runs.length === 1 ? oneLine(first) : `${runs.length} run files`;
  return ofCluster(`Passed over: ${what}`, cluster, skipCi);
}

export function ownerMessage(file: string, cluster: string | undefined, skipCi: boolean): string {
  return ofCluster(`This cluster's own: ${file}`, cluster, skipCi);
}

export function restoredMessage(file: string, cluster: string | undefined, skipCi: boolean): string {
  return ofCluster(`Put back: ${file}`, cluster, skipCi);
}

/** @param files of the results folder that somebody else had changed */
export function putBackMessage(
  files: readonly string[],
  cluster: string | undefined,
  skipCi: boolean,
): string {
  const [first = ''] = files;
  const what = files.length === 1 ? oneLine(first) : `${files.length} reports`;
  return restoredMessage(what, cluster, skipCi);
}

function ofCluster(title: string, cluster: string | undefined, skipCi: boolean): string {
  const trailer = cluster === undefined ? '' : `\n\nCluster: ${cluster}`;
  return `${title}${skipCi ? ' [skip ci]' : ''}${trailer}\n`;
}

export function scheduledMessage(runs: readonly string[], skipCi: boolean): string {
  const [first = ''] = runs;
  const title = runs.length === 1 ? `Scheduled: ${oneLine(first)}` : `Scheduled: ${runs.length} runs`;
  const lines = runs.length === 1 ? [] : ['', ...runs.map((it) => `- ${oneLine(it)}`)];
  return `${[title + (skipCi ? ' [skip ci]' : ''), ...lines].join('\n')}\n`;
}

function headline(report: NodeOpReport): string {
  const { phase, summary } = report.status;
  const counts = summary ? ` (${countsText(summary)})` : '';
  return `${oneLine(report.run.path)}: ${phase}${counts}`;
}

function phases(reports: readonly NodeOpReport[]): string {
  const counts = new Map<string, number>();
  for (const { status } of reports) counts.set(status.phase, (counts.get(status.phase) ?? 0) + 1);
  return [...counts].map(([phase, count]) => `${count} ${phase}`).join(', ');
}

function trailers(report: NodeOpReport): string[] {
  const { run, cluster, nodeOp } = report;
  const trailer = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`${name}: ${oneLine(value)}`];
  const namespace = nodeOp?.namespace === undefined ? '' : `${nodeOp.namespace}/`;
  return [
    ...trailer('Run', run.path),
    ...trailer('Run-Commit', run.commit),
    ...trailer('Cluster', cluster),
    ...trailer('NodeOp', nodeOp && `${namespace}${nodeOp.name}`),
  ];
}

function oneLine(text: string): string {
  return line(text);
}
