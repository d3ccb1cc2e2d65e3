import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../core/ports.ts';

/** Credentials are worked out anew after this long, so that rotated tokens and certificates are seen. */
const CREDENTIALS_MS = 30_000;

export interface ConnectionsOptions {
  /** Parallel connections for requests. */
  most: number;
  /** How long it may take to work the credentials out. */
  timeoutMs: number;
  clock: Clock;
  /** Takes the place of connections of its own. */
  dispatcher: Dispatcher | undefined;
}

/** What a request needs to reach the server. */
export interface Connection {
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

interface Dispatchers {
  /** The certificates they were made for. */
  key: string;
  requests: Dispatcher;
  streams: Dispatcher;
}

/**
 * Credentials and kept-alive connections. The official client opens a connection for each request; these are kept for as long
 * as the certificates stay the same.
 */
export class Connections {
  readonly #config: KubeConfig;
  readonly #options: ConnectionsOptions;
  #credentials: { headers: Record<string, string>; until: number } | undefined;
  #dispatchers: Dispatchers | undefined;
  /** Those of earlier certificates too, while a request uses them. */
  readonly #kept = new Set<Dispatcher>();

  constructor(config: KubeConfig, options: ConnectionsOptions) {
    this.#config = config;
    this.#options = options;
    if (options.dispatcher) this.#kept.add(options.dispatcher);
  }

  /** Rejects when the credentials cannot be worked out in time. `kind`: one that stays open is a stream. */
  async get(kind: 'requests' | 'streams', signal: AbortSignal | undefined): Promise<Connection> {
    const { headers, dispatchers } = await this.#bounded(this.#authorize(), signal);
    return { headers, dispatcher: dispatchers[kind] };
  }

  /** The server does not know the credentials any more: the next request has them worked out anew. */
  refused(): void {
    this.#credentials = undefined;
  }

  /** Ends every request under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#kept].map((one) => one.destroy()));
  }

  async #authorize(): Promise<{ headers: Record<string, string>; dispatchers: Dispatchers }> {
    const { clock } = this.#options;
    if (this.#credentials && this.#dispatchers && clock.steady() < this.#credentials.until) {
      return { headers: this.#credentials.headers, dispatchers: this.#dispatchers };
    }
    const headers: Record<string, string> = {};
    const https: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
    await this.#config.applyToHTTPSOptions(https);
    for (const [key, value] of Object.entries(https.headers ?? {})) headers[key] = String(value);
    if (https.auth) headers['authorization'] = `Basic ${Buffer.from(String(https.auth)).toString('base64')}`;
    const { ca, cert, key, rejectUnauthorized, servername } = https;
    const connect = { ca, cert, key, rejectUnauthorized, servername };
    this.#credentials = { headers, until: clock.steady() + CREDENTIALS_MS };
    this.#dispatchers = this.#dispatchersFor(connect);
    return { headers, dispatchers: this.#dispatchers };
  }

  /** A watch keeps a connection for itself, so watches have their own: many of them must not use up those of the requests. */
  #dispatchersFor(connect: object): Dispatchers {
    const { dispatcher, most } = this.#options;
    if (dispatcher) return { key: '', requests: dispatcher, streams: dispatcher };
    const key = JSON.stringify(connect);
    if (this.#dispatchers?.key === key) return this.#dispatchers;
    for (const one of this.#kept) void one.close().then(() => this.#kept.delete(one));
    const known = Object.fromEntries(Object.entries(connect).filter(([, value]) => value !== undefined));
    const options = { connect: { ...known, keepAlive: true } };
    const requests = new Agent({ ...options, connections: most });
    const streams = new Agent(options);
    this.#kept.add(requests).add(streams);
    return { key, requests, streams };
  }

  /** What works the credentials out may be a program or another server, and neither ends when it should. */
  async #bounded<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const over = Promise.withResolvers<never>();
    const stop = () => over.reject(new Error('the request was given up'));
    const cancel = this.#options.clock.after(this.#options.timeoutMs, () =>
      over.reject(new Error('they took too long')),
    );
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      return await Promise.race([work, over.promise]);
    } finally {
      cancel();
      signal?.removeEventListener('abort', stop);
    }
  }
}
