import type { LocatedProblem } from '../../api/documents.ts';
import { ANNOTATION_CANCEL, ANNOTATION_SERIES } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { awaitsRecord } from '../rollout/identity.ts';
import { closed } from '../window.ts';
import type { Manifest, Preparation } from './prepare.ts';

/** Everything known of one run: its file at the tip, its NodeOp in the cluster, its report at the tip. */
export interface RunFacts {
  path: string;
  /** Absent when the file was removed. `order`: place of its commit among the files not started yet. */
  file?: { blob: string; order: number; prepare: () => Preparation };
  nodeOp?: NodeOp;
  report?: NodeOpReport;
  /** On record as passed over. */
  passedOver: boolean;
  /** The report says `Invalid` of this very content of the file and its definition. */
  judged: boolean;
  /** Why it cannot be said now whether it may start. */
  held?: string;
}

export type Verdict =
  | { phase: 'Invalid'; reason: string; problems: readonly LocatedProblem[]; definition?: string | undefined }
  | { phase: 'Cancelled'; reason: string; message: string };

export type RunAction =
  | { type: 'create'; run: RunFacts; manifest: Manifest }
  | { type: 'cancel'; run: RunFacts; nodeOp: NodeOp; reason: string }
  /** Mark the NodeOp as the run's own. */
  | { type: 'vouch'; run: RunFacts; nodeOp: NodeOp }
  | { type: 'suspend'; run: RunFacts; nodeOp: NodeOp; suspend: boolean }
  /** Report the NodeOp as it stands. */
  | { type: 'follow'; run: RunFacts; nodeOp: NodeOp }
  /** Report an end that no NodeOp has. */
  | { type: 'conclude'; run: RunFacts; verdict: Verdict }
  /** `until`: the time waited for, epoch milliseconds; without one it is for other runs. */
  | { type: 'wait'; run: RunFacts; reason: string; until?: number };

/** What to do about all runs, from nothing but what is observed. Runs that are over give no action. */
export function planRuns(runs: readonly RunFacts[], now: Date, maxConcurrent: number): RunAction[] {
  const actions = runs.flatMap((run) => (run.nodeOp ? planStarted(run, run.nodeOp) : planOpen(run, now)));
  let free = maxConcurrent - runs.filter((it) => it.nodeOp && !isFinalPhase(it.nodeOp.status?.phase)).length;
  const taken = new Set(
    runs.flatMap(({ nodeOp }) => {
      const series = nodeOp?.metadata.annotations?.[ANNOTATION_SERIES];
      return series === undefined || isFinalPhase(nodeOp?.status?.phase) ? [] : [series];
    }),
  );
  const rank = (action: RunAction) => action.run.file?.order ?? 0;
  return actions
    .toSorted((a, b) => rank(a) - rank(b) || (a.run.path < b.run.path ? -1 : 1))
    .map((action) => {
      const series = isToCome(action) ? seriesOf(action.run) : undefined;
      if (series !== undefined && taken.has(series)) {
        const message = `an earlier run of the series "${series}" is not over`;
        return {
          type: 'conclude',
          run: action.run,
          verdict: { phase: 'Cancelled', reason: 'Skipped', message },
        };
      }
      if (series !== undefined) taken.add(series);
      if (action.type !== 'create') return action;
      if (free > 0) {
        free--;
        return action;
      }
      return { type: 'wait', run: action.run, reason: 'other runs come first' };
    });
}

function isToCome(action: RunAction): boolean {
  return action.type === 'create' || action.type === 'wait';
}

function seriesOf({ file }: RunFacts): string | undefined {
  const prepared = file?.prepare();
  return prepared?.ok === true ? prepared.manifest.metadata.annotations?.[ANNOTATION_SERIES] : undefined;
}

function planStarted(run: RunFacts, nodeOp: NodeOp): RunAction[] {
  if (isFinalPhase(nodeOp.status?.phase)) {
    const told = run.passedOver || (run.report && isFinalReport(run.report));
    return told ? [] : [{ type: 'follow', run, nodeOp }];
  }
  const actions: RunAction[] = [];
  if (!run.file) {
    if (nodeOp.metadata.annotations?.[ANNOTATION_CANCEL] === undefined) {
      actions.push({ type: 'cancel', run, nodeOp, reason: 'the run file was removed' });
    }
  } else {
    if (awaitsRecord(nodeOp)) actions.push({ type: 'vouch', run, nodeOp });
    const prepared = run.file.prepare();
    const wanted = prepared.ok ? prepared.manifest.spec.suspend : undefined;
    if (wanted !== undefined && wanted !== (nodeOp.spec.suspend ?? false)) {
      actions.push({ type: 'suspend', run, nodeOp, suspend: wanted });
    }
  }
  return [...actions, { type: 'follow', run, nodeOp }];
}

function planOpen(run: RunFacts, now: Date): RunAction[] {
  const { file, report } = run;
  if (report && report.status.phase !== 'Invalid') {
    if (isFinalReport(report)) return [];
    const message = 'the NodeOp was deleted before it was finished';
    return [{ type: 'conclude', run, verdict: { phase: 'Cancelled', reason: 'NodeOpDeleted', message } }];
  }
  // An invalid file was never executed, so an edit of it, or of its definition, is a new chance.
  if (!file || run.passedOver || run.judged) return [];
  if (run.held !== undefined) return [{ type: 'wait', run, reason: run.held }];
  const prepared = file.prepare();
  if (!prepared.ok) {
    const { reason = 'InvalidRunFile', problems, definition } = prepared;
    const verdict: Verdict = { phase: 'Invalid', reason, problems, definition };
    return [{ type: 'conclude', run, verdict }];
  }
  if (!prepared.here) return [];
  const { notBefore, notAfter, window } = prepared;
  if (notAfter !== undefined && now.getTime() > Date.parse(notAfter)) {
    const message = `not started before notAfter, ${notAfter}`;
    return [{ type: 'conclude', run, verdict: { phase: 'Cancelled', reason: 'TooLate', message } }];
  }
  if (notBefore !== undefined && now.getTime() < Date.parse(notBefore)) {
    return [{ type: 'wait', run, reason: `not before ${notBefore}`, until: Date.parse(notBefore) }];
  }
  // Outside of its window a run would only take the place of others.
  const shut = window && closed(window, now.getTime());
  if (shut) return [{ type: 'wait', run, reason: shut.reason, until: shut.opensAt ?? Infinity }];
  return [{ type: 'create', run, manifest: prepared.manifest }];
}
