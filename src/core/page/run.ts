import { isFinalNodePhase, type NodeOp, type NodeOpSpec, NodeOpSpecSchema } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';
import type { NodeOpRun } from '../../api/nodeoprun.ts';
import type { NodeRow, PageViews, RunHead, RunRow, StepView } from '../../api/page.ts';
import type { Steps } from '../../api/pieces.ts';
import type { NodeOpReport, ReportNode } from '../../api/report.ts';
import type { StepStatus } from '../../api/steps.ts';
import type { Node } from '../../api/kubernetes.ts';
import { LABEL_HOSTNAME } from '../../api/labels.ts';
import { unguardedIn } from '../rollout/retries.ts';
import { stepsByNode } from '../rollout/steps/split.ts';
import { reportPath } from '../runs/paths.ts';
import { labelOf, nameOf, runPathOf } from '../runs/identity.ts';
import { byCause, byWait } from '../text/causes.ts';
import { shellWord } from '../text/shell.ts';
import { stepsText } from '../text/steps.ts';
import { oneLine } from '../text/table.ts';
import { retryAction, type RunFile, steerActions } from './actions.ts';
import { problemText } from './card.ts';
import { known, ms, type SeenFacts, topOf } from './facts.ts';
import { fileUrl } from './git-place.ts';
import { ZONE } from './nodes.ts';
import { pausesIn } from './pauses.ts';
import { groupOf, isOpen, quietGroups, rowOf, type Run } from './row.ts';
import { mayReadLogs, quietly, withoutLog } from './sees.ts';

/** One run with what is read of it alone. */
export interface RunSubject extends Run {
  /** Its report, where there is no NodeOp any more. */
  report?: NodeOpReport | undefined;
  /** Its file as it is at the tip, and what it says where it names a definition. */
  file?: RunFile | undefined;
  original?: Pick<NodeOpRun, 'metadata' | 'spec'> | undefined;
}

/** A node as a NodeOp or a report tells of it. */
export type NodeEntry = Omit<ReportNode, 'rebootStatus'> & {
  rebootStatus?: string | undefined;
  phaseStartedAt?: string | undefined;
  jobName?: string | undefined;
};

const PIECE = 500;
const MESSAGE = 400;

export function* runView(subject: RunSubject, facts: SeenFacts): Steps<PageViews['run']> {
  const entries = entriesOf(subject);
  const namespace = namespaceOf(subject);
  const isLoud = mayReadLogs(facts.sees, namespace);
  yield;
  const rows: NodeRow[] = [];
  for (const entry of entries) {
    rows.push(nodeRow(entry, { isLoud, zone: zoneOf(facts.nodes.get(entry.name), subject) }));
    if (rows.length % PIECE === 0) yield;
  }
  const head = yield* headOf(subject, { entries, rows, isLoud }, facts);
  return { head, rows };
}

function entriesOf({ nodeOp, report }: RunSubject): NodeEntry[] {
  if (!nodeOp) return report?.status.nodes ?? [];
  const { status = {} } = nodeOp;
  const steps = stepsByNode(status);
  return Object.entries(status.nodeStatuses ?? {}).map(([name, it]) => ({
    name,
    step: steps.get(name),
    ...it,
  }));
}

export function namespaceOf({ nodeOp, card, report }: RunSubject): string | undefined {
  return nodeOp?.metadata.namespace ?? report?.nodeOp?.namespace ?? card?.namespace;
}

function specOf({ nodeOp, report }: RunSubject): Partial<NodeOpSpec> {
  // Of a report people may have made anything.
  return nodeOp?.spec ?? NodeOpSpecSchema.safeParse(report?.spec).data ?? {};
}

function zoneOf(node: Node | undefined, subject: RunSubject): string | undefined {
  return node?.metadata.labels?.[specOf(subject).topologyKey ?? ZONE];
}

export function nodeRow(
  entry: NodeEntry,
  { isLoud, zone }: { isLoud: boolean; zone?: string | undefined },
): NodeRow {
  const { name, phase, step, message, attempts, exitCode, rebootStatus, cordoned } = entry;
  const seen = message === undefined || isLoud ? message : withoutLog(message);
  return known<NodeRow>({
    key: name,
    phase,
    step,
    zone,
    message: seen === undefined || seen === '' ? undefined : oneLine(seen, MESSAGE),
    attempts,
    exitCode,
    reboot: rebootStatus === 'not-requested' ? undefined : rebootStatus,
    cordoned: cordoned === true ? true : undefined,
    startedAt: ms(entry.startedAt),
    since: isFinalNodePhase(phase) ? undefined : ms(entry.phaseStartedAt),
    finishedAt: ms(entry.finishedAt),
  });
}

