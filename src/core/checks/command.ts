import type { CheckStatus } from '../../api/checks.ts';
import type { PodFacts } from '../rollout/facts.ts';
import { podReason, waitingReason } from '../rollout/words.ts';
import { spoken } from '../text/table.ts';
import { type CheckAction, checkActionKey } from './actions.ts';
import type { CheckView } from './evaluation.ts';
import { type Answer, type CheckFacts, isAsking, parseTry, type Try, tryKey } from './try.ts';

type Asked = { answer: Answer } | { actions: CheckAction[]; lookAgainAt?: number };

/**
 * One try of a command: a pod that is made at most once. Its number is on record first; one that was on record when this process
 * began, and has no pod, may have had one, so it counts as lost.
 */
export function commandTry(view: CheckView, status: CheckStatus, current: Try): Asked {
  const pod = view.facts.pods.get(tryKey(current));
  return pod === undefined ? withoutPod(view, status, current) : withPod(view, pod, current);
}

function withoutPod(view: CheckView, status: CheckStatus, current: Try): Asked {
  const { facts, found, persisted, check, now } = view;
  const key = tryKey(current);
  if (facts.seen.has(key) || isAsking(found, current.number)) {
    if (!facts.gone.has(key)) return lookUp(current, 'its pod is not there');
    return { answer: { passed: false, seen: 'its pod is lost' } };
  }
  if (!isAsking(persisted, current.number)) return { actions: [] };
  const ask: CheckAction = {
    type: 'ask-check',
    ...current,
    reason: `try ${status.attempt} of a check by command`,
  };
  const refusedSince = view.refusedSince(checkActionKey(ask));
  if (refusedSince === undefined) return { actions: [ask] };
  const until = refusedSince + check.timeoutSeconds * 1000;
  if (now < until) return { actions: [ask], lookAgainAt: until };
  const why = view.troubles.get(checkActionKey(ask));
  return { answer: { passed: false, seen: `its pod is refused${why === undefined ? '' : `: ${why}`}` } };
}

function withPod({ facts, check, now }: CheckView, pod: PodFacts, current: Try): Asked {
  if (pod.state === 'succeeded') return { answer: { passed: true, seen: `exit code 0${said(pod)}` } };
  if (pod.state === 'failed') return { answer: { passed: false, seen: podReason(pod) } };
  const until = pod.createdAt + check.timeoutSeconds * 1000;
  if (now < until) return { actions: [], lookAgainAt: until };
  // No verdict by time-out on anything older than the time-out.
  if ((facts.readAt.get(tryKey(current)) ?? -Infinity) < until)
    return lookUp(current, 'its time is over: how does its pod stand?');
  const waits = waitingReason(pod);
  const text = `did not end within ${spoken(check.timeoutSeconds)}`;
  return { answer: { passed: false, seen: waits === undefined ? text : `${text}: ${waits}` } };
}

/** It may still do something. */
export function isUnended({ state, deleting }: Pick<PodFacts, 'state' | 'deleting'>): boolean {
  return !deleting && (state === 'waiting' || state === 'running');
}

function said({ message = '' }: PodFacts): string {
  return message.trim() === '' ? '' : `: ${message}`;
}

function lookUp(current: Try, reason: string): Asked {
  return { actions: [{ type: 'look-up-check', ...current, reason }] };
}

/** How a check stands, by its step and its own index. */
type StatusOf = (it: Try) => CheckStatus | undefined;

/**
 * What is left of tries that are over: pods that still run go at once, those that have ended once their verdict is on record.
 * Of a try that is still under way in a step that is not (`isOpen`) there will be no verdict: nothing is waited for.
 */
export function leftovers(
  facts: CheckFacts,
  { isOpen, current, recorded }: { isOpen: (it: Try) => boolean; current: StatusOf; recorded: StatusOf },
): CheckAction[] {
  return [...facts.pods].flatMap(([key, { name, uid, state, deleting }]): CheckAction[] => {
    const it = parseTry(key);
    if (it === undefined || deleting) return [];
    const isUnderWay = isAsking(current(it), it.number);
    if (isUnderWay && isOpen(it)) return [];
    const hasEnded = !isUnended({ state, deleting });
    if (hasEnded && !isUnderWay && isAsking(recorded(it), it.number)) return [];
    return [{ type: 'delete-check-pod', ...it, name, uid, reason: 'its try is over' }];
  });
}
