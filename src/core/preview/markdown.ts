import { formatYaml } from '../../api/yaml.ts';
import { formatProblem } from '../../api/schema.ts';
import type { LocatedProblem } from '../../api/documents.ts';
import { isBlocked, type NodePreview, type RunPreview } from './preview.ts';
import { code, escape } from '../text/markup.ts';
import { stepLines } from './steps.ts';
import { headline, parameterText } from './text.ts';

/** Rows of nodes that are tried, most first, until a text fits: hosts refuse comments over 65,535 characters. */
const ROWS = [Infinity, 500, 100, 20, 0];

/** A preview for a pull request, at most `limit` characters. */
export function previewMarkdown(preview: RunPreview, limit: number): string {
  for (const spec of [fenced(preview.spec), ['It is too long to be shown here.']]) {
    for (const rows of ROWS) {
      const text = render(preview, rows, spec);
      if (text.length <= limit) return text;
    }
  }
  return wholeLines(render(preview, 0, []), limit);
}

/** As many as fit: nothing is cut in the middle of what is markup. */
function wholeLines(text: string, limit: number): string {
  const end = text.lastIndexOf('\n', limit - 1);
  return text.length <= limit ? text : text.slice(0, end + 1);
}

/** What is wrong with a run file, for a pull request. */
export function problemsMarkdown(file: string, problems: readonly LocatedProblem[]): string {
  const list = problems.map((it) => `- ${place(it)}${escape(formatProblem(it))}`);
  return [`### ⛔ ${code(file)} is not valid`, '', 'Nothing would be executed.', '', ...list, ''].join('\n');
}

function place({ line, column }: LocatedProblem): string {
  return line === undefined ? '' : `line ${line}, column ${column ?? 1}: `;
}

function render(preview: RunPreview, rows: number, spec: readonly string[]): string {
  const { nodes, blockers, notes, run, parameters, steps = [] } = preview;
  const shown = nodes.slice(0, rows);
  const parts = [`### ${isBlocked(preview) ? '⚠️' : '✅'} ${code(run)}`, '', escape(headline(preview)), ''];
  parts.push(
    ...blockers.map((it) => `- **Blocked:** ${escape(it)}`),
    ...notes.map((it) => `- ${escape(it)}`),
    ...parameters.map((it) => `- parameter ${code(parameterText(it))}`),
    ...stepLines(steps).flatMap(({ text, checks }) => [
      `- ${escape(text)}`,
      ...checks.map((it) => `  - check ${code(it)}`),
    ]),
    '',
  );
  if (shown.length > 0) {
    parts.push('| | batch | node | why here | evicted pods | remarks |', '|--:|--:|---|---|--:|---|');
    parts.push(...shown.map(row));
  }
  if (shown.length < nodes.length) parts.push('', `… and ${nodes.length - shown.length} more nodes.`);
  parts.push('', ...details('Evicted pods', evictions(shown)), ...details('The merged spec', spec));
  return parts.join('\n');
}

function row(node: NodePreview, index: number): string {
  const remarks = [...node.blockers.map((it) => `⚠️ ${escape(it)}`), ...node.notes.map(escape)].join('<br>');
  const evicted = node.evict === undefined ? '?' : String(node.evict.length);
  const step = node.step === undefined ? '' : `step ${node.step}, `;
  const why = escape(`${step}${node.reason}`);
  const cells = [index + 1, node.batch ?? '', code(node.name), why, evicted, remarks];
  return `| ${cells.join(' | ')} |`;
}

function evictions(nodes: readonly NodePreview[]): string[] {
  const some = nodes.filter(({ evict }) => evict !== undefined && evict.length > 0);
  return some.map(({ name, evict = [] }) => `- ${code(name)}: ${evict.map(code).join(', ')}`);
}

function fenced(spec: unknown): string[] {
  const text = formatYaml(spec, { lineWidth: 120, noRefs: true }).trimEnd();
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}yaml`, text, fence];
}

function details(title: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : [`<details><summary>${title}</summary>`, '', ...lines, '', '</details>', ''];
}
