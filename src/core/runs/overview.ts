import type { ReportBrief } from './brief.ts';
import type { Entry } from './newest.ts';
import { resultsFolder, type Layout } from './paths.ts';
import { picturePath } from './picture.ts';
import { doneText } from '../text/counts.ts';
import { escape } from '../text/markup.ts';
import { plain } from '../text/output.ts';

/** As many as fit on a page; older reports are in the folder. */
export const OVERVIEW_ROWS = 50;

/**
 * The newest runs as a Markdown table with links. Made of reports alone, so it changes only when they do.
 * @param newest newest first
 * @param total how many reports there are
 * @param pictures those that are there, by their paths
 */
export function formatOverview(
  newest: readonly Entry[],
  total: number,
  layout: Layout,
  pictures: ReadonlySet<string> = NONE,
): string {
  const { cluster } = layout;
  const title = cluster === undefined ? '# Runs' : `# Runs on ${cell(cluster)}`;
  const more = total > newest.length ? `The newest ${newest.length} of ${total} runs.` : '';
  const intro = `Written by nodeop-agent; changes by hand are lost. ${more}`.trim();
  const rows = newest.map(([path, report]) => row(path, report, layout, pictures));
  const head = ['| run | state | nodes | began | took | reason |', '|---|---|---|---|---|---|'];
  return `${[title, '', intro, '', ...head, ...rows].join('\n')}\n`;
}

const SIGNS = {
  Waiting: '🕓',
  Pending: '⏳',
  Running: '▶️',
  Completed: '✅',
  Failed: '❌',
  Cancelled: '⏹️',
  Invalid: '⚠️',
} as const;

function row(path: string, report: ReportBrief, layout: Layout, pictures: ReadonlySet<string>): string {
  const { run, phase, until, began, durationSeconds, total, completed, failed } = report;
  const name = run.slice(layout.runs.length + 1);
  const link = `[${cell(name)}](${inFolder(path, layout)})`;
  const counts =
    total < 0 ? '' : `${doneText({ total, completed })}${failed > 0 ? `, ${failed} failed` : ''}`;
  const took = durationSeconds === undefined ? '' : duration(durationSeconds);
  const word = reasonOf(report);
  const why = word === undefined ? '' : cell(until === undefined ? word : `${word}: ${minute(until)}`);
  const at = began === 0 ? '' : minute(began);
  const picture = picturePath(path);
  const seen = pictures.has(picture) ? ` ([picture](${inFolder(picture, layout)}))` : '';
  return `| ${link}${seen} | ${SIGNS[phase]} ${phase} | ${counts} | ${at} | ${took} | ${why} |`;
}

const NONE: ReadonlySet<string> = new Set();

function inFolder(path: string, layout: Layout): string {
  return target(path.slice(resultsFolder(layout).length + 1));
}

/** Why it is as it is, where that is more than the state says. */
function reasonOf({ phase, reason, failed }: ReportBrief): string | undefined {
  if (phase === 'Running' || reason === 'Progressing') return undefined;
  if (phase === 'Failed' && (reason ?? phase) === phase) return failed > 0 ? 'NodesFailed' : 'StepFailed';
  return reason === phase ? undefined : reason;
}

function minute(time: number | string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function target(path: string): string {
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part.toWellFormed()).replace(/[()]/g, (it) => (it === '(' ? '%28' : '%29')),
    )
    .join('/');
}

/** Names come from people: nothing of them is markup, and none ends a row. */
function cell(text: string): string {
  return escape(plain(text).slice(0, 200).toWellFormed());
}

function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
