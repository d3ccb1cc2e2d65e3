import { Agent, request } from 'undici';
import { addressFlaw, originOf } from '../api/web-address.ts';
import type { Clock } from '../core/ports.ts';
import { spoken } from '../core/text/table.ts';

/** One request whose address was found good and allowed. */
export interface Sent {
  url: string;
  method: 'GET' | 'HEAD';
  /** Sent with the first request alone, never after a redirect. */
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** A redirect with this status is an answer like any other. */
  expected?: number;
}

export type Received = { status: number; text: string } | { problem: string };

const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The whole answer, or why there is none. Never rejects, unless `signal` says that nobody waits for it any more. */
export async function send(sent: Sent, clock: Clock, signal: AbortSignal): Promise<Received> {
  const timeout = new AbortController();
  const cancel = clock.after(sent.timeoutMs, () => timeout.abort());
  // Connections of its own: nothing of a request is left for the next one, and no proxy of the environment is in between.
  const dispatcher = new Agent({
    allowH2: false,
    maxRedirections: 0,
    maxHeaderSize: 64 * 1024,
  } as Agent.Options);
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

async function follow(sent: Sent, dispatcher: Agent, signal: AbortSignal): Promise<Received> {
  let { url, headers } = sent;
  for (let hops = 0; ; hops += 1) {
    const answer = await request(url, {
      method: sent.method,
      headers: { accept: '*/*', 'user-agent': 'nodeop-agent', ...headers },
      dispatcher,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const { statusCode: status, body } = answer;
    const location = answer.headers['location'];
    const isRedirect = REDIRECTS.has(status) && status !== sent.expected && typeof location === 'string';
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
