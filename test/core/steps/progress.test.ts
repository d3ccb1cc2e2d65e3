import { expect, test } from 'vitest';
import type { StepStatus } from '../../../src/api/steps.ts';
import type { ChecksStep } from '../../../src/core/checks/checks.ts';
import {
  advanceSteps,
  type StepsView,
  type StepTally,
  type StepWatch,
  unbegun,
} from '../../../src/core/rollout/steps/progress.ts';
import type { StepRules } from '../../../src/core/rollout/steps/split.ts';

const START = Date.parse('2030-01-01T00:00:00Z');

const rules = (name: string, own: Partial<StepRules> = {}): StepRules => ({
  name,
  size: 2,
  concurrency: Infinity,
  maxFailures: 0,
  soakSeconds: 0,
  soakGraceSeconds: 60,
  checks: [],
  ...own,
});

const NO_CHECKS: ChecksStep = {
  statuses: [],
  actions: [],
  lookAgainAt: undefined,
  verdict: { to: 'passed' },
  waitsFor: undefined,
};

const NONE: StepTally = { finished: 0, inFlight: 0, failed: 0, untouched: true, lost: [] };

/** Steps that are looked at as time goes on. */
class Steps {
  now = START;
  stopped: string | undefined;
  steps: readonly StepStatus[];
  watch: StepWatch = { away: [], actions: [], lookAgainAt: undefined };
  checks: ChecksStep = NO_CHECKS;
  current: number | undefined;
  lookAgainAt: number | undefined;
  private readonly rules: readonly StepRules[];
  private readonly tallies: Map<number, StepTally> = new Map();

  constructor(...all: StepRules[]) {
    this.rules = all;
    this.steps = unbegun(all);
  }

  tally(step: number, finished: number, failed = 0, inFlight = 0): this {
    this.tallies.set(step, { finished, inFlight, failed, untouched: false, lost: [] });
    return this;
  }

  look(seconds = 0): string[] {
    this.now += seconds * 1000;
    const { now, stopped } = this;
    const view: StepsView = {
      rules: this.rules,
      tally: (step) => this.tallies.get(step) ?? NONE,
      watch: () => this.watch,
      checks: () => this.checks,
      stopped,
      now,
    };
    const { steps, current, lookAgainAt } = advanceSteps(this.steps, view);
    Object.assign(this, { steps, current, lookAgainAt });
    return steps.map(({ phase, message }) => (message === undefined ? phase : `${phase}: ${message}`));
  }
}

test('steps follow each other once their nodes are finished', () => {
  const all = new Steps(rules('canary'), rules('rest', { maxFailures: Infinity }));
  expect(all.look()).toEqual(['Pending', 'Pending']);
  expect(all.tally(0, 1).look()).toEqual(['Running', 'Pending']);
  expect(all.tally(0, 2).look()).toEqual(['Passed', 'Pending']);
  expect(all.current).toBe(1);
  expect(all.tally(1, 2, 2).look()).toEqual(['Passed', 'Passed']);
  expect(all.current).toBeUndefined();
});

test('empty steps are passed at once and say so, whatever they ask for', () => {
  const all = new Steps(rules('none', { size: 0, soakSeconds: 60 }), rules('one', { size: 0 }), rules('two'));
  expect(all.look()).toEqual(['Passed: no node is in it', 'Passed: no node is in it', 'Pending']);
});

test('a soak begins with the last node, lasts for its time, and is passed once', () => {
  const all = new Steps(rules('canary', { soakSeconds: 60 }), rules('rest'));
  expect(all.tally(0, 2).look()).toEqual(['Soaking: soaks for 60 s', 'Pending']);
  expect(all.lookAgainAt).toBe(START + 60_000);
  expect(all.look(59)[0]).toBe('Soaking: soaks for 60 s');
  expect(all.look(1)[0]).toBe('Passed');
  // A node that is lost later is of no concern to it.
  expect(all.tally(0, 2, 2).look()[0]).toBe('Passed');
});

