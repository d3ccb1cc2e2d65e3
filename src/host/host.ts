import type { Provider } from '../api/feedback.ts';
import { systemClock } from '../time/clock.ts';
import { MAX_RETRY_AFTER_MS } from '../time/backoff.ts';

/** What the agent says about one commit; `context` tells it apart from what others say. */
export interface CommitStatus {
  context: string;
  state: 'pending' | 'running' | 'success' | 'failure' | 'error' | 'cancelled';
  /** At most 140 characters, the least any host takes. */
  description: string;
  targetUrl: string;
}

export interface Comment {
  id: number;
  body: string;
}

/** A Git host's REST API, as far as feedback needs it. Every method may throw HostError. */
export interface Host {
  /** The newest status of that context; undefined when there is none. */
  status: (commit: string, context: string) => Promise<CommitStatus | undefined>;
  setStatus: (commit: string, status: CommitStatus) => Promise<void>;
  /** Number of the pull request that brought a commit; undefined when none did. */
  pullRequestOf: (commit: string) => Promise<number | undefined>;
  /** The oldest comment of ours that begins with `marker`. */
  findComment: (pullRequest: number, marker: string) => Promise<Comment | undefined>;
  addComment: (pullRequest: number, body: string) => Promise<void>;
  editComment: (pullRequest: number, id: number, body: string) => Promise<void>;
}

export interface HostAccess {
  provider: Provider;
  /** Without a slash at its end. */
  apiUrl: string;
  /** `<owner>/<name>`; on GitLab a path of any depth, or the project's number. */
  project: string;
  token: string;
}

/** A refusal, or no answer at all (`status` 0). Never holds the token. */
export class HostError extends Error {
  readonly status: number;
  /** What the host asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the thing spoken of is not there or not acceptable, so that asking again cannot help. */
  get permanent(): boolean {
    return [400, 404, 409, 410, 422].includes(this.status);
  }
}

const TIMEOUT_MS = 30_000;

/**
 * `fetch` with a bound on time, and the whole answer or none: clients take one that breaks off for an empty
 * one. Redirects are refused, since they would carry the token elsewhere.
 */
export async function hostFetch(
  url: string | URL,
  init: RequestInit,
  signal?: AbortSignal,
): Promise<Response> {
  const timeout = new AbortController();
  const cancel = systemClock.after(TIMEOUT_MS, () =>
    timeout.abort(new Error(`nothing for ${TIMEOUT_MS / 1000} s`)),
  );
  const signals = [timeout.signal, signal, init.signal].filter(
    (it): it is AbortSignal => it instanceof AbortSignal,
  );
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.any(signals) });
    const { status, statusText, headers } = response;
    const text = await response.text();
    return new Response(text === '' ? null : text, { status, statusText, headers });
  } catch (cause) {
    throw new HostError(0, `no answer from ${new URL(url).host}: ${reasonOf(cause)}`, undefined, { cause });
  } finally {
    cancel();
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/**
 * An answer other than 2xx, with the wait it asks for: `Retry-After` (RFC 9110: seconds or a date), else the
 * end of the used-up window: `X-RateLimit-Reset` of GitHub and Gitea, `RateLimit-Reset` of GitLab, in epoch
 * seconds.
 */
export function refusal(
  status: number,
  header: (name: string) => string | undefined,
  message: string,
  now: number = systemClock.wall(),
): HostError {
  const retryAfter = header('retry-after');
  if (retryAfter !== undefined) {
    const seconds = Number(retryAfter);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - now;
    return new HostError(
      Number.isNaN(ms) ? status : asLimit(status),
      message,
      Number.isNaN(ms) ? undefined : bounded(ms),
    );
  }
  const left = header('x-ratelimit-remaining') ?? header('ratelimit-remaining');
  const reset = Number(header('x-ratelimit-reset') ?? header('ratelimit-reset'));
  if (left === '0' && Number.isFinite(reset)) {
    return new HostError(asLimit(status), message, bounded(Math.max(1000, reset * 1000 - now)));
  }
  return new HostError(status, message);
}

/** A host whose clock is off, or that asks for a day, is asked again all the same. */
function bounded(ms: number): number {
  return Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS);
}

/** GitHub answers 403 to both a missing right and too many requests; only the latter asks to wait. */
function asLimit(status: number): number {
  return status === 403 ? 429 : status;
}
