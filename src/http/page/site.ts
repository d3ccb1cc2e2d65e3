import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type {
  Keyed,
  LogAnswer,
  PageAsset,
  RunDetails,
  RunState,
  SearchAnswer,
  SearchQuery,
  Session,
  View,
  ViewName,
} from '../../api/page.ts';
import { ROLLOUT_PHASES } from '../../api/nodeop.ts';
import type { Sees } from '../../core/page/sees.ts';
import type { Clock } from '../../core/ports.ts';
import { json } from '../../core/text/output.ts';
import type { Auth } from './auth.ts';
import { Channel } from './channel.ts';
import { accepts, Files } from './files.ts';
import { isOwnHost } from './host.ts';
import { Reader, type Standing } from './reader.ts';
import { sessionCookie, sessionId } from './sessions.ts';
import { type Caller, keyOf, type Viewer } from './viewer.ts';

/** What the page shows, for whoever may see it. */
export interface PageSource {
  /** Undefined when there is no such thing. */
  view: (
    name: ViewName,
    asked: { run?: string | undefined; node?: string | undefined },
    sees: Sees,
  ) => Promise<View<unknown, Keyed> | undefined>;
  /** Told of whatever may change a view, until it is called. */
  watch: (onChange: () => void) => () => void;
  search: (query: SearchQuery, sees: Sees) => Promise<SearchAnswer>;
  details: (run: string, sees: Sees) => Promise<RunDetails | undefined>;
  log: (run: string, node: string, sees: Sees) => Promise<LogAnswer | undefined>;
}

export interface SiteOptions {
  assets: () => Promise<readonly PageAsset[]>;
  source: PageSource;
  auth: Auth;
  /** Names it is reached by. */
  hosts: readonly string[];
  clock: Clock;
  version: string;
  onError: (error: unknown) => void;
  /** Told of who signed in, or could not. */
  onSignIn?: (outcome: string, fields: { remote: string; user?: string | undefined }) => void;
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
/** Names of runs and nodes are shorter, as are words that people look for. */
const LONGEST = 4096;
const MAX_BODY = 20 * 1024;
/** Views that are looked at at once; each node and run is one. */
const MOST_CHANNELS = 200;

/** An answer other than what was asked for. */
class Refusal extends Error {
  readonly code: number;
  readonly headers: Record<string, string>;

  constructor(code: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

interface Asked extends Caller {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  isSecure: boolean;
}

/** The page, on whatever server it lies. */
export class Site {
  readonly #options: SiteOptions;
  readonly #encode: (value: unknown) => string;
  readonly #channels = new Map<string, Channel>();
  #files: Promise<Files> | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.#encode = options.encode ?? json;
  }

  /** Whether an address is the page's. */
  readonly has = (path: string): boolean => {
    return PAGES.test(path) || path.startsWith('/page/');
  };

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
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
        return this.#events(asked, await this.#viewer(asked));
      case '/page/search':
        return this.#search(asked, await this.#viewer(asked));
      case '/page/details':
        return this.#details(asked, await this.#viewer(asked));
      case '/page/log':
        return this.#log(asked, await this.#viewer(asked));
      default:
        throw new Refusal(404, 'there is nothing at this path');
    }
  }

