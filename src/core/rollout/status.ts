import {
  isFinalNodePhase,
  type NodeOpStatus,
  type NodeStatus,
  type RolloutPhase,
  type Summary,
} from '../../api/nodeop.ts';
import type { StepStatus } from '../../api/steps.ts';
import type { NodeWait } from '../text/causes.ts';
import { conditionsOf, type Outcome, SPEC_CHANGED } from './conditions.ts';
import type { RolloutFacts } from './facts.ts';
import { stampUp } from './node-status.ts';
import { type Failure, outcomeText } from './summary.ts';
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
