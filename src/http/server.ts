import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { callerOf, plainAddress } from './caller.ts';
import { boundConnections } from './connections.ts';

export interface HttpRequest {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Address of the caller: where the connection came from, or what trusted proxies say. */
  remote: string;
}

/** Text is sent as it is, anything else as JSON. */
export interface HttpAnswer {
  code: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface Route {
  method: 'GET' | 'POST';
  path: string;
  /** Answers calls that are refused before anybody waits for their body. */
  admit?: (head: Omit<HttpRequest, 'body'>) => HttpAnswer | undefined;
  handle: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
}

export interface HttpServerOptions {
  routes: readonly Route[];
  /** All addresses when absent. */
  host?: string | undefined;
  port: number;
  /** Tells whether a proxy at this address is believed about whom it calls for; none is when absent. */
  isTrustedProxy?: (address: string) => boolean;
  onError: (error: unknown) => void;
  /** Answers whatever is not a route and is its own. */
  site?: HttpSite | undefined;
}

/** Something that answers by itself, and at its own time. */
export interface HttpSite {
  has: (path: string) => boolean;
  /** Never rejects. */
  serve: (
    request: IncomingMessage,
    response: ServerResponse,
    from: { remote: string; isSecure: boolean },
  ) => Promise<void>;
}

/** Larger requests are refused. Hosts send more than this only for pushes of thousands of commits; a poll finds those. */
const MAX_BODY = 1024 * 1024;

const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  /** Node looks for connections that are too slow only so often. */
  connectionsCheckingInterval: 2_000,
};

/** A refusal with its status code; `message` is for the caller. */
class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A small HTTP server over a table of routes. A request is bounded in size and time, and so is their number. */
export class HttpServer {
  private readonly options: HttpServerOptions;
  private readonly server: Server;

  constructor(options: HttpServerOptions) {
    this.options = options;
    this.server = createServer(TIMEOUTS, (request, response) => {
      if (this.isOfSite(request)) return void this.options.site?.serve(request, response, this.from(request));
      void this.answer(request).then(({ code, body, headers = {} }) => {
        const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
        const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
        const close = request.complete ? {} : { connection: 'close' };
        response.writeHead(code, {
          'content-type': type,
          'content-length': Buffer.byteLength(text),
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          ...close,
          ...headers,
        });
        response.end(request.method === 'HEAD' ? undefined : text);
      });
    });
    boundConnections(this.server);
    this.server.on('error', options.onError);
  }

  /** Resolves to the port when it listens; rejects when the address is taken. */
  listen(): Promise<number> {
    const { port, host } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, host }, () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => {
      this.server.close(resolve);
    });
    this.server.closeAllConnections();
    await closed;
  }

  private isOfSite(request: IncomingMessage): boolean {
    const path = pathOf(request);
    const { routes, site } = this.options;
    return site?.has(path) === true && !routes.some((route) => route.path === path);
  }

  /** Whom the call is from, and whether it came by TLS, as far as trusted proxies tell. */
  private from(request: IncomingMessage): { remote: string; isSecure: boolean } {
    const { isTrustedProxy } = this.options;
    const peer = plainAddress(request.socket.remoteAddress ?? '');
    const { 'x-forwarded-for': forwarded, 'x-forwarded-proto': scheme } = request.headers;
    const isSecure = isTrustedProxy?.(peer) === true && scheme === 'https';
    return { remote: callerOf(peer, forwarded, isTrustedProxy), isSecure };
  }

  private async answer(request: IncomingMessage): Promise<HttpAnswer> {
    try {
      const path = pathOf(request);
      const here = this.options.routes.filter((route) => route.path === path);
      if (here.length === 0) throw new Refusal(404, 'there is nothing at this path');
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const route = here.find((one) => one.method === method);
      if (route === undefined) {
        const allow = here.map((one) => one.method).join(', ');
        return { code: 405, body: { error: `use ${allow}` }, headers: { allow } };
      }
      const { headers } = request;
      const from = request.socket.remoteAddress ?? '';
      const remote = callerOf(from, headers['x-forwarded-for'], this.options.isTrustedProxy);
      const refused = route.admit?.({ headers, remote });
      if (refused) return refused;
      const body = await readBody(request);
      return await route.handle({ headers, body, remote });
    } catch (error) {
      if (error instanceof Refusal) return { code: error.code, body: { error: error.message } };
      this.options.onError(error);
      return { code: 500, body: { error: 'something went wrong; the log says what' } };
    }
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?')[0] ?? '/';
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const refusal = new Refusal(413, `a request may have ${MAX_BODY} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw refusal;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw refusal;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
