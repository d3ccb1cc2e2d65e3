import type { LocatedProblem } from '../../api/documents.ts';
import { ANNOTATION_CANCEL, ANNOTATION_SERIES } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport, type ReportNode } from '../../api/report.ts';
import { LACKS_FIELDS } from '../definition.ts';
import { awaitsRecord } from '../rollout/identity.ts';
import { closed } from '../window.ts';
import { wasInFlight } from './lost.ts';
import { takesPlace } from './places.ts';
import type { Manifest, Preparation } from './prepare.ts';
import { counted } from '../text/counts.ts';

/** Everything known of one run: its file at the tip, its NodeOp in the cluster, its report at the tip. */
export interface RunFacts {
  path: string;
  /** Absent when the file was removed. `order`: place of its commit among the files not started yet. */
  file?: { blob: string; order: number; prepare: () => Preparation };
  /** Who removed the file, as far as that was looked up. */
  removed?: Removal;
  nodeOp?: NodeOp;
  report?: NodeOpReport;
  /** It has a NodeOp, and people changed what the agent had reported of that: `report` is what the agent wrote last. */
  isEdited?: boolean;
  /** The file has the content of one of a run that is over, and was moved here from there. */
  movedFrom?: string;
  /** When the file of a run that was invalid before was added; epoch milliseconds. */
  addedAt?: number;
  /** The cluster has on record that it began. */
  begun?: boolean;
  /** How it ended, which the cluster has on record and Git has not. */
  kept?: NodeOpReport;
  /** On record as passed over. */
  passedOver: boolean;
  /** The report says `Invalid` of this very content of the file and its definition. */
  judged: boolean;
  /** Why it cannot be said now whether it may start. */
  held?: string;
  /** The API server refuses its NodeOp. */
  refused?: Refusal;
}

export interface Removal {
  commit: string;
  author: string;
}

export interface Refusal {
  message: string;
  /** For so long that it is not asked for any more. */
  isLasting: boolean;
  /** When it is asked for again; not before 0 it is time. */
  retryInMs: number;
}

export type Verdict =
  | { phase: 'Invalid'; reason: string; problems: readonly LocatedProblem[]; definition?: string | undefined }
  | { phase: 'Cancelled' | 'Failed'; reason: string; message: string };

/** `until`: the time waited for, epoch milliseconds, where it is one; `inMs`: when it is tried again. */
export interface Wait {
  reason:
    | 'Queued'
    | 'NotBefore'
    | 'WindowClosed'
    | 'NotCreated'
    | 'SignaturesUnknown'
    /** People hold the whole cluster. */
    | 'Held'
    /** Nothing may begin in this cluster. */
    | 'Blocked'
    /** The cluster would forget what becomes of it. */
    | typeof LACKS_FIELDS;
  message: string;
  until?: number;
  inMs?: number;
}

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
  /** Report the end that the cluster has on record. */
  | { type: 'restore'; run: RunFacts; report: NodeOpReport }
  | ({ type: 'wait'; run: RunFacts } & Wait);

export interface PlanOptions {
  maxConcurrent: number;
  /** Why nothing may begin in this cluster. */
  blocked?: string | undefined;
  /** What the cluster's definition of NodeOps lacks. */
  obstacle?: string | undefined;
  /** A file that was added longer ago when it becomes valid is refused. */
  maxAgeMs?: number;
  /** By whom the whole cluster is held. */
  held?: string | undefined;
}

