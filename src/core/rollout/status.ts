import type { Condition } from '../../api/kubernetes.ts';
import {
  isFinalNodePhase,
  isFinalPhase,
  type NodeOpStatus,
  type NodeStatus,
  type RolloutPhase,
  type Summary,
} from '../../api/nodeop.ts';
import type { StepStatus } from '../../api/steps.ts';
import { counted, countsText, doneText } from '../text/counts.ts';
import type { NodeWait } from '../text/causes.ts';
import { flat } from '../text/output.ts';
import { oneLine, spoken } from '../text/table.ts';
import type { RolloutFacts } from './facts.ts';
import { whyNoMatch } from './near-labels.ts';
import { stampUp } from './node-status.ts';
import { UNGUARDED, unguardedText } from './retries.ts';
import { someNodes, waitsText } from './words.ts';

/** The status of the whole, from the statuses of its nodes. Nothing moves without news, time stamps included. */
export function overall(
  facts: RolloutFacts,
  nodeStatuses: Record<string, NodeStatus>,
  now: number,
  pass: {
    /** How many things have to be undone before it may end. */
    toUndo: number;
    waiting: string | undefined;
    /** Nodes that count as failed, whatever the verdict on them. */
    lost: readonly string[];
    refusal: string | undefined;
    summary: Summary;
    firstFailure: Failure | undefined;
    /** Some entry of a node has changed. */
    hasMoved: boolean;
    /** What each node in flight waits for. */
    waits: readonly NodeWait[];
    steps: readonly StepStatus[] | undefined;
    /** No further node is started for good. */
    isStopped: boolean;
  },
): NodeOpStatus {
  const before = facts.status;
  const { summary } = pass;
  // Where they are not on record any more, nobody knows whether they are passed.
  const isLost = facts.spec.steps !== undefined && pass.steps === undefined;
  const step = pass.steps?.find(({ phase: it }) => it !== 'Passed');
  const stepFailure = step?.phase === 'Failed' ? `step ${step.name} has failed: ${step.message}` : undefined;
  const isCancelled = facts.cancelled !== undefined;
  const isUnpassed = isLost || step !== undefined;
  const left = pass.toUndo + Number(isUnpassed && !pass.isStopped);
  const phase = phaseOf(before.phase, summary, left, isCancelled, isUnpassed);
  const stamp = stampUp(now);
  const final = phase === 'Completed' || phase === 'Failed' || phase === 'Cancelled';
  const texts = [stepFailure, outcomeText(summary, pass.firstFailure), lostText(pass.lost)];
  const said = texts.filter((part) => part !== undefined && part !== '');
  const isFailing = summary.failed + pass.lost.length > 0;
  const { waiting, refusal } = pass;
  const nodes = waitsText(pass.waits);
  const nodesFailed = isFailing ? ('NodesFailed' as const) : undefined;
  const failure = stepFailure === undefined ? nodesFailed : 'StepFailed';
  const outcome: Outcome = { said: said.join('; '), failure, waiting, nodes, refusal };
  const conditions = conditionsOf(facts, phase, summary, outcome, stamp);
  const next: NodeOpStatus = {
    ...before,
    phase,
    observedGeneration: facts.generation,
    summary: same(before.summary, summary) ? before.summary : summary,
    conditions: same(before.conditions, conditions) ? before.conditions : conditions,
    startedAt: before.startedAt ?? stamp,
    ...(pass.steps !== undefined && { steps: pass.steps as StepStatus[] }),
    nodeStatuses,
    ...(final ? { completedAt: before.completedAt ?? stamp } : {}),
  };
  const keys = Object.keys(next) as (keyof NodeOpStatus)[];
  const changed = pass.hasMoved || keys.some((key) => next[key] !== before[key]);
  return changed ? { ...next, lastUpdated: stamp } : before;
}

export function summarise(statuses: readonly NodeStatus[]): Summary {
  const counts = noneCounted();
  for (const status of statuses) count(counts, status, 1);
  return summaryOf(counts);
}

