import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { sessionId } from './sessions.ts';
import type { Caller } from './viewer.ts';

/** An answer other than what was asked for. */
export class Refusal extends Error {
  readonly code: number;
  readonly headers: Record<string, string>;

  constructor(code: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

export interface Asked extends Caller {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  isSecure: boolean;
}

export function sessionOf({ headers, isSecure }: Asked): string | undefined {
  return sessionId(headers.cookie, isSecure);
}

/** Names of runs and nodes are shorter, as are words that people look for. */
const LONGEST = 4096;

export function param(url: URL, name: string): string | undefined {
  const value = url.searchParams.get(name) ?? '';
  if (value.length > LONGEST) throw new Refusal(400, `${name} is too long`);
  return value === '' ? undefined : value;
}

export function needed(url: URL, name: string): string {
  const value = param(url, name);
  if (value === undefined) throw new Refusal(400, `needs ${name}=`);
  return value;
}

/** Whether another page's script asks: browsers say where a request comes from. */
export function isForeign({ headers }: Asked): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.host;
}

export const PASSED_ON =
  'this came by way of a proxy, behind which others than on this machine may be: http.page.auth says who may look';

/** Nobody but a proxy says for whom a call is. */
export function isPassedOn(headers: IncomingHttpHeaders): boolean {
  return headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
}
