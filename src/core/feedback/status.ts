import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { countsText } from '../text/counts.ts';
import { stepsText } from '../text/steps.ts';
import { period } from '../text/table.ts';

/** A run's state as Git hosts show it beside a commit. */
export interface RunStatus {
  state: 'pending' | 'running' | 'success' | 'failure' | 'error' | 'cancelled';
  description: string;
}

/**
 * Changes only when the state does, or that of a step, or the first node fails: hosts take a limited number of statuses for
 * a commit (GitHub: 1,000 of one context).
 */
export function runStatus(report: NodeOpReport): RunStatus {
  const { status } = report;
  const { total = 0, failed = 0 } = status.summary ?? {};
  const counts = countsText(status.summary ?? {});
  const took = status.durationSeconds === undefined ? '' : ` in ${period(status.durationSeconds)}`;
  switch (status.phase) {
    case 'Waiting':
      return {
        state: 'pending',
        description: `waiting: ${status.message ?? 'see the report'}`.slice(0, 140),
      };
    case 'Pending':
      return { state: 'pending', description: heldText(status) ?? 'waiting' };
    case 'Running':
      if (status.reason === 'Held') return { state: 'running', description: heldText(status) ?? 'held' };
      return { state: 'running', description: underWay(report, failed) };
    case 'Completed':
      return { state: 'success', description: `${counts}${took}` };
    case 'Failed':
      return {
        state: 'failure',
        description:
          total === 0 || status.reason === 'StepFailed' ? withoutNodes(status) : `${counts}${took}`,
      };
    case 'Cancelled':
      return {
        state: 'cancelled',
        description: [`cancelled: ${counts}`, status.stopped?.message ?? '']
          .filter(Boolean)
          .join('; ')
          .slice(0, 140),
      };
    case 'Invalid':
      return {
        state: 'error',
        description: `not valid, not executed: ${status.message ?? 'see the report'}`.slice(0, 140),
      };
  }
}

/** With the step it is in, where there are steps. */
function underWay({ status: { steps = [] } }: NodeOpReport, failed: number): string {
  const current = steps.find(({ phase }) => phase !== 'Passed');
  const where = current === undefined ? '' : `: ${stepsText([{ name: current.name, phase: current.phase }])}`;
  return `under way${where.slice(0, 90)}${failed > 0 ? ', some nodes have failed' : ''}`;
}

/** What people brake with is told first, everywhere. */
function heldText({ reason, message }: NodeOpReport['status']): string | undefined {
  return reason === 'Held' ? message?.slice(0, 140) : undefined;
}

/** One that failed before it had any, or for another reason than its nodes. */
function withoutNodes({ reason, message }: NodeOpReport['status']): string {
  return reason === 'NoNodesMatched' ? 'no node matches' : (message ?? reason ?? 'failed').slice(0, 140);
}

/** `<context>[/<cluster>]/<run>`: one for each run and cluster, so that none hides another. */
export function statusContext(context: string, runs: string, { run, cluster }: NodeOpReport): string {
  const name = run.path.startsWith(`${runs}/`) ? run.path.slice(runs.length + 1) : run.path;
  const parts = [context, ...(cluster === undefined ? [] : [cluster]), name.replace(/\.ya?ml$/i, '')];
  return parts.join('/').slice(0, 255);
}

const RECENT_MS = 7 * 24 * 3_600_000;
const MOST = 100;

/** Reports a restarted agent looks after: those that are not over, and those that ended of late, newest first. */
export function worthTelling(reports: readonly NodeOpReport[], now: Date): NodeOpReport[] {
  const age = ({ run, status }: NodeOpReport) => {
    return now.getTime() - (Date.parse(status.finishedAt ?? run.committedAt ?? '') || 0);
  };
  return reports
    .filter((it) => it.run.commit !== undefined && (!isFinalReport(it) || age(it) < RECENT_MS))
    .toSorted((a, b) => age(a) - age(b))
    .slice(0, MOST);
}

/** A report as it is told while the host does not take it; `words`: why, in the host's words. */
export function untaken(report: NodeOpReport, words: string): NodeOpReport {
  const { phase } = report.status;
  const message = `the report "${phase}" cannot be pushed: ${words.replaceAll(/\s+/g, ' ').slice(0, 400)}`;
  return { ...report, status: { phase: 'Waiting', message } };
}
