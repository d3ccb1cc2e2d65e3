import { ANNOTATION_RUN } from '../../api/labels.ts';
import { isFinalNodePhase, isFinalPhase, type NodeOp, type NodeOpStatus } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport, type ReportPhase } from '../../api/report.ts';
import { standingText } from '../rollout/words.ts';
import { editionMark, entryKey } from './record.ts';
import { type Layout, pathOfRunId } from '../runs/paths.ts';
import type { Counts } from '../text/counts.ts';

/**
 * How a run stands, as far as people are told of it. A NodeOp says it best, whoever made it; the report says it of a run that
 * has no NodeOp yet, or none any more. Times are those on record, in epoch milliseconds.
 */
export interface Standing {
  /** Of the UID of the NodeOp, or of the path of a run without one: as it stands in records. */
  key: string;
  /** Of a run without a NodeOp: a mark of the content it was judged by, since another one may get another verdict. */
  edition: string;
  /** Path of the run file. */
  run?: string | undefined;
  namespace?: string | undefined;
  nodeOp?: string | undefined;
  labels: Readonly<Record<string, string>>;
  phase: ReportPhase;
  /** Some node has begun. */
  hasBegun: boolean;
  /** The words of whatever keeps it from getting on. */
  waitsFor?: string | undefined;
  /** The first node that failed. */
  failure?: Failure | undefined;
  counts: Counts;
  message: string;
  startedAt?: number | undefined;
  /** When it was over, or was found to be. */
  endedAt?: number | undefined;
}

interface Failure {
  node: string;
  message: string;
  at: number;
}

export function standingOfNodeOp({ metadata, status = {} }: NodeOp, layout: Layout): Standing {
  const { phase = 'Pending', summary, startedAt, completedAt } = status;
  const isOver = isFinalPhase(phase);
  const { pending = 0, total = 0, cancelled = 0 } = summary ?? {};
  return {
    key: entryKey(metadata.uid ?? ''),
    edition: '',
    run: pathOfRunId(layout, metadata.annotations?.[ANNOTATION_RUN]),
    namespace: metadata.namespace,
    nodeOp: metadata.name,
    labels: metadata.labels ?? {},
    phase,
    // Of one that is over, those that were never begun are cancelled.
    hasBegun: phase === 'Running' || pending + cancelled < total,
    waitsFor: isOver ? undefined : inTheWay(status),
    failure: (summary?.failed ?? 0) > 0 ? firstFailure(status) : undefined,
    counts: { ...summary },
    message: standingText(status) ?? '',
    startedAt: time(startedAt),
    endedAt: isOver ? (time(completedAt) ?? time(status.lastUpdated)) : undefined,
  };
}

/**
 * What a rollout waits for when it stands still: no node is in flight and none may begin, or all nodes in flight wait.
 * A command that runs is no wait, however long it takes; its own bound ends it.
 */
function inTheWay(status: NodeOpStatus): string | undefined {
  const reason = status.conditions?.find(({ type }) => type === 'Reconciling')?.reason;
  const inFlight = Object.values(status.nodeStatuses ?? {}).filter(
    ({ phase }) => phase !== 'Pending' && !isFinalNodePhase(phase),
  );
  const isWaiting =
    inFlight.length === 0
      ? reason !== undefined && reason !== 'Progressing'
      : inFlight.every(({ message = '' }) => message !== '');
  return isWaiting ? (standingText(status) ?? 'no reason on record') : undefined;
}

/** By time, then by name. */
function firstFailure({ nodeStatuses = {} }: NodeOpStatus): Failure | undefined {
  let first: Failure | undefined;
  for (const [node, { phase, message = '', finishedAt }] of Object.entries(nodeStatuses)) {
    if (phase !== 'Failed') continue;
    const at = time(finishedAt) ?? Infinity;
    if (first === undefined || at < first.at || (at === first.at && node < first.node))
      first = { node, message, at };
  }
  return first;
}

/**
 * What a report says of its run while that has no NodeOp, and of the NodeOp it became. The latter counts only where the NodeOp
 * itself is gone.
 */
export function standingsOfReport(report: NodeOpReport, layout: Layout): Standing[] {
  const { run, nodeOp, status } = report;
  const { phase, message = '', problems = [] } = status;
  const common = {
    edition: '',
    run: run.path.startsWith(`${layout.runs}/`) ? run.path : undefined,
    namespace: nodeOp?.namespace,
    nodeOp: nodeOp?.name,
    labels: {},
    counts: { ...status.summary },
    startedAt: time(status.startedAt),
    endedAt: isFinalReport(report) ? (time(status.finishedAt) ?? time(run.committedAt)) : undefined,
  };
  const said = problems.map((it) => [it.path, it.message].filter(Boolean).join(': '));
  const words = [message, said.slice(0, PROBLEMS).join('; ')].filter(Boolean).join(': ');
  const path = {
    ...common,
    key: entryKey(`run:${run.path}`),
    edition: editionMark(run.blob ?? 'none'),
    message: words,
  };
  if (nodeOp?.uid === undefined) {
    const waitsFor = phase === 'Waiting' ? message || 'no reason on record' : undefined;
    return [{ ...path, phase, hasBegun: false, waitsFor }];
  }
  const begun = { ...path, phase: 'Pending' as const, hasBegun: false, endedAt: undefined };
  const failed = status.nodes?.find((it) => it.phase === 'Failed');
  const failure = failed && {
    node: failed.name,
    message: failed.message ?? '',
    at: time(failed.finishedAt) ?? Infinity,
  };
  const became = { ...common, key: entryKey(nodeOp.uid), phase, hasBegun: status.startedAt !== undefined };
  return [begun, { ...became, failure, message }];
}

/** So many problems of an invalid run are told; the report has them all. */
const PROBLEMS = 3;

/** A NodeOp that went without an end on record. */
export function gone(last: Standing, now: number): Standing {
  const message = 'the NodeOp was deleted';
  return { ...last, phase: 'Cancelled', waitsFor: undefined, message, endedAt: now };
}

export function isEnded({ phase }: Standing): boolean {
  return isFinalReport({ status: { phase } });
}

function time(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : at;
}
