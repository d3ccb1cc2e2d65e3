import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { resultsFolder, type Layout } from './paths.ts';
import { printable } from './report.ts';

/** As many as fit on a page; older reports are in the folder. */
const NEWEST = 50;

/** Where the overview lies: Git hosts show it as the page of the folder. */
export function overviewPath(layout: Layout): string {
  return `${resultsFolder(layout)}/README.md`;
}

/** The newest runs as a Markdown table with links. Made of reports alone, so it changes only when they do. */
export function formatOverview(reports: ReadonlyMap<string, NodeOpReport>, layout: Layout): string {
  const newest = [...reports]
    .map(([path, report]) => ({ path, report, at: beginOf(report) }))
    .toSorted((a, b) => (a.at === b.at ? (a.path < b.path ? -1 : 1) : a.at < b.at ? 1 : -1))
    .slice(0, NEWEST);
  const { cluster } = layout;
  const title = cluster === undefined ? '# Runs' : `# Runs on ${cell(cluster)}`;
  const more = reports.size > newest.length ? `The newest ${newest.length} of ${reports.size} runs.` : '';
  const intro = `Written by nodeop-agent; changes by hand are lost. ${more}`.trim();
  const rows = newest.map(({ path, report, at }) => row(path, report, at, layout));
  const head = ['| run | state | nodes | began | took | reason |', '|---|---|---|---|---|---|'];
  return `${[title, '', intro, '', ...head, ...rows].join('\n')}\n`;
}

/** When a run began, or else when its file was added; in UTC, so that texts sort as times do. */
export function beginOf({ status, run }: NodeOpReport): string {
  const time = Date.parse(status.startedAt ?? run.committedAt ?? '');
  return Number.isNaN(time) ? '' : new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

const SIGNS = {
  Pending: '⏳',
  Running: '▶️',
  Completed: '✅',
  Failed: '❌',
  Cancelled: '⏹️',
  Invalid: '⚠️',
} as const;

function row(path: string, report: NodeOpReport, at: string, layout: Layout): string {
  const { phase, summary, durationSeconds, reason } = report.status;
  const name = report.run.path.slice(layout.runs.length + 1);
  const link = `[${cell(name)}](${target(path.slice(resultsFolder(layout).length + 1))})`;
  const failed = summary?.['failed'] ?? 0;
  const counts = summary
    ? `${summary['completed'] ?? 0}/${summary['total'] ?? 0}${failed > 0 ? `, ${failed} failed` : ''}`
    : '';
  const took = durationSeconds === undefined ? '' : duration(durationSeconds);
  const why = isFinalReport(report) && reason !== phase ? cell(reason ?? '') : '';
  const began = at.replace('T', ' ').replace(/:\d\dZ$/, ' UTC');
  return `| ${link} | ${SIGNS[phase]} ${phase} | ${counts} | ${began} | ${took} | ${why} |`;
}

function target(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/[()]/g, (it) => (it === '(' ? '%28' : '%29')))
    .join('/');
}

/** Names come from people: nothing of them is markup, and none ends a row. */
function cell(text: string): string {
  return printable(text)
    .replace(/[\n\t]/g, ' ')
    .replace(/[\\`*_[\]<>|#&~!]/g, '\\$&')
    .slice(0, 200);
}

function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
