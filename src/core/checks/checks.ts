import type { Check, CheckStatus } from '../../api/checks.ts';
import type { CheckAction } from './actions.ts';
import { afterSoak, type CheckStep, type CheckView, duringSoak } from './evaluation.ts';
import type { CheckFacts } from './try.ts';
import { failureText } from './words.ts';

/** All checks of one step as one look sees them. The lists are in the order of the spec. */
export interface ChecksView {
  checks: readonly Check[];
  /** Index of the step. */
  step: number;
  /** As decided last; undefined before the first look. */
  statuses: readonly CheckStatus[] | undefined;
  /** As the API server has them. */
  persisted: readonly CheckStatus[] | undefined;
  /** As this process found them when it began with the rollout. */
  found: readonly CheckStatus[] | undefined;
  facts: CheckFacts;
  refusedSince: CheckView['refusedSince'];
  troubles: CheckView['troubles'];
  now: number;
}

/** What a look leads to: a verdict once one check has failed, or after the soak all have passed. */
export interface ChecksStep {
  statuses: readonly CheckStatus[];
  actions: CheckAction[];
  lookAgainAt: number | undefined;
  verdict: { to: 'passed' } | { to: 'failed'; message: string } | undefined;
  /** For people: the checks that have not passed yet. */
  waitsFor: string | undefined;
}

/**
 * One look at the checks of a step, whose soak began at `soak.began` and is over or not. Statuses that do not change keep their
 * identity, and so does the list of them.
 */
export function lookAtChecks(view: ChecksView, soak: { began: number; over: boolean }): ChecksStep {
  const steps = view.checks.map((check, index): CheckStep => {
    const { step, facts, refusedSince, troubles, now } = view;
    const [status, persisted, found] = [view.statuses, view.persisted, view.found].map((it) => it?.[index]);
    const one = { check, step, index, status, persisted, found, facts, refusedSince, troubles, now };
    return soak.over ? afterSoak(one) : duringSoak(one, soak.began);
  });
  const statuses = steps.map(({ status }) => status);
  const before = view.statuses ?? [];
  const isSame = before.length === statuses.length && statuses.every((it, i) => it === before[i]);
  const times = steps.map(({ lookAgainAt }) => lookAgainAt).filter((at) => at !== undefined);
  return {
    statuses: isSame ? before : statuses,
    actions: steps.flatMap(({ actions }) => actions),
    lookAgainAt: times.length === 0 ? undefined : Math.min(...times),
    verdict: verdictOn(view.checks, statuses),
    waitsFor: waitsFor(statuses),
  };
}

function verdictOn(checks: readonly Check[], statuses: readonly CheckStatus[]): ChecksStep['verdict'] {
  const failures = statuses.flatMap((status, i) => {
    const check = checks[i];
    return check !== undefined && status.phase === 'Failed' ? [failureText(check, status)] : [];
  });
  if (failures.length > 0) return { to: 'failed', message: failures.join('; ') };
  return statuses.every(({ phase }) => phase === 'Passed') ? { to: 'passed' } : undefined;
}

function waitsFor(statuses: readonly CheckStatus[]): string | undefined {
  const open = statuses.filter(({ attempt }) => attempt > 0);
  const texts = open.map(({ name, attempt, message }) => {
    return `check ${name}: try ${attempt}${message === undefined ? '' : `, the one before: ${message}`}`;
  });
  return texts.length === 0 ? undefined : texts.join('; ');
}
