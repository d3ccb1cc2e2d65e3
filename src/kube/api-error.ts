import type { Dispatcher } from 'undici';
import type { KubeStatus } from '../api/kubernetes.ts';
import { MAX_RETRY_AFTER_MS } from '../time/backoff.ts';

/** An answer of the API server other than 2xx, or no answer at all (`code` 0). */
export class ApiError extends Error {
  readonly code: number;
  readonly status: KubeStatus;
  /** What the server asked to wait, in milliseconds; never more than some minutes. */
  readonly retryAfterMs: number | undefined;
  /** It may have taken effect all the same: it was sent, and the answer was lost on its way. */
  readonly mayHaveTakenEffect: boolean;
  /** Until when what it was to make may come yet, on the steady clock; undefined when it can come no more, or has come. */
  readonly mayComeUntil: number | undefined;

  constructor(
    code: number,
    status: KubeStatus,
    retryAfterMs?: number,
    options: ErrorOptions & { wasSent?: boolean; mayComeUntil?: number | undefined } = {},
  ) {
    super(status.message ?? `the API server answered ${code}`, options);
    this.mayHaveTakenEffect = options.wasSent === true || code === 502 || code === 504;
    this.mayComeUntil = options.mayComeUntil;
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export function isApiError(error: unknown, ...codes: number[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** No answer, or one that says to come again: the server is away, overloaded, or what was asked about has changed meanwhile. */
const COME_AGAIN: ReadonlySet<number> = new Set([0, 408, 409, 429, 502, 503, 504]);

/** Whether the API server has said that it will not, rather than that it cannot now. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && !COME_AGAIN.has(error.code);
}

/** Whether it will not have what was asked for: a server that fails within, or whose webhook is away, may take it later. */
export function isForGood(error: unknown): boolean {
  return isRefusal(error) && (error as ApiError).code < 500;
}

/** @param mayComeUntil as of the error */
export async function errorOf(
  response: Dispatcher.ResponseData,
  mayComeUntil: number | undefined,
): Promise<ApiError> {
  const text = await response.body.text();
  let status: KubeStatus;
  try {
    status = JSON.parse(text) as KubeStatus;
  } catch {
    status = { message: text.slice(0, 500) };
  }
  const header = Number(response.headers['retry-after']);
  const seconds = Number.isFinite(header) ? header : (status.details?.retryAfterSeconds ?? 0);
  // Whoever names no time, or none at all, leaves it to the caller: nobody wants to be asked without a pause.
  return new ApiError(
    response.statusCode,
    status,
    seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined,
    { mayComeUntil },
  );
}
