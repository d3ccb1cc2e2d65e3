import { isFinalReport, type NodeOpReport, type ReportNode } from '../../api/report.ts';
import { waitsText } from '../rollout/words.ts';
import { waitsIn } from '../text/causes.ts';
import { code, escape } from '../text/markup.ts';
import { countsText } from '../text/counts.ts';
import { stepsText } from '../text/steps.ts';
import { naturally } from '../text/order.ts';
import { oneLine } from '../text/table.ts';
import { runStatus } from './status.ts';

/** Hosts refuse comments over 65,535 characters (GitHub); the others take more. */
const LIMIT = 60_000;
const ROWS = 25;
const ICONS = {
  pending: '⏳',
  running: '🔄',
  success: '✅',
  failure: '❌',
  error: '⛔',
  cancelled: '⏹️',
} as const;

/** What a comment of ours begins with: one for each pull request and cluster. */
export function commentMarker(context: string, cluster: string | undefined): string {
  return `<!-- ${encodeURIComponent(context)} ${encodeURIComponent(cluster ?? '')} -->`;
}

/**
 * The comment with the section of one run put in or replaced; all other sections stay, so that nothing
 * has to be remembered. When it gets too long, the other runs are cut to their first line, oldest first.
 */
export function withRun(
  comment: string | undefined,
  marker: string,
  report: NodeOpReport,
  reportUrl: string,
): string {
  const sections = parse(comment ?? '');
  const key = encodeURIComponent(report.run.path.toWellFormed());
  sections.set(key, section(report, reportUrl));
  const title =
    report.cluster === undefined ? 'Node operations' : `Node operations on ${escape(report.cluster)}`;
  const render = () => {
    const parts = [...sections].map(([id, text]) => wrapped(id, text));
    return [marker, `### ${title}`, '', ...parts, ''].join('\n');
  };
  let { length } = render();
  for (const [id, text] of sections) {
    if (length <= LIMIT) break;
    if (id === key) continue;
    const [first = ''] = text.split('\n', 1);
    sections.set(id, first);
    length -= text.length - first.length;
  }
  for (const [id, text] of sections) {
    if (length <= LIMIT) break;
    if (id === key) continue;
    sections.delete(id);
    length -= wrapped(id, text).length + 1;
  }
  return render();
}

const END = '\n<!-- /run -->';
const wrapped = (id: string, text: string) => `<!-- run ${id} -->\n${text}${END}`;

function parse(comment: string): Map<string, string> {
  const text = comment.replaceAll('\r\n', '\n');
  const sections = new Map<string, string>();
  let done = 0;
  for (const { 0: begin, 1: key = '', index } of text.matchAll(/<!-- run (\S+) -->\n/g)) {
    // What stands in a section begins none.
    if (index < done) continue;
    const end = text.indexOf(END, index + begin.length);
    // Nothing that begins later has an end either.
    if (end < 0) break;
    sections.set(key, text.slice(index + begin.length, end));
    done = end + END.length;
  }
  return sections;
}

function section(report: NodeOpReport, reportUrl: string): string {
  const { state, description } = runStatus(report);
  const { phase, nodes = [], problems = [], summary } = report.status;
  const link = reportUrl === '' ? '' : ` ([report](${reportUrl}))`;
  const lines = [`${ICONS[state]} ${code(report.run.path)}: **${phase}**, ${escape(description)}${link}`];
  if (summary && (state === 'running' || state === 'pending')) {
    lines.push('', `${countsText(summary)}.`);
  }
  const steps = stepsText(report.status.steps);
  if (steps !== '') lines.push('', `Steps: ${escape(steps)}.`);
  const waits = isFinalReport(report) ? undefined : waitsText(waitsIn(nodes.map((it) => [it.name, it])));
  if (waits !== undefined) lines.push('', `Held up: ${escape(waits)}`);
  lines.push(...problems.slice(0, ROWS).map((it) => `- ${escape(problemText(it))}`));
  const failed = nodes.filter((it) => it.phase === 'Failed').toSorted((a, b) => naturally(a.name, b.name));
  if (failed.length > 0)
    lines.push('', '| failed node | why |', '|---|---|', ...failed.slice(0, ROWS).map(row));
  if (failed.length > ROWS) lines.push('', `… and ${failed.length - ROWS} more.`);
  return lines.join('\n');
}

function row({ name, message }: ReportNode): string {
  return `| ${code(name)} | ${escape(oneLine(message, 200))} |`;
}

function problemText({
  path,
  message,
  line,
  column,
}: {
  path?: string | undefined;
  message: string;
  line?: number | undefined;
  column?: number | undefined;
}): string {
  const place = line === undefined ? '' : `line ${line}, column ${column ?? 1}: `;
  return oneLine(`${place}${path === undefined ? '' : `${path}: `}${message}`, 300);
}
