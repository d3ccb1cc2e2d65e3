import type { StepStatus } from '../../api/steps.ts';
import { isFinalNodePhase, isFinalPhase, type NodeOp, type NodeStatus } from '../../api/nodeop.ts';
import { unguardedIn } from '../../core/rollout/retries.ts';
import { byCause, byWait, type Group } from '../../core/text/causes.ts';
import { counted, countsText } from '../../core/text/counts.ts';
import { clip, fitted, someOf, wrap } from '../../core/text/fit.ts';
import { naturally } from '../../core/text/order.ts';
import { oneLine, period, table } from '../../core/text/table.ts';
import type { Access } from '../cluster.ts';
import { labelOf, runPathOf } from '../find-run.ts';
import { shellWord } from '../terminal.ts';

export interface PageOptions {
  now: number;
  /** Columns of the terminal; absent where nobody counts them. */
  width: number | undefined;
  /** Which nodes are listed: as many as are of interest, those that failed, or all. */
  nodes: 'some' | 'failed' | 'all';
  /** What of the command line has to stand in commands that are proposed. */
  access: Access;
}

/** So many nodes are listed one by one; of more than that those that are fine are only counted. */
const FEW = 20;

type Entry = [name: string, status: NodeStatus];

/** One run for a terminal: what holds it up and what went wrong first, then nodes, then what to type next. */
export function runPage(nodeOp: NodeOp, options: PageOptions): string {
  const { width } = options;
  const entries = Object.entries(nodeOp.status?.nodeStatuses ?? {});
  const parts = [heading(nodeOp, options), ...situation(nodeOp, entries, options)];
  const { steps = [] } = nodeOp.status ?? {};
  if (steps.length > 0) parts.push('', stepTable(steps, options));
  const listed = toList(entries, options.nodes);
  if (listed.length > 0) parts.push('', nodeTable(listed, options));
  const hidden = entries.length - listed.length;
  if (hidden > 0)
    parts.push(
      '',
      `${counted(hidden, 'more node is', 'more nodes are')} not listed: ${countsOf(entries, listed)}; see --all`,
    );
  const next = nextSteps(nodeOp, entries, hidden, options);
  if (next.length > 0) parts.push('', 'Next:', ...next.map((it) => `  ${it}`));
  return parts.map((it) => (it.includes('\n') || it.startsWith('  ') ? it : wrap(it, width))).join('\n');
}

function heading(nodeOp: NodeOp, { now }: PageOptions): string {
  const path = runPathOf(nodeOp);
  const { phase = 'Pending', summary, startedAt, completedAt } = nodeOp.status ?? {};
  const began = Date.parse(startedAt ?? '');
  const took = period(((completedAt === undefined ? now : Date.parse(completedAt)) - began) / 1000);
  const time = Number.isNaN(began)
    ? ''
    : completedAt === undefined
      ? `; for ${took} so far`
      : `; took ${took}`;
  const name = `${labelOf(nodeOp)}${path === undefined ? '' : ` for ${path}`}`;
  return `${name}: ${phase}, ${countsText(summary ?? {})}${time}`;
}

/** What is waited for, and why nodes failed. */
function situation(nodeOp: NodeOp, entries: readonly Entry[], { width = 120 }: PageOptions): string[] {
  const { phase, conditions = [] } = nodeOp.status ?? {};
  const ready = conditions.find(({ type }) => type === 'Ready');
  const why = conditions.find(({ type }) => type === 'Reconciling')?.message;
  const line = ({ text, nodes }: Group) => {
    const head = `${nodes.length} × ${clip(text, Math.max(40, width - 20))}: `;
    return `  ${head}${someOf(nodes, Math.max(20, width - head.length - 2))}`;
  };
  const lines: string[] = [];
  if (nodeOp.status?.phase === undefined) lines.push('not looked at by an agent yet');
  else if (entries.length === 0) lines.push(ready?.message ?? '');
  else if (!isFinalPhase(phase) && ready?.reason === 'Waiting')
    lines.push(`Waits: ${why ?? ready.message ?? ''}`);
  const unguarded = unguardedIn(nodeOp.status ?? {});
  if (unguarded !== undefined) lines.push(`Warning: ${unguarded}`);
  const waits = byWait(entries);
  if (waits.length > 0) lines.push('', 'Held up:', ...waits.map(line));
  const causes = byCause(entries);
  const isListed = entries.length <= FEW && causes.every(({ nodes }) => nodes.length === 1);
  if (causes.length > 0 && !isListed) lines.push('', 'Failed:', ...causes.map(line));
  return lines;
}