type Counted = Record<Exclude<keyof Summary, 'done'>, number>;

export function noneCounted(): Counted {
  return { total: 0, pending: 0, inFlight: 0, completed: 0, failed: 0, cancelled: 0, skipped: 0 };
}

/** Adds a node to the counts, or takes it away. */
export function count(counts: Counted, { phase, jobName }: NodeStatus, by: 1 | -1): void {
  counts.total += by;
  if (phase === 'Pending') counts.pending += by;
  else if (phase === 'Completed') {
    counts.completed += by;
    if (jobName === undefined) counts.skipped += by;
  } else if (phase === 'Failed') counts.failed += by;
  else if (phase === 'Cancelled') counts.cancelled += by;
  else counts.inFlight += by;
}

export function summaryOf(counts: Counted): Summary {
  return { ...counts, done: doneText(counts) };
}

function phaseOf(
  before: RolloutPhase | undefined,
  summary: Summary,
  toUndo: number,
  cancelled: boolean,
  isUnpassed: boolean,
): RolloutPhase {
  if (summary.total === 0) return cancelled ? 'Cancelled' : 'Failed';
  if (summary.pending + summary.inFlight + toUndo > 0) {
    const begun = before === 'Running' || summary.pending < summary.total;
    return begun ? 'Running' : 'Pending';
  }
  if (summary.failed > 0) return 'Failed';
  if (summary.cancelled === 0 && !isUnpassed) return 'Completed';
  // Who but people stops a rollout? Nodes that count as failed, whatever the verdict on them was.
  return cancelled ? 'Cancelled' : 'Failed';
}

/** After the end a changed spec is answered, and nothing else. */
export function acknowledged(facts: RolloutFacts, now: number): NodeOpStatus {
  const before = facts.status;
  // A deletion counts as a generation too, and leaves nobody to be answered.
  if (before.observedGeneration === facts.generation || facts.deleted) return before;
  const stamp = stampUp(now);
  const known = (before.conditions ?? []).filter(({ type }) => type !== 'SpecChanged');
  const changed = facts.specChanged ? [{ ...SPEC_CHANGED, lastTransitionTime: stamp }] : [];
  return {
    ...before,
    observedGeneration: facts.generation,
    conditions: [...known, ...changed],
    lastUpdated: stamp,
  };
}

/** No condition says more, in characters. */
const LONGEST = 4096;

/** What people, servers and containers have said, as the message of a condition. */
export function told(text: string): string {
  return flat(text).slice(0, LONGEST);
}

const SPEC_CHANGED = {
  type: 'SpecChanged',
  status: 'True',
  reason: 'SpecChanged',
  message:
    'the spec was changed after the run began; the change is not acted on, create a new NodeOp instead',
} as const;

interface Outcome {
  said: string;
  failure: 'StepFailed' | 'NodesFailed' | undefined;
  waiting: string | undefined;
  nodes: string | undefined;
  refusal: string | undefined;
}

