import type { Node } from '../../api/kubernetes.ts';
import { isFinalNodePhase, type NodeOp, type NodePhase, type NodeStatus } from '../../api/nodeop.ts';
import { Cordons } from '../../core/cordon.ts';
import { standingText } from '../../core/rollout/words.ts';
import { clip, wrap } from '../../core/text/fit.ts';
import { oneLine, period, table } from '../../core/text/table.ts';
import { type Access, accessOf, type ClusterFlags } from '../cluster.ts';
import { labelOf, runPathOf } from '../find-run.ts';
import { shellWord } from '../terminal.ts';
import { own } from '../../api/own.ts';

/** A NodeOp that has the node among its targets, and how it stands there. */
export interface Work {
  /** Path of its run file, or `<namespace>/<name>`. */
  run: string;
  namespace: string;
  nodeOp: string;
  status: NodeStatus;
  /** What happened, or what it waits for. */
  message: string;
}

/** Everything that is known of one node; also what `--format json` prints. */
export interface Explanation {
  node: string;
  isReady: boolean;
  isCordoned: boolean;
  /** Why it is cordoned, or that it is not, in a sentence. */
  cordon: string;
  /** Who works on it now. */
  now?: Work;
  /** Who will, when its turn comes. */
  waiting: Work[];
  /** Who did, the newest first. */
  past: Work[];
  /** Of what is under way, or was last: its phases, as far as they are on record. */
  phases?: { phase: NodePhase; from: string; until?: string }[];
  /** Commands that can be typed as they stand. */
  next: string[];
}

/** @param flags of the command line: which NodeOps were looked at, and what commands that are proposed have to have */
export function explain(
  node: Node,
  nodeOps: readonly NodeOp[],
  flags: ClusterFlags,
  cordons = new Cordons(nodeOps),
): Explanation {
  const { name = '' } = node.metadata;
  const works = nodeOps.flatMap((it) => workOf(it, name));
  const worker = cordons.workerOf(node);
  const now = worker && workOf(worker, name)[0];
  const waiting = works.filter(({ status }) => status.phase === 'Pending');
  const past = works
    .filter(({ status }) => isFinalNodePhase(status.phase))
    .toSorted((a, b) => endOf(b).localeCompare(endOf(a)));
  const { conditions = [] } = node.status ?? {};
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const isCordoned = node.spec?.unschedulable === true;
  return {
    node: name,
    isReady,
    isCordoned,
    cordon: cordons.text(node, flags.namespace),
    ...(now && { now }),
    waiting,
    past,
    next: nextSteps({ node, cordons, now, past, access: accessOf(flags) }),
  };
}

function workOf(nodeOp: NodeOp, node: string): Work[] {
  const status = own(nodeOp.status?.nodeStatuses, node);
  if (!status) return [];
  const { namespace = '', name = '' } = nodeOp.metadata;
  const message =
    status.message ?? (isFinalNodePhase(status.phase) ? '' : (standingText(nodeOp.status ?? {}) ?? ''));
  return [{ run: runPathOf(nodeOp) ?? labelOf(nodeOp), namespace, nodeOp: name, status, message }];
}

function endOf({ status }: Work): string {
  return status.finishedAt ?? status.startedAt ?? '';
}

function nextSteps({
  node,
  cordons,
  now,
  past,
  access,
}: {
  node: Node;
  cordons: Cordons;
  now: Work | undefined;
  past: readonly Work[];
  access: Access;
}): string[] {
  const [last] = past;
  const spoke = last?.status.phase === 'Failed' && last.status.jobName !== undefined;
  const isLeft = node.spec?.unschedulable === true && !now && cordons.of(node) !== undefined;
  return [
    ...(now ? [`nodeop-agent watch ${shellWord(now.run)}${access.own}`] : []),
    ...(spoke ? [`nodeop-agent logs ${shellWord(last.run)} ${node.metadata.name}${access.own}`] : []),
    ...(isLeft ? [`kubectl${access.kubectl} uncordon ${node.metadata.name}`] : []),
  ];
}

/** The state of the node, and why it is cordoned. */
export function headline({ node, isReady, cordon }: Explanation): string {
  return `${node} is ${isReady ? 'Ready' : 'not Ready'}. ${cordon}`;
}

/** For a terminal of so many columns. */
export function explanationPage(it: Explanation, now: number, width: number | undefined): string {
  const rows = (works: readonly Work[], when: (work: Work) => string | undefined) => {
    const cells = works.map((work) => [
      ago(when(work), now),
      work.status.phase,
      work.run,
      oneLine(work.message, 400),
    ]);
    const wide = table([['WHEN', 'PHASE', 'RUN', 'MESSAGE'], ...cells]).split('\n');
    if (width === undefined || wide.every((line) => line.length <= width)) return wide;
    // Why something failed is what people have come for: it is put below, and never cut.
    const [head = '', ...narrow] = table([
      ['WHEN', 'PHASE', 'RUN'],
      ...cells.map((row) => row.slice(0, 3)),
    ]).split('\n');
    const below = (text: string) => (text === '' ? [] : [`  ${wrap(text, width - 2, '    ')}`]);
    return [head, ...narrow.flatMap((line, i) => [clip(line, width), ...below(cells[i]?.[3] ?? '')])];
  };
  const parts = [wrap(headline(it), width)];
  if (it.now) parts.push('', 'Under way on it:', ...rows([it.now], ({ status }) => status.startedAt));
  if (it.waiting.length > 0) parts.push('', 'To come:', ...rows(it.waiting, () => undefined));
  if (it.past.length > 0) parts.push('', 'Done on it:', ...rows(it.past.slice(0, SHOWN), endOf));
  if (it.past.length > SHOWN) parts.push(`… and ${it.past.length - SHOWN} more`);
  parts.push(...phaseLines(it, now));
  if (!it.now && it.waiting.length + it.past.length === 0)
    parts.push('', 'No NodeOp has it among its nodes.');
  if (it.next.length > 0) parts.push('', 'Next:', ...it.next.map((line) => `  ${line}`));
  return parts.join('\n');
}

const SHOWN = 10;

function phaseLines(it: Explanation, now: number): string[] {
  const { phases = [] } = it;
  if (phases.length === 0) return [];
  const rows = phases.map(({ phase, from, until }) => {
    const lasts = period(((until === undefined ? now : Date.parse(until)) - Date.parse(from)) / 1000);
    return [phase, from, until === undefined ? `${lasts} so far` : lasts];
  });
  const [head = '', ...lines] = table([['PHASE', 'FROM', 'FOR'], ...rows]).split('\n');
  return ['', `Phase by phase, in ${workShown(it)?.run ?? ''}:`, head, ...lines];
}

/** The work that phases are told of. */
export function workShown({ now, past }: Explanation): Work | undefined {
  return now ?? past[0];
}

function ago(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '' : `${period((now - at) / 1000)} ago`;
}
