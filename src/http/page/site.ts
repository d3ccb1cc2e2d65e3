import type { IncomingMessage, ServerResponse } from 'node:http';
import { ROLLOUT_PHASES } from '../../api/nodeop.ts';
import type { PageAsset, RunState, ViewName } from '../../api/page.ts';
import type { Clock } from '../../core/ports.ts';
import { json } from '../../core/text/output.ts';
import type { Auth } from './auth.ts';
import { Channels } from './channels.ts';
import { accepts, Files } from './files.ts';
import { isOwnHost } from './host.ts';
import { Reader, type Standing } from './reader.ts';
import {
  type Asked,
  isForeign,
  isPassedOn,
  needed,
  param,
  PASSED_ON,
  Refusal,
  sessionOf,
} from './request.ts';
import { SignIn, type SignInOptions } from './sign-in.ts';
import type { PageSource } from './source.ts';
import { keyOf, type Viewer } from './viewer.ts';

export interface SiteOptions {
  assets: () => Promise<readonly PageAsset[]>;
  source: PageSource;
  auth: Auth;
  /** Names it is reached by. */
  hosts: readonly string[];
  clock: Clock;
  version: string;
  onError: (error: unknown) => void;
  onSignIn?: SignInOptions['onSignIn'];
  /** Makes JSON of what goes out in events. */
  encode?: (value: unknown) => string;
}

/** Nothing but what is served here, and nothing in place; no text becomes markup; nobody puts the page into a frame of theirs. */
const SAFE = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const VIEWS: ReadonlySet<string> = new Set<ViewName>(['runs', 'run', 'node', 'nodes', 'agent']);
const STATES: ReadonlySet<string> = new Set<RunState>(['Waiting', ...ROLLOUT_PHASES, 'Invalid']);
/** The page itself is one file, whichever of its views an address is of. */
const PAGES = /^\/(?:$|runs(?:\/|$)|nodes(?:\/|$)|agent$)/;

