import { isFinalNodePhase, type NodeOp } from '../../api/nodeop.ts';
import { own } from '../../api/own.ts';
import type { HistoryRow, NodeHead, PageViews } from '../../api/page.ts';
import { Cordons } from '../cordon.ts';
import { endOfLog } from '../logs/end.ts';
import { type Made, phaseTimes } from '../rollout/phase-times.ts';
import { standingText } from '../rollout/words.ts';
import { shellWord } from '../text/shell.ts';
import { oneLine } from '../text/table.ts';
import { known, ms, type SeenFacts, topOf } from './facts.ts';
import { cordonText } from './nodes.ts';
import { rowOf, type Run, runsOf } from './row.ts';
import { entryOf, isOfNode, namespaceOf, type NodeEntry, nodeRow, type RunSubject } from './run.ts';
import { mayReadLogs, maySee, withoutLog } from './sees.ts';
import { ZONE } from './nodes.ts';

/** What a report says of one node. */
export interface Past {
  /** Path of the report. */
  report: string;
  entry: NodeEntry;
}

export interface NodeSubject {
  node: string;
  /** The run that is asked for. */
  run?: RunSubject | undefined;
  /** What the newest reports say of the node, newest first; how many were looked at, and whether that goes on. */
  past: readonly Past[];
  looked: number;
  reading: boolean;
  /** What was made for the node by a NodeOp, where that is read. */
  made?: (nodeOp: NodeOp) => Made | undefined;
}

/** One node: why it is cordoned, how it stands in a run, what waits for it, and what ran on it before. */
export function nodeView(subject: NodeSubject, facts: SeenFacts): PageViews['node'] {
  const { node: name, looked, reading } = subject;
  const node = facts.nodes.get(name);
  const cordons = new Cordons(facts.nodeOps);
  const runs = [...runsOf(facts).values()];
  const works = runs.filter(({ nodeOp }) => nodeOp && isOfNode(nodeOp, name));
  const shown =
    subject.run ??
    works.find(({ nodeOp }) => isUnderWay(own(nodeOp?.status?.nodeStatuses, name)?.phase)) ??
    newest(works);
  const entry = shown && entryOf(shown, name);
  const namespace = shown && namespaceOf(shown);
  const isLoud = mayReadLogs(facts.sees, namespace);
  const isReady = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  const row = shown && rowOf(shown, facts);
  const head = known<NodeHead>({
    ...topOf(facts),
    node: name,
    exists: node !== undefined,
    ready: isReady === true,
    isCordoned: node?.spec?.unschedulable === true,
    cordon: node ? cordonText(node, cordons, facts) : 'The cluster has no node of this name.',
    run: row && shown && { id: shown.id, name: row.name, state: row.state },
    here: entry && nodeRow(entry, { isLoud, zone: node?.metadata.labels?.[ZONE] }),
    phases: phasesOf(subject, shown?.nodeOp),
    log: isLoud ? endOfLog(entry?.log, entry?.cause) : undefined,
    waiting: works.flatMap((run) => waitingFor(run, name)),
    commands: commandsOf(
      shown,
      entry,
      { node: name, isLeft: node !== undefined && cordons.left(node) !== undefined },
      facts,
    ),
    looked,
    reading,
  });
  return { head, rows: historyOf(subject, works, facts) };
}

function phasesOf({ node, made }: NodeSubject, nodeOp: NodeOp | undefined): NodeHead['phases'] {
  const status = own(nodeOp?.status?.nodeStatuses, node);
  const its = nodeOp && status && made?.(nodeOp);
  const phases = its ? phaseTimes(nodeOp.spec, status, its) : [];
  return phases.length === 0 ? undefined : phases;
}

function isUnderWay(phase: NodeEntry['phase'] | undefined): boolean {
  return phase !== undefined && phase !== 'Pending' && !isFinalNodePhase(phase);
}

function newest(runs: readonly Run[]): Run | undefined {
  const age = ({ nodeOp }: Run) => nodeOp?.metadata.creationTimestamp ?? '';
  return runs.toSorted((a, b) => (age(a) < age(b) ? 1 : -1))[0];
}

function waitingFor({ id, nodeOp }: Run, node: string): NodeHead['waiting'] {
  const status = own(nodeOp?.status?.nodeStatuses, node);
  if (!nodeOp || status?.phase !== 'Pending') return [];
  const why = status.message ?? standingText(nodeOp.status ?? {});
  const { name = '', namespace = '' } = nodeOp.metadata;
  return [
    known<NodeHead['waiting'][number]>({
      id,
      name: `${namespace}/${name}`,
      why: why && oneLine(withoutLog(why), 300),
    }),
  ];
}

function commandsOf(
  run: RunSubject | undefined,
  entry: NodeEntry | undefined,
  { node, isLeft }: { node: string; isLeft: boolean },
  { access }: SeenFacts,
): string[] {
  const { namespace = '' } = run?.nodeOp?.metadata ?? {};
  const job = run?.nodeOp ? entry?.jobName : undefined;
  const kubectl = `kubectl${access.kubectl}`;
  return [
    ...(job === undefined
      ? []
      : [
          `${kubectl} --namespace ${shellWord(namespace)} describe job ${shellWord(job)}`,
          `${kubectl} --namespace ${shellWord(namespace)} logs job/${shellWord(job)}`,
        ]),
    `nodeop-agent explain ${shellWord(node)}${access.own}`,
    ...(isLeft ? [`${kubectl} uncordon ${shellWord(node)}`] : []),
  ];
}

/** NodeOps that are there say it first, and reports what was before. */
function historyOf({ node, past }: NodeSubject, works: readonly Run[], facts: SeenFacts): HistoryRow[] {
  const rows = new Map<string, HistoryRow>();
  const add = (run: Run, entry: NodeEntry | undefined, namespace: string | undefined) => {
    if (!entry || entry.phase === 'Pending' || !maySee(facts.sees, namespace) || rows.has(run.id)) return;
    const { phase, message, startedAt, finishedAt } = entry;
    const seen = message === undefined || mayReadLogs(facts.sees, namespace) ? message : withoutLog(message);
    const row = { key: run.id, name: rowOf(run, facts).name, phase, message: seen && oneLine(seen, 400) };
    rows.set(run.id, known<HistoryRow>({ ...row, startedAt: ms(startedAt), finishedAt: ms(finishedAt) }));
  };
  for (const run of works) add(run, entryOf(run, node), run.nodeOp?.metadata.namespace);
  const byReport = new Map([...runsOf(facts).values()].map((run) => [run.card?.report, run]));
  for (const { report, entry } of past) {
    const run = byReport.get(report);
    if (run) add(run, entry, namespaceOf(run));
  }
  return [...rows.values()];
}