/** What to do about all runs, from nothing but what is observed. Runs that are over give no action. */
export function planRuns(
  runs: readonly RunFacts[],
  now: Date,
  { maxConcurrent, blocked, obstacle, held, maxAgeMs = Infinity }: PlanOptions,
): RunAction[] {
  const actions = runs.flatMap((run) =>
    run.nodeOp ? planStarted(run, run.nodeOp) : planOpen(run, now, maxAgeMs),
  );
  let free = maxConcurrent - runs.filter(({ nodeOp }) => nodeOp && takesPlace(nodeOp)).length;
  const taken = new Set(
    runs.flatMap(({ nodeOp }) => {
      const series = nodeOp?.metadata.annotations?.[ANNOTATION_SERIES];
      return series === undefined || isFinalPhase(nodeOp?.status?.phase) ? [] : [series];
    }),
  );
  const rank = (action: RunAction) => action.run.file?.order ?? 0;
  return actions
    .toSorted((a, b) => rank(a) - rank(b) || (a.run.path < b.run.path ? -1 : 1))
    .map((action): RunAction => {
      const { run } = action;
      const series = isToCome(action) ? seriesOf(run) : undefined;
      if (series !== undefined && taken.has(series)) {
        const message = `an earlier run of the series "${series}" is not over`;
        return { type: 'conclude', run, verdict: { phase: 'Cancelled', reason: 'Skipped', message } };
      }
      if (series !== undefined) taken.add(series);
      if (action.type !== 'create') return action;
      if (blocked !== undefined) return { type: 'wait', run, reason: 'Blocked', message: blocked };
      if (obstacle !== undefined) return { type: 'wait', run, reason: LACKS_FIELDS, message: obstacle };
      if (held !== undefined) return { type: 'wait', run, reason: 'Held', message: held };
      if (free > 0) {
        free--;
        return action;
      }
      return { type: 'wait', run, reason: 'Queued', message: 'other runs come first' };
    });
}

/** Of a run whose signatures nobody could check yet nothing counts, its series neither: whoever pushes may write one. */
function isToCome(action: RunAction): boolean {
  return action.type === 'create' || (action.type === 'wait' && action.reason !== 'SignaturesUnknown');
}

function seriesOf({ file }: RunFacts): string | undefined {
  const prepared = file?.prepare();
  return prepared?.ok === true ? prepared.manifest.metadata.annotations?.[ANNOTATION_SERIES] : undefined;
}

