import type { Check, CheckStatus } from '../../api/checks.ts';
import type { PodFacts } from '../rollout/facts.ts';

/** How one try ended, and what was seen. */
export interface Answer {
  passed: boolean;
  seen: string;
}

/** Sends the request of a check by http or prometheus. It rejects only when the signal says that nobody waits any more. */
export type Asker = (check: Check, signal: AbortSignal) => Promise<Answer>;

/** What is observed of the tries of all checks of one rollout, by `tryKey`. Times are on the steady clock. */
export interface CheckFacts {
  /** What requests were answered, as far as this process has sent them. */
  answers: ReadonlyMap<string, Answer>;
  /** The pods of commands that there are. */
  pods: ReadonlyMap<string, PodFacts>;
  /** Of which tries this process has seen a pod, whether or not it is still there. */
  seen: ReadonlySet<string>;
  /** Of which tries the API server itself said that there is no pod. */
  gone: ReadonlySet<string>;
  /** When the API server itself was last asked for the pod of a try. */
  readAt: ReadonlyMap<string, number>;
}

/** Of a rollout without checks. */
export const NO_CHECKS: CheckFacts = {
  answers: new Map(),
  pods: new Map(),
  seen: new Set(),
  gone: new Set(),
  readAt: new Map(),
};

/** One try of one check: both by their index, the try by its number. */
export interface Try {
  step: number;
  check: number;
  number: number;
}

export function tryKey({ step, check, number }: Try): string {
  return `${step}.${check}.${number}`;
}

export function parseTry(key: string): Try | undefined {
  const [, step, check, number] = /^(\d{1,6})\.(\d{1,6})\.(\d{1,9})$/.exec(key) ?? [];
  return step === undefined
    ? undefined
    : { step: Number(step), check: Number(check), number: Number(number) };
}

/** Whether a try of that number is under way, by what is on record. */
export function isAsking(status: CheckStatus | undefined, number: number): boolean {
  return status?.phase === 'Asking' && status.tries === number;
}