const URGENCY: Partial<Record<NodeStatus['phase'], number>> = { Failed: 0, Pending: 2, Completed: 3 };
const rankOf = ([, { phase }]: Entry) => URGENCY[phase] ?? 1;

/** Failed nodes first, then those in flight, then the rest. */
function toList(entries: readonly Entry[], which: PageOptions['nodes']): Entry[] {
  const sorted = entries.toSorted((a, b) => rankOf(a) - rankOf(b) || naturally(a[0], b[0]));
  if (which === 'all' || (which === 'some' && entries.length <= FEW)) return sorted;
  if (which === 'failed') return sorted.filter(([, { phase }]) => phase === 'Failed');
  // The failed ones stand in their groups already.
  return sorted.filter(([, { phase }]) => phase !== 'Pending' && !isFinalNodePhase(phase)).slice(0, FEW);
}

function countsOf(entries: readonly Entry[], listed: readonly Entry[]): string {
  const shown = new Set(listed.map(([name]) => name));
  const rest = entries.filter(([name]) => !shown.has(name));
  const phases = [...Map.groupBy(rest, ([, { phase }]) => phase)].toSorted(
    (a, b) => b[1].length - a[1].length,
  );
  return phases.map(([phase, members]) => `${members.length} ${phase}`).join(', ');
}

function nodeTable(entries: readonly Entry[], { now, width }: PageOptions): string {
  const rows = entries.map(([name, it]) => [name, it.phase, since(it, now), oneLine(it.message, 400)]);
  // Why one failed is what people have come for.
  const isWhole = (i: number) => entries[i - 1]?.[1].phase === 'Failed';
  return clipped(table([['NODE', 'PHASE', 'FOR', 'MESSAGE'], ...rows]), width, isWhole);
}

function stepTable(steps: readonly StepStatus[], { now, width }: PageOptions): string {
  const rows = steps.map(({ name, phase, nodes, finished, failed, since: from, message }) => {
    const going = phase !== 'Passed' && phase !== 'Failed' && from !== undefined;
    const time = going ? period((now - Date.parse(from)) / 1000) : '';
    const counts = `${finished}/${nodes}${failed > 0 ? `, ${failed} failed` : ''}`;
    return [name, phase, counts, time, oneLine(message, 400)];
  });
  const isWhole = (i: number) => steps[i - 1]?.phase === 'Failed';
  return clipped(table([['STEP', 'PHASE', 'NODES', 'FOR', 'MESSAGE'], ...rows]), width, isWhole);
}

/** Lines are cut, but for those that are to be read to their end. */
function clipped(text: string, width: number | undefined, isWhole: (line: number) => boolean): string {
  return text
    .split('\n')
    .map((line, i) => (isWhole(i) ? fitted(line, width) : clip(line, width)))
    .join('\n');
}

/** How long a node is in its phase, or took as a whole once finished. */
function since(status: NodeStatus, now: number): string {
  const from = Date.parse(
    (isFinalNodePhase(status.phase) ? status.startedAt : (status.phaseStartedAt ?? status.startedAt)) ?? '',
  );
  const to = status.finishedAt === undefined ? now : Date.parse(status.finishedAt);
  return Number.isNaN(from) ? '' : period((to - from) / 1000);
}

/** Commands that can be typed as they stand. */
function nextSteps(
  nodeOp: NodeOp,
  entries: readonly Entry[],
  hidden: number,
  { access, nodes }: PageOptions,
): string[] {
  const name = shellWord(runPathOf(nodeOp) ?? labelOf(nodeOp));
  const failed = entries
    .filter(([, { phase }]) => phase === 'Failed')
    .toSorted((a, b) => naturally(a[0], b[0]));
  const spoke = failed.find(([, { jobName }]) => jobName !== undefined)?.[0];
  const cordoned = failed.filter(([, it]) => it.cordoned).map(([node]) => node);
  const kubectl = `kubectl${access.kubectl}`;
  return [
    ...(isFinalPhase(nodeOp.status?.phase) ? [] : [`nodeop-agent watch ${name}${access.own}`]),
    ...(hidden > 0 && failed.length > 0 && nodes !== 'failed'
      ? [`nodeop-agent status ${name} --failed${access.own}`]
      : []),
    ...(spoke === undefined ? [] : [`nodeop-agent logs ${name} ${spoke}${access.own}`]),
    ...(cordoned.length === 0 ? [] : [`${kubectl} uncordon ${cordoned.slice(0, 5).join(' ')}`]),
  ];
}
