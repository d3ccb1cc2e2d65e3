import type { CheckAccess } from '../api/check-access.ts';
import { accessFlaw } from '../api/check-access.ts';
import type { Check } from '../api/checks.ts';
import { evaluate } from '../cel/evaluate.ts';
import type { Result, Variables } from '../cel/values.ts';
import type { Answer, Asker } from '../core/checks/try.ts';
import type { Clock } from '../core/ports.ts';
import { readHeaders, withoutSecrets } from '../web/credentials.ts';
import { valuesOf } from './prometheus.ts';
import { type Received, send, type Sent } from '../web/send.ts';

/** So much of an answer is shown; it is cut to its bound later, once it is masked. */
const SHOWN = 1000;

/** What a check sends, and what is made of the answer. */
interface Asked {
  url: string;
  method: 'GET' | 'HEAD';
  expected?: number;
  judge: (received: { status: number; text: string }) => Promise<Answer>;
}

/** Sends the requests of checks, where the configuration lets them go. */
export function requestAsker(access: CheckAccess, clock: Clock): Asker {
  const evaluation = (expression: string, variables: Variables) => evaluate(expression, variables, clock);
  return async (check, signal) => {
    const asked = askedBy(check, evaluation);
    if (asked === undefined) return { passed: false, seen: 'it sends no request' };
    const flaw = accessFlaw({ url: asked.url, credentials: check.credentials }, access);
    if (flaw !== undefined) return { passed: false, seen: flaw.message };
    let headers: Record<string, string> = {};
    try {
      const known = access.credentials.find(({ name }) => name === check.credentials);
      if (known) headers = await readHeaders(known.headersFile);
    } catch (error) {
      return { passed: false, seen: `the credentials cannot be read: ${textOf(error)}` };
    }
    const { url, method, expected } = asked;
    const sent: Sent = { url, method, headers, timeoutMs: check.timeoutSeconds * 1000 };
    const received = await send(expected === undefined ? sent : { ...sent, expected }, clock, signal);
    const answer = await judged(received, asked);
    // Cut first, it could end in half of a secret.
    return { ...answer, seen: withoutSecrets(answer.seen, headers).slice(0, SHOWN) };
  };
}

async function judged(received: Received, asked: Asked): Promise<Answer> {
  return 'problem' in received ? { passed: false, seen: received.problem } : asked.judge(received);
}

type Evaluation = (expression: string, variables: Variables) => Promise<Result>;

function askedBy({ http, prometheus }: Check, evaluation: Evaluation): Asked | undefined {
  if (http) {
    const { url, method, expect } = http;
    const judge = (received: { status: number; text: string }) => judgeHttp(expect, received, evaluation);
    return { url, method, expected: expect.status, judge };
  }
  if (!prometheus) return undefined;
  const { url, query, expression } = prometheus;
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/$/, '')}/api/v1/query`;
  address.search = new URLSearchParams({ query }).toString();
  const judge = async (received: { status: number; text: string }): Promise<Answer> => {
    const values = valuesOf(received);
    if ('problem' in values) return { passed: false, seen: values.problem };
    const { result } = values;
    const seen = `result is [${result.slice(0, 10).join(', ')}${result.length > 10 ? ', …' : ''}]`;
    return verdict(await evaluation(expression, { result: { value: result } }), seen);
  };
  return { url: address.href, method: 'GET', judge };
}

async function judgeHttp(
  expect: NonNullable<Check['http']>['expect'],
  { status, text }: { status: number; text: string },
  evaluation: Evaluation,
): Promise<Answer> {
  const body = text.trim() === '' ? '' : `: ${text}`;
  if (status !== expect.status) {
    return { passed: false, seen: `status ${status}, expected ${expect.status}${body}` };
  }
  const { expression } = expect;
  if (expression === undefined) return { passed: true, seen: `status ${status}` };
  const variables = {
    status: { json: String(status) },
    body: { json: isJson(text) ? text : JSON.stringify(text) },
  };
  return verdict(await evaluation(expression, variables), `status ${status}${body}`);
}

function verdict(result: Result, seen: string): Answer {
  if ('problem' in result) return { passed: false, seen: `the expression ${result.problem}; ${seen}` };
  return result.value ? { passed: true, seen } : { passed: false, seen: `the expression is false; ${seen}` };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