/** Conditions as kstatus reads them: Ready, Reconciling, Stalled; SpecChanged only when it is so. */
function conditionsOf(
  facts: RolloutFacts,
  phase: RolloutPhase,
  summary: Summary,
  { said, failure, waiting, nodes, refusal }: Outcome,
  stamp: string,
): Condition[] {
  const going = phase === 'Pending' || phase === 'Running';
  const stalled = phase === 'Failed' || phase === 'Cancelled';
  const outcome = failure === 'StepFailed' && phase === 'Failed' ? failure : phase;
  const ended = summary.total === 0 ? 'NoNodesMatched' : refusal === undefined ? outcome : 'Refused';
  const isHeld = facts.hold !== undefined;
  const progress = isHeld ? 'Held' : (failure ?? (waiting ? 'Waiting' : 'Progressing'));
  const reason = going ? progress : ended;
  const endText = summary.total === 0 ? none(facts) : (refusal ?? said);
  // What is waited for tells most, and the counts are beside it; a failure is told in any case.
  const rest = waiting === undefined ? said : failure !== undefined ? `${said}; ${waiting}` : waiting;
  const { hold } = facts;
  const message = hold === undefined || waiting === hold.text ? rest : `${hold.text}; ${rest}`;
  // What a rollout waits for decides whether it takes a place among others, failures or not.
  const idle = hold !== undefined ? 'Held' : waiting === undefined ? 'Progressing' : 'Waiting';
  // All that is in the way, of the rollout as a whole and of each node.
  const inTheWay = [...new Set([hold?.text, waiting, nodes])].filter((text) => text !== undefined).join('; ');
  const list: Condition[] = [
    {
      type: 'Ready',
      status: phase === 'Completed' ? 'True' : 'False',
      reason,
      message: going ? message : endText,
    },
    {
      type: 'Reconciling',
      status: going ? 'True' : 'False',
      reason: going ? idle : ended,
      message: going ? inTheWay || goingText(facts, summary) : 'the rollout has ended',
    },
    {
      type: 'Stalled',
      // Cancelled is no way to Ready either; what waits for it must not wait for good.
      status: stalled ? 'True' : 'False',
      reason,
      message: stalled ? endText : (going && inTheWay) || 'nothing is in its way',
    },
  ];
  if (hold !== undefined && going)
    list.unshift({ type: 'Held', status: 'True', reason: `HeldBy${hold.by}`, message: hold.text });
  const unguarded = going ? unguardedText(facts.spec, facts.serverMinor) : undefined;
  if (unguarded !== undefined)
    list.push({ type: UNGUARDED, status: 'True', reason: 'ServerLacksFields', message: unguarded });
  if (facts.specChanged) list.push(SPEC_CHANGED);
  // Its transition tells when: what may go on after that is bounded from there.
  if (facts.cancelled !== undefined)
    list.push({ type: 'Cancelled', status: 'True', reason: 'Cancelled', message: facts.cancelled });
  return list.map((it) => {
    const condition = { ...it, message: told(it.message ?? '') };
    const old = facts.status.conditions?.find(({ type }) => type === condition.type);
    const kept = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: kept ?? stamp };
  });
}

/** What a rollout does that nothing is in the way of. */
function goingText({ cancelled, deleted, spec }: RolloutFacts, summary: Summary): string {
  const { inFlight } = summary;
  const isStopped = cancelled !== undefined || (summary.pending === 0 && summary.cancelled > 0);
  if (!isStopped) return 'the rollout goes on';
  if (inFlight === 0) return 'the rollout was stopped; what it did to nodes is being undone';
  if (deleted) return 'the NodeOp is being deleted; what is under way is being ended';
  const bound = cancelled === undefined ? undefined : spec.cancelTimeoutSeconds;
  const within = bound === undefined ? '' : ` within ${spoken(bound)}`;
  return `the rollout was stopped: no further node is started, ${counted(inFlight, 'node')} in flight may finish${within}`;
}

function none({ spec, nodes, status }: RolloutFacts): string {
  // Said once: labels that nodes get later are no news of a run that is over.
  const said = status.conditions?.find(({ reason }) => reason === 'NoNodesMatched')?.message;
  if (said !== undefined) return said;
  const labels = [...nodes.values()].map((it) => it.labels);
  return `no node matches the selector: ${whyNoMatch(spec.nodeSelector, labels)}`;
}

type Failure = readonly [node: string, status: NodeStatus];

/** The first node that failed, in the order of their names. */
export function firstFailure(nodeStatuses: Record<string, NodeStatus>): Failure | undefined {
  return Object.entries(nodeStatuses).find(([, { phase }]) => phase === 'Failed');
}

/** `3 of 5 nodes completed, 2 failed: node-3: …`, with the first failure's reason. */
export function outcomeText(summary: Summary, first: Failure | undefined): string {
  const counts = countsText(summary);
  return first ? `${counts}: ${first[0]}: ${oneLine(first[1].message, 256)}` : counts;
}