  async #viewer(asked: Asked): Promise<Viewer> {
    const viewer = await this.#options.auth.viewer(asked, sessionOf(asked));
    if (viewer === undefined) throw new Refusal(401, 'sign in first');
    if (viewer === 'forbidden') throw new Refusal(403, NOTHING_TO_SEE);
    return viewer;
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
    const { auth } = this.#options;
    if (method === 'GET') {
      const viewer = await auth.viewer(asked, sessionOf(asked));
      const isForbidden = viewer === 'forbidden';
      const session = this.#sessionOf(isForbidden ? undefined : viewer);
      return this.#send(asked.response, 200, { ...session, ...(isForbidden && { problem: NOTHING_TO_SEE }) });
    }
    if (method !== 'POST' && method !== 'DELETE')
      throw new Refusal(405, 'use GET, POST or DELETE', { allow: 'GET, POST, DELETE' });
    if (isForeign(asked)) throw new Refusal(403, 'other pages do not sign anybody in');
    if (method === 'POST') return this.#signIn(asked);
    const id = sessionOf(asked);
    if (id !== undefined) auth.signOut?.(id);
    // Other tabs of the same browser show nothing more either.
    await Promise.all([...this.#channels.values()].map((it) => it.check()));
    const cookie = { 'set-cookie': sessionCookie(undefined, asked.isSecure) };
    return this.#send(asked.response, 200, this.#sessionOf(undefined), cookie);
  }

  async #signIn(asked: Asked): Promise<void> {
    const { auth, onSignIn } = this.#options;
    const { remote, isSecure, response } = asked;
    if (!auth.signIn) throw new Refusal(404, 'nobody signs in here');
    const token = tokenIn(await bodyOf(asked.request));
    const signed = await auth.signIn(token, asked);
    if (signed === 'refused') {
      onSignIn?.('refused', { remote });
      throw new Refusal(401, 'this token is not taken');
    }
    if (signed === 'forbidden') {
      onSignIn?.('may see nothing', { remote });
      throw new Refusal(403, NOTHING_TO_SEE);
    }
    if ('waitSeconds' in signed) {
      onSignIn?.('too many attempts', { remote });
      const retry = { 'retry-after': String(signed.waitSeconds) };
      throw new Refusal(429, `too many attempts; again in ${signed.waitSeconds} s`, retry);
    }
    onSignIn?.('signed in', { remote, user: signed.viewer.user });
    this.#send(response, 200, this.#sessionOf(signed.viewer), {
      'set-cookie': sessionCookie(signed.id, isSecure),
    });
  }

  #sessionOf(viewer: Viewer | undefined): Session {
    const { auth, version } = this.#options;
    const { user, until, sees } = viewer ?? {};
    return {
      auth: auth.kind,
      signedIn: viewer !== undefined,
      ...(user !== undefined && { user }),
      mayReadLogs: sees !== undefined && sees.logs !== 'none',
      ...(until !== undefined && { until }),
      version,
    };
  }

  #events(asked: Asked, viewer: Viewer): void {
    const { url, response, request } = asked;
    const name = param(url, 'view') ?? '';
    const [run, node] = [param(url, 'run'), param(url, 'node')];
    if (!isView(name))
      throw new Refusal(400, `there is no view "${name}"; there are ${[...VIEWS].join(', ')}`);
    if (name === 'run' && run === undefined) throw new Refusal(400, 'the view of a run needs run=');
    if (name === 'node' && node === undefined) throw new Refusal(400, 'the view of a node needs node=');
    const channel = this.#channel(name, { run, node }, viewer);
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

  #channel(
    name: ViewName,
    asked: { run?: string | undefined; node?: string | undefined },
    viewer: Viewer,
  ): Channel {
    const { clock, source, onError } = this.#options;
    const key = JSON.stringify([name, asked.run, asked.node, keyOf(viewer)]);
    const known = this.#channels.get(key);
    if (known) return known;
    if (this.#channels.size >= MOST_CHANNELS) this.#dropIdle();
    const channel = new Channel({
      clock,
      compute: () => source.view(name, asked, viewer.sees),
      watch: (onChange) => source.watch(onChange),
      encode: this.#encode,
      onError,
      onIdle: () => {
        if (this.#channels.get(key) === channel) this.#channels.delete(key);
      },
    });
    this.#channels.set(key, channel);
    return channel;
  }

  #dropIdle(): void {
    for (const [key, channel] of this.#channels) {
      if (channel.readers > 0) continue;
      channel.close();
      this.#channels.delete(key);
    }
    if (this.#channels.size >= MOST_CHANNELS)
      throw new Refusal(503, 'too many things are looked at at once; close some', { 'retry-after': '30' });
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

const NOTHING_TO_SEE =
  'you may see nothing here: that takes the right to list nodeops in the namespace of the agent';

const PASSED_ON =
  'this came by way of a proxy, behind which others than on this machine may be: http.page.auth says who may look';

/** Nobody but a proxy says for whom a call is. */
function isPassedOn(headers: IncomingHttpHeaders): boolean {
  return headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
}

function isView(name: string): name is ViewName {
  return VIEWS.has(name);
}

function isState(state: string): state is RunState {
  return STATES.has(state);
}

function sessionOf({ headers, isSecure }: Asked): string | undefined {
  return sessionId(headers.cookie, isSecure);
}

function param(url: URL, name: string): string | undefined {
  const value = url.searchParams.get(name) ?? '';
  if (value.length > LONGEST) throw new Refusal(400, `${name} is too long`);
  return value === '' ? undefined : value;
}

function needed(url: URL, name: string): string {
  const value = param(url, name);
  if (value === undefined) throw new Refusal(400, `needs ${name}=`);
  return value;
}

/** Whether another page's script asks: browsers say where a request comes from. */
function isForeign({ headers }: Asked): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.host;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  // What a form of another page can send is never this.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'send application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, `a request may have ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tokenIn(body: Buffer): string {
  try {
    const read: unknown = JSON.parse(body.toString());
    const token: unknown = typeof read === 'object' && read !== null ? Reflect.get(read, 'token') : undefined;
    if (typeof token === 'string') return token.trim();
  } catch {
    // Told below.
  }
  throw new Refusal(400, 'send {"token": "…"}');
}
