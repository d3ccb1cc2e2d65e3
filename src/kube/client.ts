import { KubeConfig } from '@kubernetes/client-node';
import { Agent, DecoratorHandler, type Dispatcher, request } from 'undici';
import type { KubeList, KubeObject, KubeStatus } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { MAX_RETRY_AFTER_MS } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { Fence } from './fence.ts';
import { collectionPath, objectPath, type Resource } from './resources.ts';

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

export interface KubeClientOptions {
  /** A kubeconfig file; without one: in-cluster credentials, else the user's default. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
  /** Parallel connections to the API server. */
  connections?: number;
  timeoutMs?: number;
  clock?: Clock;
  /** Carries requests to the server in place of connections of its own; it ends with this client. */
  dispatcher?: Dispatcher | undefined;
  /** Asked before every request that writes; false refuses it. */
  mayWrite?: (() => boolean) | undefined;
  /** Milliseconds until another agent may write; what is made takes effect before that, or not at all. */
  leaseLeft?: (() => number) | undefined;
  /** Told of every answer; code 0 is none. `verb` is the request's method, or WATCH. */
  onAnswer?: ((verb: string, code: number) => void) | undefined;
}

interface RequestOptions {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

/** Errors of a request for which there was no connection. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Credentials are worked out anew after this long, so that rotated tokens and certificates are seen. */
const CREDENTIALS_MS = 30_000;

/**
 * A small typed client over kept-alive connections. Configuration and credentials come from the
 * official client's `KubeConfig`; requests are plain, since its generated calls open a connection each
 * and copy every object.
 */
export class KubeClient {
  private readonly config = new KubeConfig();
  private readonly timeoutMs: number;
  private readonly connections: number;
  private readonly server: string;
  private credentials: { headers: Record<string, string>; until: number } | undefined;
  private dispatchers: { key: string; requests: Dispatcher; streams: Dispatcher } | undefined;
  /** Those of earlier certificates too, while a request uses them. */
  private readonly kept = new Set<Dispatcher>();
  private readonly mayWrite: () => boolean;
  private readonly fence: Fence;
  private readonly onAnswer: (verb: string, code: number) => void;
  private readonly clock: Clock;
  private readonly dispatcher: Dispatcher | undefined;
  /** Until when something may come of a request that was not answered. */
  private comesUntil = 0;
  private closed = false;

  constructor(options: KubeClientOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.dispatcher = options.dispatcher;
    if (this.dispatcher) this.kept.add(this.dispatcher);
    if (options.kubeconfig === undefined) this.config.loadFromDefault();
    else this.config.loadFromFile(options.kubeconfig);
    if (options.context !== undefined) this.config.setCurrentContext(options.context);
    const { server, skipTLSVerify } = this.config.getCurrentCluster() ?? {};
    if (server === undefined) throw new Error(noCluster(this.config));
    if (options.kubeconfig === undefined && server === NOTHING_FOUND) throw new Error(NOWHERE);
    if (server.startsWith('http:') && skipTLSVerify !== true) throw new Error(plainHttp(server));
    this.server = server.replace(/\/$/, '');
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.connections = options.connections ?? 64;
    this.mayWrite = options.mayWrite ?? (() => true);
    this.fence = new Fence(this.clock, options.leaseLeft);
    this.onAnswer = options.onAnswer ?? (() => {});
  }

  async list<T extends KubeObject>(
    resource: Resource,
    query: Record<string, string | number | undefined> = {},
    namespace?: string,
    signal?: AbortSignal,
  ): Promise<KubeList<T>> {
    const path = collectionPath(resource, namespace);
    return (await this.request('GET', path, { query, ...(signal ? { signal } : {}) })) as KubeList<T>;
  }

