import { DecoratorHandler, type Dispatcher, request } from 'undici';
import type { KubeList, KubeObject } from '../api/kubernetes.ts';
import type { Clock } from '../core/ports.ts';
import { systemClock } from '../time/clock.ts';
import { ApiError, errorOf, isApiError } from './api-error.ts';
import { Connections } from './connections.ts';
import { Fence } from './fence.ts';
import { loadKubeconfig } from './kubeconfig.ts';
import { collectionPath, objectPath, type Resource } from './resources.ts';

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

/**
 * A small typed client over kept-alive connections. Configuration and credentials come from the
 * official client's `KubeConfig`; requests are plain, since its generated calls open a connection each
 * and copy every object.
 */
export class KubeClient {
  private readonly timeoutMs: number;
  private readonly connections: Connections;
  private readonly server: string;
  private readonly mayWrite: () => boolean;
  private readonly fence: Fence;
  private readonly onAnswer: (verb: string, code: number) => void;
  private readonly clock: Clock;
  /** Until when something may come of a request that was not answered. */
  private comesUntil = 0;
  private closed = false;

  constructor(options: KubeClientOptions = {}) {
    const { kubeconfig, context, clock = systemClock, timeoutMs = 30_000, dispatcher } = options;
    const { config, server } = loadKubeconfig(kubeconfig, context);
    this.server = server;
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    const most = options.connections ?? 64;
    this.connections = new Connections(config, { most, timeoutMs, clock, dispatcher });
    this.mayWrite = options.mayWrite ?? (() => true);
    this.fence = new Fence(clock, options.leaseLeft);
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
    const kind = options.idleMs === undefined ? 'requests' : 'streams';
    const { headers, dispatcher } = await this.connections
      .get(kind, options.signal)
      .catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new ApiError(0, { message: `no credentials: ${reason}` }, undefined, { cause });
      });
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
    if (response.statusCode === 401) this.connections.refused();
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
    await this.connections.close();
  }
}

function queryText(query: RequestOptions['query'] = {}): string {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string | number] => pair[1] !== undefined,
  );
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
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
