import type { IncomingHttpHeaders } from 'node:http';

/** A webhook as it came in. */
export interface Delivery {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What was pushed: the names (or URLs) the host has for the repository, and the branches. */
export interface Push {
  repository: (string | undefined)[];
  branches: string[];
  /** There are more branches than were looked at. */
  isCut?: boolean;
}

/** How one kind of Git host signs its webhooks and what they look like. */
export interface Provider {
  /** Whether the holder of the secret sent it; `now` in epoch milliseconds bounds replays, where the host signs a time. */
  verify(delivery: Delivery, secret: string, now: number): boolean;
  /** The push it tells of; undefined when it tells of something else, a ping for example. */
  push(payload: unknown, headers: IncomingHttpHeaders): Push | undefined;
}

/** A signed time may be this far from ours. */
const WINDOW_MS = 5 * 60_000;

/** Whether a time in epoch seconds, as hosts write it into a header, is close enough to now. */
export function isRecent(seconds: string | undefined, now: number): boolean {
  return (
    seconds !== undefined && /^\d{1,12}$/.test(seconds) && Math.abs(Number(seconds) * 1000 - now) <= WINDOW_MS
  );
}

/** The one value of a header. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `main` of `refs/heads/main`; nothing for tags and the like. */
export function branchOf(ref: string | undefined): string[] {
  const name = /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1];
  return name === undefined ? [] : [name];
}