test('a look that finds nothing new leaves the very same object', () => {
  const all = new Steps(rules('canary', { soakSeconds: 60 }), rules('rest'));
  all.tally(0, 2).look();
  const { steps } = all;
  all.look(30);
  expect(all.steps).toBe(steps);
});

test.each([
  [0, 1, 'Failed: 1 of 2 nodes failed, 0 tolerated'],
  [1, 1, 'Passed'],
  [1, 2, 'Failed: 2 of 2 nodes failed, 1 tolerated'],
])('of a step that tolerates %i, %i failed: %s', (maxFailures, failed, expected) => {
  const all = new Steps(rules('canary', { maxFailures }), rules('rest'));
  expect(all.tally(0, 2, failed).look()[0]).toBe(expected);
});

test('a step fails at once, while its other nodes are in flight, and stays so', () => {
  const all = new Steps(rules('canary', { size: 3 }), rules('rest'));
  expect(all.tally(0, 1, 1).look()[0]).toMatch(/^Failed/);
  expect(all.tally(0, 3, 0).look()[0]).toMatch(/^Failed/);
  expect(all.steps[0]).toMatchObject({ finished: 3 });
});

test('nodes that are not Ready at the end of a soak are waited for until that is decided', () => {
  const all = new Steps(rules('canary', { soakSeconds: 30 }), rules('rest'));
  all.tally(0, 2).look();
  all.watch = { away: ['node-1'], actions: [], lookAgainAt: START + 70_000 };
  expect(all.look(29)[0]).toBe('Soaking: soaks for 30 s; not Ready: node-1');
  expect(all.look(1)[0]).toBe('Soaking: the soak is over; not Ready: node-1');
  all.watch = { away: [], actions: [], lookAgainAt: undefined };
  expect(all.tally(0, 2, 1).look()[0]).toBe('Failed: 1 of 2 nodes failed, 0 tolerated');
});

test('nothing goes on once the rollout is stopped', () => {
  const all = new Steps(rules('canary', { soakSeconds: 30 }), rules('rest'));
  all.tally(0, 2).look();
  all.stopped = 'Cancelled: somebody wants it so';
  expect(all.look(60)).toEqual(['Cancelled: Cancelled: somebody wants it so', 'Pending']);
});

const withCheck = { checks: [{ name: 'health' }] as unknown as StepRules['checks'] };

test('checks are asked once the soak is over, and have to pass', () => {
  const all = new Steps(rules('canary', withCheck), rules('rest'));
  all.checks = {
    ...NO_CHECKS,
    verdict: undefined,
    waitsFor: 'check health: try 1',
    lookAgainAt: START + 5_000,
  };
  expect(all.tally(0, 2).look()[0]).toBe('Checking: check health: try 1');
  expect(all.lookAgainAt).toBe(START + 5_000);
  all.checks = NO_CHECKS;
  expect(all.look(5)[0]).toBe('Passed');
});

test('a check that fails fails the step, during the soak too', () => {
  const all = new Steps(rules('canary', { ...withCheck, soakSeconds: 60 }), rules('rest'));
  all.checks = { ...NO_CHECKS, verdict: { to: 'failed', message: 'check health failed' } };
  expect(all.tally(0, 2).look()[0]).toBe('Failed: check health failed');
});

test('a step that is stopped goes on for as long as a node of it does, and is given up then', () => {
  const all = new Steps(rules('canary', { size: 2 }), rules('rest'));
  all.tally(0, 0, 0, 1);
  expect(all.look()).toEqual(['Running', 'Pending']);
  all.stopped = 'Cancelled: somebody wants it so';
  expect(all.look()).toEqual(['Running: Cancelled: somebody wants it so', 'Pending']);
  all.tally(0, 1);
  expect(all.look()).toEqual(['Cancelled: Cancelled: somebody wants it so', 'Pending']);
  all.stopped = undefined;
  expect(all.look(), 'for good').toEqual(['Cancelled: Cancelled: somebody wants it so', 'Pending']);
});