/** Nodes that count as failed, whatever the verdict on them; '' when there are none. */
function lostText(nodes: readonly string[]): string {
  if (nodes.length === 0) return '';
  return `not Ready since they were done: ${someNodes(nodes)}`;
}

/** Deep equality of small plain values. */
function same(a: unknown, b: unknown): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** Nodes in flight: what this NodeOp holds against others. */
export function inFlightNodes(status: NodeOpStatus): string[] {
  const entries = Object.entries(status.nodeStatuses ?? {});
  return entries
    .filter(([, { phase }]) => phase !== 'Pending' && !isFinalNodePhase(phase))
    .map(([name]) => name);
}

/** Why a NodeOp is not carried out at all. */
export interface Refusal {
  reason: 'InvalidSpec' | 'Copied' | 'NotAdopted' | 'TooManyNodes';
  message: string;
}

/**
 * The status of a NodeOp that is refused: nothing is done. What a copy brought along of an end is left as a record; of
 * a rollout that went on, nothing: the nodes it names are none that it works on.
 */
export function refused(
  before: NodeOpStatus,
  { reason, message: text }: Refusal,
  generation: number,
  now: number,
): NodeOpStatus {
  if (saysRefused(before, reason) && before.observedGeneration === generation) return before;
  const stamp = stampUp(now);
  const message = told(text);
  const common = { reason, message, lastTransitionTime: stamp };
  const isOver = isFinalPhase(before.phase) && unfinished(before) === 0;
  // An end that is on record stands: a later version may have carried out what this one cannot read.
  if (isOver && reason !== 'Copied' && !saysRefused(before, reason)) return before;
  const isRecord = isOver && reason === 'Copied';
  const { nodeStatuses: _, summary: __, startedAt: ___, ...whole } = before;
  return {
    ...(reason === 'Copied' && !isRecord ? whole : before),
    phase: isRecord ? before.phase : 'Failed',
    observedGeneration: generation,
    conditions: [
      { type: 'Ready', status: 'False', ...common },
      { type: 'Reconciling', status: 'False', ...common },
      { type: 'Stalled', status: 'True', ...common },
    ],
    completedAt: isRecord ? (before.completedAt ?? stamp) : stamp,
    lastUpdated: stamp,
  };
}

/** Whether a status says all there is to say of a NodeOp that is refused; a backup tool may write its own over it. */
export function saysRefused(status: NodeOpStatus, reason: Refusal['reason']): boolean {
  const stalled = status.conditions?.find(({ type }) => type === 'Stalled');
  if (stalled?.reason !== reason || !isFinalPhase(status.phase)) return false;
  return reason !== 'Copied' || unfinished(status) === 0;
}

function unfinished({ nodeStatuses = {} }: NodeOpStatus): number {
  return Object.values(nodeStatuses).filter(({ phase }) => !isFinalNodePhase(phase)).length;
}

/** The status of a NodeOp that is not begun yet; `stalled` when somebody has to do something about that. */
export function held(
  before: NodeOpStatus,
  { reason, message: text, stalled }: { reason: string; message: string; stalled: boolean },
  generation: number,
  now: number,
): NodeOpStatus {
  const message = told(text);
  const known = before.conditions?.find(({ type }) => type === 'Ready')?.message;
  if (before.phase === 'Pending' && known === message && before.observedGeneration === generation)
    return before;
  const stamp = stampUp(now);
  const common = { reason, message, lastTransitionTime: stamp };
  return {
    ...before,
    phase: 'Pending',
    observedGeneration: generation,
    conditions: [
      { type: 'Ready', status: 'False', ...common },
      { type: 'Reconciling', status: stalled ? 'False' : 'True', ...common },
      { type: 'Stalled', status: stalled ? 'True' : 'False', ...common },
    ],
    lastUpdated: stamp,
  };
}
