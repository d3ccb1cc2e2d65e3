import { isFinalNodePhase, type NodeStatus } from '../../../api/nodeop.ts';
import type { RolloutFacts } from '../facts.ts';
import type { StepTally } from './progress.ts';
import { readStepOf, rulesOf, type StepRules } from './split.ts';

/** The nodes of one step, by their place among all. */
interface Part {
  pending: Set<number>;
  /** As of the fleet. */
  startable: Set<number>;
  /** Those that count as failed, whatever the verdict on them. */
  failed: Set<number>;
  /** Those of them that were lost during the soak. */
  lost: Set<number>;
  finished: number;
  inFlight: number;
  size: number;
}

/** Which node is in which step, and what is counted of each step, as the last look left it. */
export class StepMembers {
  readonly rules: readonly StepRules[];
  private readonly steps: readonly number[];
  private readonly names: readonly string[];
  private readonly parts: Part[] = [];

  private constructor(steps: readonly number[], names: readonly string[], spec: RolloutFacts['spec']) {
    this.steps = steps;
    this.names = names;
    for (let step = 0; step <= (spec.steps?.length ?? 0); step += 1) {
      this.parts.push({
        pending: new Set(),
        startable: new Set(),
        failed: new Set(),
        lost: new Set(),
        finished: 0,
        inFlight: 0,
        size: 0,
      });
    }
    for (const step of steps) this.part(step).size += 1;
    this.rules = rulesOf(spec, (step) => this.part(step).size);
  }

  /** Undefined for a rollout without steps, and where it is not on record any more which node is in which. */
  static of({ spec, status }: RolloutFacts, names: readonly string[]): StepMembers | undefined {
    const steps = spec.steps && readStepOf(status.stepOf, names);
    return steps?.every((step) => step <= (spec.steps?.length ?? 0)) === true
      ? new StepMembers(steps, names, spec)
      : undefined;
  }

  stepOf(i: number): number {
    return this.steps[i] ?? 0;
  }

  pending(step: number): ReadonlySet<number> {
    return this.part(step).pending;
  }

  startable(step: number): ReadonlySet<number> {
    return this.part(step).startable;
  }

  tally(step: number): StepTally {
    const { finished, inFlight, failed, pending, size, lost } = this.part(step);
    const names = [...lost].map((i) => this.names[i] ?? '');
    return { finished, inFlight, failed: failed.size, untouched: pending.size === size, lost: names };
  }

  /** An entry has changed. */
  enlist(i: number, before: NodeStatus | undefined, status: NodeStatus): void {
    const part = this.part(this.stepOf(i));
    part.finished += Number(isFinished(status)) - Number(isFinished(before));
    part.inFlight += Number(isInFlight(status)) - Number(isInFlight(before));
    put(part.pending, i, status.phase === 'Pending');
    if (status.lostInSoak !== true) return;
    part.failed.add(i);
    part.lost.add(i);
  }

  take(i: number, status: NodeStatus, countsAsFailed: boolean, isStartable: boolean): void {
    const part = this.part(this.stepOf(i));
    put(part.failed, i, countsAsFailed || status.lostInSoak === true);
    put(part.startable, i, isStartable);
  }

  private part(step: number): Part {
    const part = this.parts[step];
    if (part === undefined) throw new RangeError(`no step ${step}`);
    return part;
  }
}

function isInFlight(status: NodeStatus | undefined): boolean {
  return status !== undefined && status.phase !== 'Pending' && !isFinalNodePhase(status.phase);
}

/** One that was given up is not. */
function isFinished(status: NodeStatus | undefined): boolean {
  return status?.phase === 'Completed' || status?.phase === 'Failed';
}

function put(set: Set<number>, i: number, isIn: boolean): void {
  if (isIn) set.add(i);
  else set.delete(i);
}