function planStarted(run: RunFacts, nodeOp: NodeOp): RunAction[] {
  if (isFinalPhase(nodeOp.status?.phase)) {
    // A run that became a NodeOp was valid, whatever people make of its report.
    const told =
      run.isEdited !== true &&
      run.report &&
      isFinalReport(run.report) &&
      run.report.status.phase !== 'Invalid';
    // Of one whose report was pruned nothing is told again.
    const isPruned = run.isEdited !== true && run.passedOver && run.report === undefined;
    return told || isPruned ? [] : [{ type: 'follow', run, nodeOp }];
  }
  const actions: RunAction[] = [];
  if (!run.file) {
    if (nodeOp.metadata.annotations?.[ANNOTATION_CANCEL] === undefined) {
      actions.push({ type: 'cancel', run, nodeOp, reason: removalText(run.removed) });
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

function removalText(removed: Removal | undefined): string {
  const by = removed === undefined ? '' : ` by ${removed.author} in commit ${removed.commit.slice(0, 12)}`;
  return `the run file was removed${by}`;
}

/** A report that names a NodeOp's UID or a start was written of a run that had begun. */
export function saysStarted({ nodeOp, status }: NodeOpReport): boolean {
  return nodeOp?.uid !== undefined || status.startedAt !== undefined || status.phase === 'Running';
}

/** Why nothing is left to do for a run without a NodeOp. */
export type Settled = 'over' | 'passedOver' | 'judged' | 'moved';

/** Undefined when something is to be done, if only to wait. */
export function settled(run: RunFacts): Settled | undefined {
  const { report } = run;
  if (report !== undefined && isFinalReport(report) && report.status.phase !== 'Invalid') return 'over';
  if (run.kept || hasBegun(run)) return undefined;
  if (run.passedOver) return 'passedOver';
  // An invalid file was never executed, so an edit of it, or of its definition, is a new chance.
  if (run.judged) return 'judged';
  return run.movedFrom === undefined ? undefined : 'moved';
}

function hasBegun({ begun, report }: RunFacts): boolean {
  return begun === true || (report !== undefined && saysStarted(report));
}

/** A run without a NodeOp. What began is never begun again, whatever its report or its file says now. */
function planOpen(run: RunFacts, now: Date, maxAgeMs: number): RunAction[] {
  const { report, kept } = run;
  if (settled(run) !== undefined) return [];
  if (kept) return [{ type: 'restore', run, report: kept }];
  if (hasBegun(run)) return planLost(run);
  if (run.file) return planNew(run, run.file.prepare, now, maxAgeMs);
  if (report === undefined || report.status.phase === 'Invalid') return [];
  const message = `${removalText(run.removed)} before it began`;
  return [{ type: 'conclude', run, verdict: { phase: 'Cancelled', reason: 'Removed', message } }];
}

/** It began, and its NodeOp is gone. */
function planLost(run: RunFacts): RunAction[] {
  const { report } = run;
  // One whose report people removed is passed over.
  if (run.passedOver || (report === undefined && run.file === undefined)) return [];
  // Of those that were worked on nobody knows what was done.
  const isLost = (node: ReportNode) => node.phase === 'Failed' || wasInFlight(node);
  const failed = report?.status.nodes?.filter(isLost).length ?? 0;
  const messages = {
    none: 'it began, and its NodeOp and its report are gone',
    invalid: 'it began, and its NodeOp is gone; the report was changed to say otherwise',
    other: 'the NodeOp was deleted before it was finished',
  };
  const message =
    messages[report === undefined ? 'none' : report.status.phase === 'Invalid' ? 'invalid' : 'other'];
  const phase = failed > 0 ? 'Failed' : 'Cancelled';
  return [{ type: 'conclude', run, verdict: { phase, reason: 'NodeOpDeleted', message } }];
}

function planNew(run: RunFacts, prepare: () => Preparation, now: Date, maxAgeMs: number): RunAction[] {
  if (run.held !== undefined) {
    const message = 'signatures cannot be checked now; the log of the agent says why';
    return [{ type: 'wait', run, reason: 'SignaturesUnknown', message }];
  }
  const prepared = prepare();
  if (!prepared.ok) {
    const { reason = 'InvalidRunFile', problems, definition } = prepared;
    const verdict: Verdict = { phase: 'Invalid', reason, problems, definition };
    return [{ type: 'conclude', run, verdict }];
  }
  if (!prepared.here) return [];
  const age = run.addedAt === undefined ? 0 : now.getTime() - run.addedAt;
  if (age > maxAgeMs) return [{ type: 'conclude', run, verdict: tooOld(age, prepared.definition?.name) }];
  const { notBefore, notAfter, window } = prepared;
  if (notAfter !== undefined && now.getTime() > Date.parse(notAfter)) {
    const message = `not started before notAfter, ${notAfter}`;
    return [{ type: 'conclude', run, verdict: { phase: 'Cancelled', reason: 'TooLate', message } }];
  }
  if (notBefore !== undefined && now.getTime() < Date.parse(notBefore)) {
    const message = `not before ${notBefore}`;
    return [{ type: 'wait', run, reason: 'NotBefore', message, until: Date.parse(notBefore) }];
  }
  // Outside of its window a run would only take the place of others.
  const shut = window && closed(window, now.getTime());
  if (shut) {
    const { reason: message, opensAt = Infinity } = shut;
    return [{ type: 'wait', run, reason: 'WindowClosed', message, until: opensAt }];
  }
  return planRefused(run) ?? [{ type: 'create', run, manifest: prepared.manifest }];
}

function tooOld(ageMs: number, definition: string | undefined): Verdict {
  const days = Math.floor(ageMs / 86_400_000);
  const message =
    `the file was added ${counted(days, 'day')} ago and is valid only now, when nobody expects it to begin any more ` +
    '(runs.maxAge); to carry it out, add it again under another name';
  return { phase: 'Invalid', reason: 'TooOld', problems: [{ path: [], message }], definition };
}

/** A run whose NodeOp is refused lets others go first, and is given up in the end. */
function planRefused(run: RunFacts): RunAction[] | undefined {
  const { refused } = run;
  if (refused === undefined) return undefined;
  const message = `the NodeOp could not be created: ${refused.message}`;
  if (refused.isLasting) {
    return [{ type: 'conclude', run, verdict: { phase: 'Failed', reason: 'NotCreated', message } }];
  }
  if (refused.retryInMs <= 0) return undefined;
  return [{ type: 'wait', run, reason: 'NotCreated', message, inMs: refused.retryInMs }];
}