function* headOf(
  subject: RunSubject,
  { entries, rows, isLoud }: { entries: readonly NodeEntry[]; rows: readonly NodeRow[]; isLoud: boolean },
  facts: SeenFacts,
): Steps<RunHead> {
  const { nodeOp, report } = subject;
  const row = rowOf(subject, facts);
  const pairs = entries.map((it) => [it.name, it] as const);
  const [failures, waits] = [byCause(pairs).map(groupOf), isOpen(subject) ? byWait(pairs).map(groupOf) : []];
  yield;
  const steps = stepViews(subject, isLoud);
  const unguarded = nodeOp && unguardedIn(nodeOp.status ?? {});
  const changed = report?.status.observedChange?.message;
  const groupedBy = (['step', 'zone'] as const).filter((by) => rows.some((it) => it[by] !== undefined));
  return known<RunHead>({
    ...topOf(facts),
    run: row,
    nodeOp: nodeOp ? labelOf(nodeOp) : reportedNodeOp(report),
    groupedBy,
    steps,
    failures: isLoud ? failures : quietGroups(failures),
    waits: isLoud ? waits : quietGroups(waits),
    problems: (report?.status.problems ?? []).map((it) => oneLine(problemText(it), MESSAGE)),
    warnings: [unguarded, changed].filter((it) => it !== undefined),
    pauses: pausesIn(row, { nodeOp, rows, steps, now: facts.now }),
    links: linksOf(subject, facts),
    actions: actionsOf(subject, entries, facts),
    commands: commandsOf(subject, row, facts),
  });
}

function reportedNodeOp(report: NodeOpReport | undefined): string | undefined {
  return report?.nodeOp && `${report.nodeOp.namespace ?? ''}/${report.nodeOp.name}`;
}

function stepViews(subject: RunSubject, isLoud: boolean): StepView[] {
  const all: readonly StepStatus[] = subject.nodeOp?.status?.steps ?? subject.report?.status.steps ?? [];
  const { steps = [] } = specOf(subject);
  const seen = isLoud ? <T>(it: T) => it : quietly;
  return all.map((it) => {
    const since = ms(it.since);
    const soak = steps.find(({ name }) => name === it.name)?.soakSeconds ?? 0;
    const isWatched = it.phase === 'Soaking' && since !== undefined;
    return known<StepView>({
      name: it.name,
      phase: it.phase,
      text: stepsText([seen(it)]),
      nodes: it.nodes,
      finished: it.finished,
      failed: it.failed,
      since,
      soakEnds: isWatched ? since + soak * 1000 : undefined,
      checks: (it.checks ?? [])
        .map(seen)
        .map(({ name, phase, message, changedAt }) =>
          known<StepView['checks'][number]>({ name, phase, saw: message, since: ms(changedAt) }),
        ),
    });
  });
}

function linksOf({ card, nodeOp }: RunSubject, { git, gitOfResults, layout }: SeenFacts): RunHead['links'] {
  const path = card?.path ?? (nodeOp && runPathOf(nodeOp));
  if (path === undefined) return [];
  const report = card?.report ?? (nodeOp ? reportPath(layout, path) : undefined);
  return [
    ...(git ? [{ label: 'Run file', url: fileUrl(git, path) }] : []),
    ...(gitOfResults && report !== undefined
      ? [{ label: 'Report', url: fileUrl(gitOfResults, report) }]
      : []),
  ];
}

function actionsOf(subject: RunSubject, entries: readonly NodeEntry[], facts: SeenFacts): RunHead['actions'] {
  const { nodeOp, card, report, file, original } = subject;
  if (isOpen(subject)) return file ? steerActions(file, nodeOp !== undefined, facts) : [];
  const spec = nodeOp?.spec ?? report?.spec;
  if (spec === undefined || spec === null) return [];
  const hostnames = new Map(
    [...facts.nodes.values()].map(({ metadata: { name = '', labels = {} } }) => [
      name,
      labels[LABEL_HOSTNAME] ?? name,
    ]),
  );
  const past = {
    run: card?.path ?? (nodeOp ? nameOf(nodeOp) : ''),
    namespace: namespaceOf(subject),
    name: nodeOp?.metadata.name ?? report?.nodeOp?.name ?? '',
    cluster: card?.cluster ?? facts.layout.cluster,
    parameters: report?.parameters,
    spec: spec as Record<string, unknown>,
    // What containers said has no place in a file that anybody may read.
    nodes: entries.map(({ name, phase, message }) => ({
      name,
      phase,
      message: message && withoutLog(message),
    })),
  };
  const retry = retryAction(past, facts, original, hostnames);
  return retry ? [retry] : [];
}

function commandsOf({ nodeOp }: RunSubject, { name, state }: RunRow, { access }: SeenFacts): string[] {
  if (!nodeOp) return [];
  const { namespace = '', name: called = '' } = nodeOp.metadata;
  const isGoing = state === 'Running' || state === 'Pending';
  return [
    `nodeop-agent ${isGoing ? 'watch' : 'status'} ${shellWord(name)}${access.own}`,
    `kubectl${access.kubectl} --namespace ${shellWord(namespace)} describe nodeop ${shellWord(called)}`,
  ];
}

/** The NodeOp's own entry, for whoever shows one node. */
export function entryOf(subject: RunSubject, node: string): NodeEntry | undefined {
  const status = own(subject.nodeOp?.status?.nodeStatuses, node);
  if (status) return { name: node, step: stepsByNode(subject.nodeOp?.status ?? {}).get(node), ...status };
  return subject.report?.status.nodes?.find(({ name }) => name === node);
}

export function isOfNode(nodeOp: NodeOp, node: string): boolean {
  return own(nodeOp.status?.nodeStatuses, node) !== undefined;
}
