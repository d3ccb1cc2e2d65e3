import { readFile } from 'node:fs/promises';
import { isSafeUrl } from '../api/feedback.ts';
import type { NotifyTarget } from '../api/notify.ts';
import { durationMs } from '../api/schema.ts';
import { addressFlaw } from '../api/web-address.ts';
import type { Clock } from '../core/ports.ts';
import { flat } from '../core/text/output.ts';
import { MAX_RETRY_AFTER_MS } from '../time/backoff.ts';
import { readHeaders, withoutSecrets } from './credentials.ts';
import { send } from './send.ts';

/** What became of a message. Nothing in `reason` is a secret: neither the address nor the headers. */
export type Delivery =
  | { ok: true; status: number }
  | {
      ok: false;
      reason: string;
      /** It is refused for what it says, and would be each time. */
      isRefused: boolean;
      retryAfterMs?: number | undefined;
    };

type Webhook = Pick<NotifyTarget, 'url' | 'urlFile' | 'headersFile' | 'timeout'>;

/** What is wrong with the message itself. Other refusals are mended by other people, in the address or at the receiver. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const SHOWN = 300;
const MAX_URL_FILE = 4096;

/**
 * Posts JSON, once. Address and headers are read each time, so that new ones are taken at once. Never rejects, unless `signal` says
 * that nobody waits for it any more.
 */
export async function post(
  target: Webhook,
  body: string,
  clock: Clock,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Delivery> {
  let url: string;
  let headers: Record<string, string>;
  try {
    url = await addressOf(target);
    headers = target.headersFile === undefined ? {} : await readHeaders(target.headersFile);
    if (Object.keys(headers).length > 0 && !isSafeUrl(url))
      throw new Error('the address is not https: the headers would be readable on their way');
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
  const secret = target.urlFile === undefined ? undefined : url;
  const received = await send(
    {
      url,
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      timeoutMs: durationMs(target.timeout),
      throughProxy: env['NODE_USE_ENV_PROXY'] === '1',
    },
    clock,
    signal,
  );
  if ('problem' in received) return failed(withoutSecrets(received.problem, headers, secret));
  const { status, text, retryAfter } = received;
  if (status >= 200 && status < 300) return { ok: true, status };
  const isRedirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  const said = flat(withoutSecrets(text, headers, secret)).slice(0, SHOWN);
  return {
    ok: false,
    reason: `status ${status}${isRedirect}${said === '' ? '' : `: ${said}`}`,
    isRefused: REFUSED.has(status),
    retryAfterMs: waitOf(retryAfter, clock.wall()),
  };
}

function failed(reason: string): Delivery {
  return { ok: false, reason, isRefused: false };
}

/** Throws with words that do not show it. */
async function addressOf({ url, urlFile }: Webhook): Promise<string> {
  if (urlFile === undefined) return url ?? '';
  const text = (await readFile(urlFile, 'utf8')).trim();
  if (text.length > MAX_URL_FILE || addressFlaw(text) !== undefined) {
    throw new Error(`${urlFile} does not hold the address of a web server, on one line`);
  }
  if (!isSafeUrl(text))
    throw new Error(
      `the address in ${urlFile} is not https: it would be readable on its way, and it is a secret`,
    );
  return text;
}

/** Seconds or a date (RFC 9110), within reason. */
function waitOf(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