/** The page, on whatever server it lies. */
export class Site {
  readonly #options: SiteOptions;
  readonly #encode: (value: unknown) => string;
  readonly #channels: Channels;
  readonly #signIn: SignIn;
  #files: Promise<Files> | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.#encode = options.encode ?? json;
    this.#channels = new Channels(options, this.#encode);
    // Other tabs of the same browser show nothing more either.
    this.#signIn = new SignIn({
      ...options,
      onSignOut: () => void this.#channels.check().catch(options.onError),
    });
  }

  /** Whether an address is the page's. */
  readonly has = (path: string): boolean => {
    return PAGES.test(path) || path.startsWith('/page/');
  };

  close(): void {
    this.#channels.close();
  }

  /** Answers a request of an address that it has. Never rejects. */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    { remote, isSecure }: { remote: string; isSecure: boolean },
  ): Promise<void> {
    for (const [name, value] of Object.entries(SAFE)) response.setHeader(name, value);
    response.setHeader('cache-control', 'no-store');
    try {
      const { headers, socket } = request;
      if (!isOwnHost(headers.host, socket.localAddress, this.#options.hosts))
        throw new Refusal(421, 'this page has another name; http.page.hosts lists those it may have');
      if (this.#options.auth.kind === 'none' && isPassedOn(headers)) throw new Refusal(403, PASSED_ON);
      const url = new URL(request.url ?? '/', 'http://page');
      await this.#route({
        request,
        response,
        headers,
        url,
        remote,
        isSecure,
        peer: socket.remoteAddress ?? '',
      });
    } catch (error) {
      this.#fail(response, error);
    }
  }

  #fail(response: ServerResponse, error: unknown): void {
    // Whoever has gone away is nobody's error.
    if (response.headersSent || response.destroyed) return void response.destroy();
    if (error instanceof Refusal) {
      const close = error.code === 413 ? { connection: 'close' } : {};
      return this.#send(response, error.code, { error: error.message }, { ...error.headers, ...close });
    }
    this.#options.onError(error);
    this.#send(response, 503, { error: 'this cannot be told now; the log of the agent says why' });
  }

  async #route(asked: Asked): Promise<void> {
    const { request, url } = asked;
    const path = url.pathname;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (path === '/page/session') return this.#session(asked, method ?? '');
    if (method !== 'GET') throw new Refusal(405, 'use GET', { allow: 'GET' });
    if (PAGES.test(path)) return this.#file(asked, 'index.html');
    if (path.startsWith('/page/assets/')) return this.#file(asked, path.slice('/page/'.length));
    if (isForeign(asked)) throw new Refusal(403, 'other pages do not get this');
    switch (path) {
      case '/page/events':
        return this.#events(asked, await this.#signIn.viewer(asked));
      case '/page/search':
        return this.#search(asked, await this.#signIn.viewer(asked));
      case '/page/details':
        return this.#details(asked, await this.#signIn.viewer(asked));
      case '/page/log':
        return this.#log(asked, await this.#signIn.viewer(asked));
      default:
        throw new Refusal(404, 'there is nothing at this path');
    }
  }

  async #file({ request, response }: Asked, path: string): Promise<void> {
    this.#files ??= this.#options.assets().then((assets) => new Files(assets));
    const files = await this.#files;
    const { 'accept-encoding': accept, 'if-none-match': known } = request.headers;
    const found = files.get(path, { accept: [accept ?? ''].flat().join(','), known });
    if (!found) throw new Refusal(404, 'there is nothing at this path');
    response.writeHead(found.code, { ...found.headers, 'content-length': found.body.length });
    response.end(request.method === 'HEAD' ? undefined : found.body);
  }

  async #session(asked: Asked, method: string): Promise<void> {
    const { session, headers } = await this.#signIn.answer(asked, method);
    this.#send(asked.response, 200, session, headers);
  }

  #events(asked: Asked, viewer: Viewer): void {
    const { url, response, request } = asked;
    const name = param(url, 'view') ?? '';
    const [run, node] = [param(url, 'run'), param(url, 'node')];
    if (!isView(name))
      throw new Refusal(400, `there is no view "${name}"; there are ${[...VIEWS].join(', ')}`);
    if (name === 'run' && run === undefined) throw new Refusal(400, 'the view of a run needs run=');
    if (name === 'node' && node === undefined) throw new Refusal(400, 'the view of a node needs node=');
    const channel = this.#channels.of(name, { run, node }, viewer);
    const gzip = accepts([request.headers['accept-encoding'] ?? ''].flat().join(','), 'gzip');
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies such as nginx keep events to themselves otherwise.
      'x-accel-buffering': 'no',
      ...(gzip && { 'content-encoding': 'gzip' }),
    });
    if (request.method === 'HEAD') return void response.end();
    response.flushHeaders();
    const reader = new Reader(response, { gzip, standing: () => this.#standing(asked, viewer) });
    response.on('drain', () => channel.drained(reader));
    response.on('close', () => channel.leave(reader));
    channel.join(reader, [request.headers['last-event-id'] ?? ''].flat()[0]);
  }

  /** What the reader may see has to be what it saw when it came. */
  async #standing(asked: Asked, before: Viewer): Promise<Standing> {
    try {
      const now = await this.#options.auth.viewer(asked, sessionOf(asked));
      if (now === undefined) return 'signed-out';
      return now !== 'forbidden' && keyOf(now) === keyOf(before) ? 'same' : 'other';
    } catch (error) {
      this.#options.onError(error);
      return 'same';
    }
  }

  async #search({ url, response }: Asked, { sees }: Viewer): Promise<void> {
    const state = param(url, 'state');
    if (state !== undefined && !isState(state))
      throw new Refusal(400, `there is no state "${state}"; there are ${[...STATES].join(', ')}`);
    const query = { cluster: param(url, 'cluster'), text: param(url, 'text'), person: param(url, 'person') };
    const given = Object.entries({ ...query, cursor: param(url, 'cursor') }).filter(
      ([, it]) => it !== undefined,
    );
    const found = await this.#options.source.search(
      { ...(state !== undefined && { state }), ...Object.fromEntries(given) },
      sees,
    );
    this.#send(response, 200, found);
  }

  async #details({ url, response }: Asked, { sees }: Viewer): Promise<void> {
    const details = await this.#options.source.details(needed(url, 'run'), sees);
    if (!details) throw new Refusal(404, 'there is no such run');
    this.#send(response, 200, details);
  }

  async #log({ url, response }: Asked, { sees }: Viewer): Promise<void> {
    if (sees.logs === 'none')
      throw new Refusal(403, 'you may not read logs: that takes the right to get pods/log');
    const log = await this.#options.source.log(needed(url, 'run'), needed(url, 'node'), sees);
    if (!log)
      throw new Refusal(404, 'there is no log of this node: its pod is gone, and nothing of it is on record');
    this.#send(response, 200, log);
  }

  #send(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
    const text = `${this.#encode(body)}\n`;
    const type = {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    };
    response.writeHead(code, { ...type, ...headers });
    response.end(response.req.method === 'HEAD' ? undefined : text);
  }
}

function isView(name: string): name is ViewName {
  return VIEWS.has(name);
}

function isState(state: string): state is RunState {
  return STATES.has(state);
}