  /** The object, or undefined when there is none. */
  async get<T extends KubeObject>(
    resource: Resource,
    name: string,
    namespace?: string,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    try {
      const path = objectPath(resource, name, namespace);
      return (await this.request('GET', path, signal ? { signal } : {})) as T;
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  /** `dryRun`: what would be stored is answered, with defaults and without unknown fields, and nothing is stored. */
  async create<T extends KubeObject>(
    resource: Resource,
    body: T,
    namespace?: string,
    { dryRun = false }: { dryRun?: boolean } = {},
  ): Promise<T> {
    const query = { dryRun: dryRun ? 'All' : undefined };
    return (await this.request('POST', collectionPath(resource, namespace), { body, query })) as T;
  }

  /** JSON merge patch (RFC 7386), optionally of a subresource. */
  async patch<T extends KubeObject>(
    resource: Resource,
    name: string,
    body: object,
    options: { namespace?: string | undefined; subresource?: string } = {},
  ): Promise<T> {
    const base = objectPath(resource, name, options.namespace);
    const path = options.subresource === undefined ? base : `${base}/${options.subresource}`;
    return (await this.request('PATCH', path, { body, contentType: 'application/merge-patch+json' })) as T;
  }

  /** Deletes that very object; nothing happens when it is gone already. */
  async delete(resource: Resource, name: string, namespace: string, options: object): Promise<void> {
    try {
      await this.request('DELETE', objectPath(resource, name, namespace), { body: options });
    } catch (error) {
      if (!isApiError(error, 404, 409)) throw error;
    }
  }

  async request(method: Dispatcher.HttpMethod, path: string, options: RequestOptions = {}): Promise<unknown> {
    const body = await this.open(method, path, options);
    const text = await body.text().catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError(0, { message: `the API server's answer broke off: ${reason}` }, undefined, {
        cause,
        wasSent: true,
      });
    });
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      const message = `what answered ${path} speaks no JSON, so it is no API server: a proxy, or a login page?`;
      throw new ApiError(0, { message }, undefined, { cause, wasSent: true });
    }
  }

  async text(path: string, query: Record<string, string | number | undefined>): Promise<string> {
    return (await this.open('GET', path, { query })).text();
  }

  /**
   * The response's body as a stream, after its status was found good. With `idleMs` it is one that stays
   * open, and may be silent for that long.
   */
  async open(
    method: Dispatcher.HttpMethod,
    path: string,
    options: RequestOptions & { idleMs?: number } = {},
  ): Promise<Dispatcher.ResponseData['body']> {
    const { headers, dispatchers } = await this.bounded(this.authorize(), options.signal).catch(
      (cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new ApiError(0, { message: `no credentials: ${reason}` }, undefined, { cause });
      },
    );
    const dispatcher = options.idleMs === undefined ? dispatchers.requests : dispatchers.streams;
    if (this.closed) throw new ApiError(0, { message: 'the client is closed' });
    if (method !== 'GET' && !this.mayWrite()) {
      throw notTheLeader();
    }
    const verb = options.query?.['watch'] === undefined ? method : 'WATCH';
    const bound = method === 'POST' ? this.fence.bound(path) : undefined;
    const query = { ...options.query, ...(bound !== undefined && { timeout: `${bound.ms}ms` }) };
    let sentAt = this.clock.steady();
    const mayGo = () => {
      sentAt = this.clock.steady();
      return this.mayWrite() && this.fence.holds(bound);
    };
    const unanswered = () => (method === 'POST' ? this.comes(this.fence.over(bound, sentAt)) : undefined);
    let response: Dispatcher.ResponseData;
    try {
      response = await request(`${this.server}${path}${queryText(query)}`, {
        method,
        dispatcher: method === 'GET' ? dispatcher : dispatcher.compose(unlessLost(mayGo)),
        headers: {
          ...headers,
          accept: 'application/json',
          'content-type': options.contentType ?? 'application/json',
        },
        headersTimeout: this.timeoutMs,
        bodyTimeout: options.idleMs ?? this.timeoutMs,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.signal ? { signal: options.signal } : {}),
      });
    } catch (cause) {
      this.onAnswer(verb, 0);
      if (cause instanceof ApiError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const wasSent = !NOT_SENT.has((cause as { code?: unknown } | undefined)?.code);
      const message = `no answer from the API server: ${reason}`;
      throw new ApiError(0, { message }, undefined, {
        cause,
        wasSent,
        mayComeUntil: wasSent ? unanswered() : undefined,
      });
    }
    this.onAnswer(verb, response.statusCode);
    if (response.statusCode < 300) {
      if (method === 'POST') this.fence.made(path, this.clock.steady() - sentAt);
      return response.body;
    }
    if (response.statusCode === 401) this.credentials = undefined;
    if (response.statusCode === 504) this.fence.gaveUp(bound, path);
    const isPassedOn = response.statusCode === 502 || response.statusCode === 504;
    throw await errorOf(response, isPassedOn ? unanswered() : undefined);
  }

