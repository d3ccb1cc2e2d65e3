import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { addressFlaw, originOf } from '../api/web-address.ts';
import type { Clock } from '../core/ports.ts';
import { spoken } from '../core/text/table.ts';

/** One request whose address was found good and allowed. */
export interface Sent {
  url: string;
  /** What is posted is posted once: no redirect of it is followed, and of the answer its beginning is enough. */
  method: 'GET' | 'HEAD' | 'POST';
  body?: string;
  /** Sent with the first request alone, never after a redirect. */
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** By the proxy that the environment names, if it names one; without it no proxy is in between. */
  throughProxy?: boolean;
  /** A redirect with this status is an answer like any other. */
  expected?: number;
}

/** @property retryAfter the header, if there is one */
export type Received = { status: number; text: string; retryAfter?: string } | { problem: string };

const MAX_BYTES = 1024 * 1024;
/** So much of the answer to what is posted may say what is wrong with it. */
const MAX_POST_BYTES = 4 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The whole answer, or why there is none. Never rejects, unless `signal` says that nobody waits for it any more. */
export async function send(sent: Sent, clock: Clock, signal: AbortSignal): Promise<Received> {
  const timeout = new AbortController();
  const cancel = clock.after(sent.timeoutMs, () => timeout.abort());
  // Connections of its own: nothing of a request is left for the next one.
  const options = { allowH2: false, maxRedirections: 0, maxHeaderSize: 64 * 1024 } as Agent.Options;
  const dispatcher = sent.throughProxy === true ? new EnvHttpProxyAgent(options) : new Agent(options);
  try {
    return await follow(sent, dispatcher, AbortSignal.any([timeout.signal, signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) return { problem: `no whole answer within ${spoken(sent.timeoutMs / 1000)}` };
    return { problem: `no answer from ${originOf(sent.url)}: ${reasonOf(error)}` };
  } finally {
    cancel();
    await dispatcher.destroy();
  }
}

async function follow(sent: Sent, dispatcher: Dispatcher, signal: AbortSignal): Promise<Received> {
  let { url, headers } = sent;
  for (let hops = 0; ; hops += 1) {
    const answer = await request(url, {
      method: sent.method,
      ...(sent.body !== undefined && { body: sent.body }),
      headers: { accept: '*/*', 'user-agent': 'nodeop-agent', ...headers },
      dispatcher,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const { statusCode: status, body } = answer;
    const location = answer.headers['location'];
    const isRedirect = REDIRECTS.has(status) && status !== sent.expected && typeof location === 'string';
    if (sent.method === 'POST') return await beginning(status, body, answer.headers['retry-after']);
    if (!isRedirect) return await read(status, body, answer.headers['content-encoding']);
    body.on('error', () => {}).destroy();
    if (!URL.canParse(location, url)) return { problem: `status ${status} with a redirect that is no URL` };
    const next = new URL(location, url).href;
    const flaw = addressFlaw(next);
    if (flaw !== undefined || originOf(next) !== originOf(sent.url)) {
      return {
        problem: `status ${status}: redirects to elsewhere, ${new URL(next).host}; it is not followed`,
      };
    }
    if (hops === MAX_REDIRECTS) return { problem: `redirects more than ${MAX_REDIRECTS} times` };
    [url, headers] = [next, {}];
  }
}

/** Whatever else it sends, the status says what became of it. */
async function beginning(
  status: number,
  body: Body,
  retryAfter: string | string[] | undefined,
): Promise<Received> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= MAX_POST_BYTES) break;
    }
  } catch {
    // It broke off, or takes for ever.
  }
  body.on('error', () => {}).destroy();
  const text = Buffer.concat(chunks).toString('utf8', 0, MAX_POST_BYTES);
  return { status, text, ...(typeof retryAfter === 'string' && { retryAfter }) };
}

type Body = Awaited<ReturnType<typeof request>>['body'];

async function read(status: number, body: Body, encoding: string | string[] | undefined): Promise<Received> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      body.on('error', () => {}).destroy();
      return { problem: `status ${status}: the answer is larger than 1 MiB` };
    }
    chunks.push(chunk);
  }
  if (size > 0 && encoding !== undefined && encoding !== 'identity') {
    return { problem: `status ${status}: the answer is encoded, which was not asked for` };
  }
  return { status, text: Buffer.concat(chunks).toString('utf8') };
}

/** Names that cannot be looked up, connections that are refused, certificates that are not valid: they say so themselves. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const cause = error.message === '' || error.message === 'fetch failed' ? error.cause : undefined;
  if (cause !== undefined) return reasonOf(cause);
  // After a semicolon Node.js advises how to start it.
  return error.message === '' ? (code ?? error.name) : (error.message.split(';')[0] ?? '');
}
