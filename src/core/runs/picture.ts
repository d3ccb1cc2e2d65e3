import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { byCause } from '../text/causes.ts';
import { countsText } from '../text/counts.ts';
import { flat } from '../text/output.ts';
import { period } from '../text/table.ts';

/** Beside the report, under its name; one of a `.yml` keeps that, since both may be there. */
export function picturePath(report: string): string {
  return `${report.replace(/\.yaml$/i, '')}.svg`;
}

const WIDTH = 720;
const MARGIN = 16;
/** Of the chart: its left and right, its top and height. */
const [LEFT, RIGHT, TOP, HEIGHT] = [48, WIDTH - MARGIN, 84, 180];
/** The chart has a step every so many units, so that 5,000 nodes take no more room than 500. */
const STEP = 2;
const LINE = 24;
const CAUSES = 5;
/** Columns of text that fit beside each other; letters of East Asia take two. */
const TITLE_COLUMNS = 78;
const TEXT_COLUMNS = 92;
const CAUSE_COLUMNS = 74;

/**
 * A run that is over as a picture: how many nodes were done and how many had failed over time, and why. It follows from the report
 * alone, so that the same report gives the same picture. Undefined for one that never worked on a node.
 */
export function pictureOf(report: NodeOpReport): string | undefined {
  const { nodes = [], startedAt, finishedAt, phase, summary = {} } = report.status;
  const from = time(startedAt);
  if (!isFinalReport(report) || from === undefined || nodes.length === 0) return undefined;
  const of = (wanted: string) =>
    nodes.flatMap((it) => (it.phase === wanted ? (time(it.finishedAt) ?? []) : [])).toSorted((a, b) => a - b);
  const [completed, failed] = [of('Completed'), of('Failed')];
  const last = Math.max(from, completed.at(-1) ?? from, failed.at(-1) ?? from);
  const to = Math.max(time(finishedAt) ?? last, last, from + 1000);
  const scale = { from, to, total: Math.max(1, nodes.length) };
  const where = report.cluster === undefined ? '' : ` on ${report.cluster}`;
  const title = cut(`${report.run.path}${where}`, TITLE_COLUMNS);
  const took = `${countsText(summary)}; ${phase}, it took ${period((to - from) / 1000)}`;
  const causes = byCause(nodes.map((it) => [it.name, it] as const)).map((it) => ({
    text: it.text,
    count: it.nodes.length,
  }));
  const height =
    TOP + HEIGHT + 56 + Math.min(causes.length, CAUSES + 1) * LINE + (causes.length > 0 ? 40 : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(cut([took, ...causes.slice(0, CAUSES).map(causeLine)].join('. '), 600))}</desc>`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(MARGIN, 30, title, 'strong'),
    text(MARGIN, 52, cut(took, TEXT_COLUMNS)),
    ...legend(completed.length, failed.length),
    ...chart(scale, completed, failed),
    ...causeBars(causes),
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  from: number;
  to: number;
  total: number;
}

/** Colours of their own, ground included, so that it can be read wherever it is shown; failures are hatched as well. */
const STYLE = `<style>
.page{fill:#ffffff}text{fill:#1f2328}.strong{font-weight:600;font-size:15px}.dim{fill:#59636e;font-size:11px}.grid{stroke:#d1d9e0;stroke-width:1}.done{fill:#2a78d6}.failed{fill:#c4432b}.hatch{stroke:#ffffff;stroke-width:1.5}.bar{fill:#ffe0da}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#f0f6fc}.dim{fill:#9198a1}.grid{stroke:#3d444d}.done{fill:#4c8fe8}.failed{fill:#e5664f}.hatch{stroke:#0d1117}.bar{fill:#4a241d}}
</style>
<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="failed" width="6" height="6"/><path class="hatch" d="M0 0V6"/></pattern></defs>`;

function legend(completed: number, failed: number): string[] {
  const entry = (x: number, fill: string, label: string) => [
    `<rect x="${x}" y="62" width="11" height="11" ${fill}/>`,
    text(x + 16, 72, label, 'dim'),
  ];
  return [
    ...entry(LEFT, 'class="done"', `completed: ${completed}`),
    ...(failed > 0 ? entry(LEFT + 130, 'fill="url(#hatched)"', `failed: ${failed}`) : []),
  ];
}

/** Failures on the ground, so that they are seen however few they are, and what is done above them. */
function chart(scale: Scale, completed: readonly number[], failed: readonly number[]): string[] {
  const both = [...completed, ...failed].toSorted((a, b) => a - b);
  const y = (count: number) => round(TOP + HEIGHT - (count / scale.total) * HEIGHT);
  // Of one node there is no half.
  const counts = new Set([0, 0.5, 1].map((share) => Math.round(scale.total * share)));
  const grid = [...counts].flatMap((count) => [
    `<path class="grid" d="M${LEFT} ${y(count)}H${RIGHT}"/>`,
    text(LEFT - 6, y(count) + 4, String(count), 'dim', 'end'),
  ]);
  const days = scale.to - scale.from > 20 * 3_600_000;
  return [
    ...grid,
    area(both, scale, y, 'class="done"'),
    ...(failed.length > 0 ? [area(failed, scale, y, 'fill="url(#hatched)"')] : []),
    text(LEFT, TOP + HEIGHT + 18, clock(scale.from, true), 'dim'),
    text(RIGHT, TOP + HEIGHT + 18, clock(scale.to, days), 'dim', 'end'),
  ];
}

/** How many of the moments had come, over time, as steps. */
function area(
  moments: readonly number[],
  { from, to }: Scale,
  y: (count: number) => number,
  fill: string,
): string {
  let path = `M${LEFT} ${y(0)}`;
  let count = 0;
  for (let x = LEFT; x <= RIGHT; x += STEP) {
    const at = from + ((x - LEFT) / (RIGHT - LEFT)) * (to - from);
    const before = count;
    while (count < moments.length && (moments[count] ?? 0) <= at) count += 1;
    if (count > before) path += `H${x}V${y(count)}`;
  }
  return `<path ${fill} d="${path}H${RIGHT}V${y(0)}Z"/>`;
}

function causeBars(causes: readonly Cause[]): string[] {
  if (causes.length === 0) return [];
  const top = TOP + HEIGHT + 62;
  const shown = causes.slice(0, CAUSES);
  const most = Math.max(...shown.map(({ count }) => count));
  const more = causes.slice(CAUSES).reduce((sum, { count }) => sum + count, 0);
  const rows = shown.flatMap((cause, i) => {
    const y = top + i * LINE;
    const width = Math.max(2, round((cause.count / most) * (RIGHT - MARGIN)));
    return [
      `<rect class="bar" x="${MARGIN}" y="${y + 6}" width="${width}" height="20" rx="3"/>`,
      text(MARGIN + 6, y + 20, cut(causeLine(cause), CAUSE_COLUMNS)),
    ];
  });
  const rest =
    more > 0 ? [text(MARGIN + 6, top + shown.length * LINE + 20, `and ${more} for other causes`, 'dim')] : [];
  return [text(MARGIN, top - 4, 'Why nodes failed', 'strong'), ...rows, ...rest];
}

interface Cause {
  text: string;
  count: number;
}

function causeLine({ text: cause, count }: Cause): string {
  return `${count} × ${cause}`;
}

function text(x: number, y: number, content: string, kind?: string, anchor?: string): string {
  const classes = kind === undefined ? '' : ` class="${kind}"`;
  const at = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}"${classes}${at}>${escaped(content)}</text>`;
}

/** One line without what XML does not take; nothing of it is markup. */
function escaped(content: string): string {
  return flat(content)
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** As much as fits, whole characters. */
function cut(content: string, columns: number): string {
  let taken = 0;
  let kept = '';
  for (const character of flat(content)) {
    taken += (character.codePointAt(0) ?? 0) < 0x11_00 ? 1 : 2;
    if (taken > columns) return `${kept.trimEnd()}…`;
    kept += character;
  }
  return kept;
}

function clock(at: number, withDay: boolean): string {
  const stamp = new Date(at).toISOString();
  return `${withDay ? `${stamp.slice(0, 10)} ` : ''}${stamp.slice(11, 16)} UTC`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function time(stamp: string | undefined): number | undefined {
  const at = Date.parse(stamp ?? '');
  return Number.isNaN(at) ? undefined : at;
}