  private comes(until: number): number {
    this.comesUntil = Math.max(this.comesUntil, until);
    return until;
  }

  /** Whether something that was asked for, and not answered, may yet be made. */
  get isOwed(): boolean {
    return this.comesUntil > this.clock.steady();
  }

  /** Ends every request under way and refuses further ones. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.kept].map((one) => one.destroy()));
  }

  /** What works the credentials out may be a program or another server, and neither ends when it should. */
  private async bounded<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    const over = Promise.withResolvers<never>();
    const stop = () => over.reject(new Error('the request was given up'));
    const cancel = this.clock.after(this.timeoutMs, () => over.reject(new Error('they took too long')));
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      return await Promise.race([work, over.promise]);
    } finally {
      cancel();
      signal?.removeEventListener('abort', stop);
    }
  }

  private async authorize() {
    if (this.credentials && this.dispatchers && this.clock.steady() < this.credentials.until) {
      return { headers: this.credentials.headers, dispatchers: this.dispatchers };
    }
    const headers: Record<string, string> = {};
    const https: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
    await this.config.applyToHTTPSOptions(https);
    for (const [key, value] of Object.entries(https.headers ?? {})) headers[key] = String(value);
    if (https.auth) headers['authorization'] = `Basic ${Buffer.from(String(https.auth)).toString('base64')}`;
    const { ca, cert, key, rejectUnauthorized, servername } = https;
    const connect = { ca, cert, key, rejectUnauthorized, servername };
    this.credentials = { headers, until: this.clock.steady() + CREDENTIALS_MS };
    return { headers, dispatchers: this.dispatchersFor(connect) };
  }

  /**
   * Connections are kept for as long as the certificates stay the same. A watch keeps a connection for
   * itself, so watches have their own: many of them must not use up those of the requests.
   */
  private dispatchersFor(connect: object) {
    if (this.dispatcher) {
      this.dispatchers = { key: '', requests: this.dispatcher, streams: this.dispatcher };
      return this.dispatchers;
    }
    const key = JSON.stringify(connect);
    if (this.dispatchers?.key === key) return this.dispatchers;
    for (const one of this.kept) void one.close().then(() => this.kept.delete(one));
    const known = Object.fromEntries(Object.entries(connect).filter(([, value]) => value !== undefined));
    const options = { connect: { ...known, keepAlive: true } };
    const requests = new Agent({ ...options, connections: this.connections });
    const streams = new Agent(options);
    this.kept.add(requests).add(streams);
    this.dispatchers = { key, requests, streams };
    return this.dispatchers;
  }
}

/** Names of the contexts of a kubeconfig file, or of the user's default. Throws when it cannot be read. */
export function contextNames(kubeconfig?: string): string[] {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  return config.getContexts().map(({ name }) => name);
}

/** What the official client makes up when there is no configuration at all: nothing of ours listens there. */
const NOTHING_FOUND = 'http://localhost:8080';
const NOWHERE = '$KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod of a cluster';

function plainHttp(server: string): string {
  return `its server ${server} speaks plain HTTP, which is taken only with "insecure-skip-tls-verify: true" beside it`;
}

function noCluster(config: KubeConfig): string {
  const known = config.getContexts().map(({ name }) => name);
  if (known.length === 0) return 'the kubeconfig names no cluster';
  return `the kubeconfig has no context "${config.getCurrentContext()}" with a cluster; it has ${known.join(', ')}`;
}

function queryText(query: RequestOptions['query'] = {}): string {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string | number] => pair[1] !== undefined,
  );
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

async function errorOf(
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

function notTheLeader(): ApiError {
  return new ApiError(0, { message: 'not the leader any more: nothing is written' });
}

/**
 * Asks once more at the moment a write goes to its connection: it may have waited for a free one for longer than this agent has
 * led, and what it makes would come beside what the next leader does.
 */
function unlessLost(mayWrite: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => dispatch(options, new Guarded(handler, mayWrite));
}

/** Its methods are missing in the types. */
const BASE = DecoratorHandler.prototype as Dispatcher.DispatchHandler;

class Guarded extends DecoratorHandler {
  readonly #mayWrite: () => boolean;

  constructor(handler: Dispatcher.DispatchHandler, mayWrite: () => boolean) {
    super(handler);
    this.#mayWrite = mayWrite;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    if (!this.#mayWrite()) throw notTheLeader();
    BASE.onRequestStart?.call(this, controller, context);
  }
}
