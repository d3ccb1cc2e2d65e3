import type { CheckStatus } from '../../../api/checks.ts';
import type { StepStatus } from '../../../api/steps.ts';
import type { ChecksStep } from '../../checks/checks.ts';
import { spoken } from '../../text/table.ts';
import type { Action } from '../actions.ts';
import { stampUp } from '../node-status.ts';
import { someNodes } from '../words.ts';
import type { StepRules } from './split.ts';

/** What is counted of the nodes of one step. */
export interface StepTally {
  finished: number;
  /** Those that are neither finished nor given up, and were begun. */
  inFlight: number;
  /** Those that count as failed for the step, finished or not. */
  failed: number;
  /** None of them was begun. */
  untouched: boolean;
  /** Those that were not Ready for too long during the soak. */
  lost: readonly string[];
}

/** What a step asks for while it soaks or is checked. */
export interface StepWatch {
  /** Nodes that were done and are not Ready, for less than the step tolerates. */
  away: readonly string[];
  actions: Action[];
  lookAgainAt: number | undefined;
}

export interface StepsView {
  rules: readonly StepRules[];
  tally: (step: number) => StepTally;
  /** Of the step that soaks since then. */
  watch: (step: number, since: number) => StepWatch;
  /** Of the checks of a step whose soak began then, and is over or not. */
  checks: (
    step: number,
    statuses: readonly CheckStatus[] | undefined,
    soak: { began: number; over: boolean },
  ) => ChecksStep;
  /** No further node is started, for whatever reason. */
  stopped: string | undefined;
  now: number;
}

export interface Progress {
  /** The very same object when nothing has changed. */
  steps: readonly StepStatus[];
  /** The one that is not passed, by its place; undefined when all are. */
  current: number | undefined;
  actions: Action[];
  /** How many pods of checks are left that have to go first. */
  left: number;
  lookAgainAt: number | undefined;
}

/** How steps stand before anything has begun. */
export function unbegun(rules: readonly StepRules[]): StepStatus[] {
  return rules.map(({ name, size }) => ({ name, phase: 'Pending', nodes: size, finished: 0, failed: 0 }));
}

/** One look at the steps: those that follow each other in one instant, such as empty ones, are passed in one. */
export function advanceSteps(before: readonly StepStatus[], view: StepsView): Progress {
  let steps = before;
  const done: Omit<Progress, 'steps' | 'current'> = {
    actions: [],
    left: 0,
    lookAgainAt: undefined,
  };
  for (const [i, rules] of view.rules.entries()) {
    const was = steps[i];
    if (was === undefined || was.phase === 'Passed') continue;
    const look = new StepLook(view, i, rules, was);
    const is = look.take();
    if (is !== was) steps = steps.with(i, is);
    done.actions.push(...look.actions);
    done.lookAgainAt = look.lookAgainAt;
    if (is.phase !== 'Passed') return { steps, current: i, ...done };
  }
  return { steps, current: undefined, ...done };
}

class StepLook {
  readonly actions: Action[] = [];
  lookAgainAt: number | undefined;
  private readonly view: StepsView;
  private readonly step: number;
  private readonly rules: StepRules;
  private status: StepStatus;

  constructor(view: StepsView, step: number, rules: StepRules, status: StepStatus) {
    this.view = view;
    this.step = step;
    this.rules = rules;
    this.status = status;
  }

  take(): StepStatus {
    this.count();
    const { phase } = this.status;
    if (phase === 'Failed' || phase === 'Cancelled' || this.hasFailed()) return this.status;
    const { stopped } = this.view;
    if (stopped === undefined) this.goOn();
    else this.giveUp(stopped);
    return this.status;
  }

  /** Nothing of it goes on once its nodes have ended; one that was never begun stays as it is. */
  private giveUp(why: string): void {
    if (this.status.phase === 'Pending' || this.view.tally(this.step).inFlight > 0) this.say(why);
    else this.enter('Cancelled', why);
  }

  private goOn(): void {
    const { size, soakSeconds } = this.rules;
    const { phase } = this.status;
    if (size === 0) return this.enter('Passed', 'no node is in it');
    if (this.status.finished < size) {
      if (phase === 'Pending' && !this.view.tally(this.step).untouched) this.enter('Running');
      return undefined;
    }
    const isAtEnd = phase === 'Pending' || phase === 'Running';
    if (isAtEnd && soakSeconds > 0) this.enter('Soaking', `soaks for ${spoken(soakSeconds)}`);
    if (this.status.phase === 'Soaking' && this.soaks()) return undefined;
    if (this.isChecked()) this.enter('Passed');
  }

  /** Whether all checks have passed. */
  private isChecked(): boolean {
    if (this.status.phase === 'Failed') return false;
    if (this.rules.checks.length === 0) return true;
    if (this.status.phase !== 'Checking') this.enter('Checking');
    return this.lookAtChecks({ began: this.since(), over: true }) === 'passed';
  }

  private lookAtChecks(soak: { began: number; over: boolean }): 'passed' | 'failed' | undefined {
    const { statuses, actions, lookAgainAt, verdict, waitsFor } = this.view.checks(
      this.step,
      this.status.checks,
      soak,
    );
    this.actions.push(...actions);
    this.look(lookAgainAt);
    if (statuses !== this.status.checks) this.status = { ...this.status, checks: [...statuses] };
    if (verdict?.to === 'failed') this.enter('Failed', verdict.message);
    else if (soak.over && verdict === undefined) this.say(waitsFor ?? 'waits for its checks');
    return verdict?.to;
  }

  private since(): number {
    return Date.parse(this.status.since ?? '') || this.view.now;
  }

  /** Whether the soak goes on; a node that is not Ready at its end is waited for until that is decided. */
  private soaks(): boolean {
    const { view, step, rules } = this;
    const began = this.since();
    const { away, actions, lookAgainAt } = view.watch(step, began);
    this.actions.push(...actions);
    this.look(lookAgainAt);
    this.count();
    if (this.hasFailed()) return false;
    if (rules.checks.length > 0 && this.lookAtChecks({ began, over: false }) === 'failed') return false;
    const until = began + rules.soakSeconds * 1000;
    this.look(until);
    const isOver = view.now >= until;
    const text = isOver ? 'the soak is over' : `soaks for ${spoken(rules.soakSeconds)}`;
    this.say(away.length === 0 ? text : `${text}; not Ready: ${someNodes(away)}`);
    return !isOver || away.length > 0;
  }

  private hasFailed(): boolean {
    const { failed, nodes } = this.status;
    const { maxFailures } = this.rules;
    if (failed <= maxFailures) return false;
    const { lost } = this.view.tally(this.step);
    const away = lost.length === 0 ? '' : `, not Ready during the soak: ${someNodes(lost)}`;
    this.enter('Failed', `${failed} of ${nodes} nodes failed, ${maxFailures} tolerated${away}`);
    return true;
  }

  private count(): void {
    const { finished, failed } = this.view.tally(this.step);
    if (this.status.finished === finished && this.status.failed === failed) return;
    this.status = { ...this.status, finished, failed };
  }

  private enter(phase: StepStatus['phase'], message?: string): void {
    const { message: _, ...rest } = this.status;
    const since = stampUp(this.view.now);
    this.status = { ...rest, phase, since, ...(message !== undefined && { message }) };
  }

  private say(message: string): void {
    if (this.status.message !== message) this.status = { ...this.status, message };
  }

  private look(at: number | undefined): void {
    if (at !== undefined && at > this.view.now) this.lookAgainAt = Math.min(this.lookAgainAt ?? Infinity, at);
  }
}
