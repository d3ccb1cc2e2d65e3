import type { CheckStatus } from '../../api/checks.ts';
import type { PodFacts } from '../rollout/facts.ts';
import { hasEnded } from '../rollout/phases/phase.ts';
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
  const { facts, found, persisted } = view;
  const key = tryKey(current);
  if (facts.seen.has(key) || isAsking(found, current.number)) {
    if (!facts.gone.has(key)) return lookUp(view, current, 'its pod is not there');
    return { answer: { passed: false, seen: 'its pod is lost' } };
  }
  if (!isAsking(persisted, current.number)) return { actions: [] };
  const ask: CheckAction = {
    type: 'ask-check',
    ...current,
    reason: `try ${status.attempt} of a check by command`,
  };
  return unlessRefused(view, ask, 'its pod is refused');
}

/** What the API server refuses has failed once the time of the try is over. */
function unlessRefused({ check, now, ...view }: CheckView, action: CheckAction, text: string): Asked {
  const key = checkActionKey(action);
  const since = view.refusedSince(key);
  if (since === undefined) return { actions: [action] };
  const until = since + check.timeoutSeconds * 1000;
  if (now < until) return { actions: [action], lookAgainAt: until };
  const why = view.troubles.get(key);
  return { answer: { passed: false, seen: why === undefined ? text : `${text}: ${why}` } };
}

function withPod(view: CheckView, pod: PodFacts, current: Try): Asked {
  const { facts, check, now } = view;
  if (pod.state === 'succeeded') return { answer: { passed: true, seen: `exit code 0${said(pod)}` } };
  if (pod.state === 'failed') return { answer: { passed: false, seen: podReason(pod) } };
  const until = pod.createdAt + check.timeoutSeconds * 1000;
  if (now < until) return { actions: [], lookAgainAt: until };
  // No verdict by time-out on anything older than the time-out.
  if ((facts.readAt.get(tryKey(current)) ?? -Infinity) < until)
    return lookUp(view, current, 'its time is over: how does its pod stand?');
  const waits = waitingReason(pod);
  const text = `did not end within ${spoken(check.timeoutSeconds)}`;
  return { answer: { passed: false, seen: waits === undefined ? text : `${text}: ${waits}` } };
}

function said({ message = '' }: PodFacts): string {
  return message.trim() === '' ? '' : `: ${message}`;
}

function lookUp(view: CheckView, current: Try, reason: string): Asked {
  return unlessRefused(view, { type: 'look-up-check', ...current, reason }, 'its pod may not be read');
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
  return [...facts.pods].flatMap(([key, pod]): CheckAction[] => {
    const { name, uid } = pod;
    const it = parseTry(key);
    if (it === undefined || pod.deleting) return [];
    const isUnderWay = isAsking(current(it), it.number);
    if (isUnderWay && isOpen(it)) return [];
    if (hasEnded(pod) && !isUnderWay && isAsking(recorded(it), it.number)) return [];
    return [{ type: 'delete-check-pod', ...it, name, uid, reason: 'its try is over' }];
  });
}
