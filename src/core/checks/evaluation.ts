import type { Check, CheckStatus } from '../../api/checks.ts';
import { stampUp } from '../rollout/node-status.ts';
import { hasEnded } from '../rollout/phases/phase.ts';
import type { CheckAction } from './actions.ts';
import { commandTry } from './command.ts';
import { type Answer, type CheckFacts, parseTry, type Try, tryKey } from './try.ts';
import { checkName, seenText } from './words.ts';

/** From the end of a try to the next one of the same evaluation. */
const BETWEEN_TRIES_MS = 5000;
/** So many evaluations that fail in a row end a soak: one may be a hiccup. */
const ENDS_SOAK = 2;
/** A pod that is asked to end keeps the next try waiting: for its grace period, and what a slow kubelet adds. Its node may be gone. */
const LINGERS_MS = 60_000;

/** One check as one look sees it. */
export interface CheckView {
  check: Check;
  /** Index of the step, and of the check in it. */
  step: number;
  index: number;
  /** As decided last; undefined before the first look. */
  status: CheckStatus | undefined;
  /** As the API server has it. */
  persisted: CheckStatus | undefined;
  /** As this process found it: a try under way there was begun by another one. */
  found: CheckStatus | undefined;
  facts: CheckFacts;
  /** By `checkActionKey`: since when the API server has refused an action each time it was asked. */
  refusedSince: (key: string) => number | undefined;
  /** By `checkActionKey`: why an action keeps failing. */
  troubles: ReadonlyMap<string, string>;
  now: number;
}

/** What a look at a check leads to. It has a verdict when its phase is `Passed` or `Failed`. */
export interface CheckStep {
  status: CheckStatus;
  actions: CheckAction[];
  lookAgainAt?: number | undefined;
}

/**
 * One look during the soak, which began at `began`: a check with an interval is evaluated again and again, the first time once
 * an interval is over. `Failed` ends the soak; one without an interval waits.
 */
export function duringSoak(view: CheckView, began: number): CheckStep {
  const status = view.status ?? initial(view);
  const { intervalSeconds } = view.check;
  if (isOver(status) || intervalSeconds === undefined) return { status, actions: [] };
  if (isOpen(status)) return goOn(view, status);
  const from = status.tries === 0 ? began : Date.parse(status.changedAt);
  return beginAt(view, status, from + intervalSeconds * 1000);
}

/** One look after the soak: one evaluation that begins now, once one that began during the soak is over. */
export function afterSoak(view: CheckView): CheckStep {
  const status = view.status ?? initial(view);
  if (isOver(status)) return { status, actions: [] };
  if (isOpen(status)) {
    const step = goOn(view, status);
    if (status.afterSoak === true || isOpen(step.status) || isOver(step.status)) return step;
    return afterSoak({ ...view, status: step.status });
  }
  return beginAt(view, status, view.now, { afterSoak: true });
}

function initial({ check, index, now }: CheckView): CheckStatus {
  return {
    name: checkName(check, index),
    phase: 'Waiting',
    tries: 0,
    attempt: 0,
    changedAt: stampUp(now),
  };
}

const isOver = ({ phase }: CheckStatus) => phase === 'Passed' || phase === 'Failed';

/** In the middle of an evaluation. */
const isOpen = ({ attempt, phase }: CheckStatus) =>
  attempt > 0 && (phase === 'Asking' || phase === 'Waiting');

function goOn(view: CheckView, status: CheckStatus): CheckStep {
  if (status.phase === 'Waiting') {
    return beginAt(view, status, Date.parse(status.changedAt) + BETWEEN_TRIES_MS);
  }
  const current: Try = { step: view.step, check: view.index, number: status.tries };
  const asked = view.check.command ? commandTry(view, status, current) : requestTry(view, status, current);
  return 'answer' in asked ? answered(view, status, asked.answer) : { status, ...asked };
}

/** The next try, once its time has come. Its number is on record before anything of a command is made. */
function beginAt(
  view: CheckView,
  status: CheckStatus,
  at: number,
  marks: Partial<CheckStatus> = {},
): CheckStep {
  if (view.now < at) return { status, actions: [], lookAgainAt: at };
  const until = Date.parse(status.changedAt) + LINGERS_MS;
  if (lingers(view) && view.now < until) return { status, actions: [], lookAgainAt: until };
  const next: CheckStatus = {
    ...status,
    ...marks,
    phase: 'Asking',
    tries: status.tries + 1,
    attempt: status.attempt + 1,
    changedAt: stampUp(view.now),
  };
  return goOn(view, next);
}

/** A pod of a try before still runs. */
function lingers({ facts, step, index }: CheckView): boolean {
  return [...facts.pods].some(([key, pod]) => {
    const it = parseTry(key);
    return it?.step === step && it.check === index && !hasEnded(pod);
  });
}

/** A request may be sent again after a restart: it changes nothing where it goes to. */
function requestTry(
  { facts, check }: CheckView,
  { attempt }: CheckStatus,
  current: Try,
): { answer: Answer } | { actions: CheckAction[] } {
  const answer = facts.answers.get(tryKey(current));
  if (answer !== undefined) return { answer };
  const reason = `try ${attempt} of a check by ${check.http ? 'http' : 'prometheus'}`;
  return { actions: [{ type: 'ask-check', ...current, reason }] };
}

function answered(view: CheckView, status: CheckStatus, { passed, seen }: Answer): CheckStep {
  const { check, now } = view;
  const { attempt, failures = 0, afterSoak: isLast = false } = status;
  const message = seenText(seen);
  const next = { ...status, changedAt: stampUp(now), message };
  if (passed) {
    const { failures: _, ...rest } = next;
    return { status: { ...rest, phase: isLast ? 'Passed' : 'Waiting', attempt: 0 }, actions: [] };
  }
  if (attempt < check.attempts) {
    const again: CheckStatus = { ...next, phase: 'Waiting' };
    return { status: again, actions: [], lookAgainAt: Date.parse(again.changedAt) + BETWEEN_TRIES_MS };
  }
  const isFinal = isLast || failures + 1 >= ENDS_SOAK;
  const failed: CheckStatus = {
    ...next,
    phase: isFinal ? 'Failed' : 'Waiting',
    attempt: 0,
    failures: failures + 1,
  };
  return { status: failed, actions: [] };
}
