import type { IncomingHttpHeaders } from 'node:http';
import type { Sees } from '../../core/page/sees.ts';

/** Who a token belongs to, as the cluster says. */
export interface User {
  name: string;
  uid?: string | undefined;
  groups: readonly string[];
  extra?: Record<string, readonly string[]> | undefined;
}

/** Somebody who may look, and what they see. */
export interface Viewer {
  user?: string | undefined;
  sees: Sees;
  /** When the session ends, epoch milliseconds. */
  until?: number | undefined;
}

/** What the cluster is asked about people. */
export interface Reviews {
  /** Undefined when the token is none. */
  userOf: (token: string) => Promise<User | undefined>;
  /** Undefined when they may not even list NodeOps of the agent's namespace. */
  seesOf: (user: User) => Promise<Sees | undefined>;
}

/** A request, as far as it tells who makes it. */
export interface Caller {
  headers: IncomingHttpHeaders;
  /** Address of the caller, behind whatever trusted proxies. */
  remote: string;
  /** Address of who is connected. */
  peer: string;
}

/** Undefined: nobody is signed in. 'forbidden': somebody is, and may see nothing. */
export type Verdict = Viewer | 'forbidden' | undefined;

/** Tells readers apart who see different things. */
export function keyOf({ sees }: Viewer): string {
  return `${sees.nodeOps} ${sees.logs}`;
}
