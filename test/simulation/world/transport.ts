import { Dispatcher, errors } from 'undici';
import type { ApiRequest, ApiResponse } from '../../../src/sim/api/request.ts';
import type { ProcessClock, VirtualTime } from './time.ts';

/** What the network and the API server do to one request. Milliseconds. */
export interface Fate {
  /** Until the server acts on it. */
  there: number;
  /** Until its answer arrives. */
  back: number;
  /** The server never sees it. */
  lost?: boolean;
  /** Whether the server has gone since it was sent. */
  isDropped?: () => boolean;
  /** The connection ends after so long; the server, behind a proxy, goes on. */
  cutAfter?: number;
  /** It took effect, and nobody is told. */
  answerLost?: boolean;
  /** Answered so instead of being served. */
  refused?: { code: number; retryAfter?: number };
  /** Called once it has taken effect. */
  took?: () => void;
}

/** What becomes of one watch. */
export interface WatchFate {
  /** Each event comes so much later. */
  lag: number;
  /** It ends after so long, without a word or with an error. */
  cutAfter?: number;
  /** From then on nothing comes any more, though the connection stays. */
  silentAfter?: number;
}

export interface Wire {
  time: VirtualTime;
  serve: (request: ApiRequest, response: ApiResponse, by: ProcessClock) => Promise<void>;
  /** Told of every request as it is sent. */
  fate: (method: string, path: string, body: string | undefined, by: ProcessClock) => Fate;
  watchFate: (path: string) => WatchFate;
  /** Those that are open now. */
  watches: Set<OpenWatch>;
  /**
   * Ends the requests of processes that are gone, which were told of nothing. For the very end, when no time passes any more:
   * what waits for an answer holds all of its world.
   */
  endings?: (() => void)[];
  /** The server has not done what it was asked for within the time that it was given. */
  onGivenUp?: () => void;
  /** Told of what reaches a process: the answer to a request, or a piece of a watch. */
  onTold?: (path: string, text: string, by: ProcessClock) => void;
  /** Told of every write when it takes effect. */
  onWrite?: (method: string, path: string, code: number) => void;
}

/** What comes over an open watch may change at any time. */
export interface OpenWatch {
  path: string;
  lag: number;
  silent: boolean;
  /** Until then only bookmarks come, of what was told before. */
  heldUntil: number;
  cut: () => void;
}

type Handler = Parameters<Dispatcher['dispatch']>[1];

/**
 * One process' way to the API server: no socket, only virtual time between request and answer. It stands where undici's
 * own dispatchers do, so that the agent's client is used as it is, its time-outs included.
 */
export class WireDispatcher extends Dispatcher {
  readonly #wire: Wire;
  readonly #clock: ProcessClock;
  readonly #open = new Set<Exchange>();
  #destroyed = false;

  constructor(wire: Wire, clock: ProcessClock) {
    super();
    this.#wire = wire;
    this.#clock = clock;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Handler): boolean {
    new Exchange(this.#wire, this.#clock, options, handler, this.#open, this.#destroyed).begin();
    return true;
  }

  override destroy(): Promise<void> {
    this.#destroyed = true;
    for (const exchange of this.#open) exchange.fail(new errors.ClientDestroyedError());
    return Promise.resolve();
  }

  /** The process is gone: the server sees its connections close, and nobody is told of anything. */
  cut(): void {
    this.#destroyed = true;
    for (const exchange of this.#open) exchange.cut();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One request and its answer, or the many pieces of a watch's. */
class Exchange {
  readonly #wire: Wire;
  readonly #clock: ProcessClock;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: Handler;
  readonly #open: Set<Exchange>;
  readonly #destroyed: boolean;
  readonly #isWatch: boolean;
  #over = false;
  #hasStarted = false;
  #cancelTimeout: () => void = () => {};
  #closeServerSide: () => void = () => {};

  constructor(
    wire: Wire,
    clock: ProcessClock,
    options: Dispatcher.DispatchOptions,
    handler: Handler,
    open: Set<Exchange>,
    destroyed: boolean,
  ) {
    this.#wire = wire;
    this.#clock = clock;
    this.#options = options;
    this.#handler = handler;
    this.#open = open;
    this.#destroyed = destroyed;
    this.#isWatch = /[?&]watch=(true|1)/.test(options.path);
  }

  readonly #controller = {
    aborted: false,
    paused: false,
    reason: null as Error | null,
    rawHeaders: null,
    rawTrailers: null,
    abort: (reason: Error) => {
      this.#controller.aborted = true;
      this.#controller.reason = reason;
      this.fail(reason);
    },
    pause: () => {},
    resume: () => {},
  };

  begin(): void {
    const { time } = this.#wire;
    time.activity += 1;
    this.#handler.onRequestStart?.(this.#controller, {});
    if (this.#destroyed) return this.fail(new errors.ClientDestroyedError());
    if (this.#over) return;
    this.#open.add(this);
    this.#bound(this.#options.headersTimeout ?? undefined, () => new errors.HeadersTimeoutError());
    const { method, path, body } = this.#options;
    const fate = this.#inTime(
      this.#wire.fate(method, path, typeof body === 'string' ? body : undefined, this.#clock),
    );
    if (fate.lost === true) return;
    const cut = () => this.fail(new errors.SocketError('other side closed'));
    if (fate.cutAfter !== undefined) this.#clock.after(fate.cutAfter, cut);
    // What is sent arrives whatever becomes of the sender, and is acted on.
    time.after(fate.there, () => void this.#arrive(fate));
  }

  /** What the server holds for longer than it was told to take it gives up. */
  #inTime(fate: Fate): Fate {
    const bound = boundOf(this.#options.path);
    if (fate.there <= bound) return fate;
    this.#wire.onGivenUp?.();
    return { ...fate, there: bound, refused: { code: 504 } };
  }

  async #arrive(fate: Fate): Promise<void> {
    if (fate.isDropped?.() === true) return;
    const { time, serve } = this.#wire;
    const { method, path } = this.#options;
    const answer = new Answer((part) => {
      time.activity += 1;
      if (this.#isWatch) this.#passOnWatch(part);
    });
    this.#closeServerSide = () => answer.close();
    if (fate.refused) answer.refuse(fate.refused.code, fate.refused.retryAfter);
    else await serve(requestOf(this.#options), answer, this.#clock);
    if (method !== 'GET') this.#wire.onWrite?.(method, path, answer.statusCode);
    fate.took?.();
    if (this.#isWatch && answer.statusCode === 200 && !fate.refused) return this.#watchBegins(answer);
    if (fate.answerLost === true) return;
    time.after(fate.back, () => this.#deliver(answer));
  }

  #deliver(answer: Answer): void {
    this.#clock.when(() => {
      if (this.#over) return;
      this.#start(answer);
      if (answer.statusCode === 200) this.#wire.onTold?.(this.#options.path, answer.text, this.#clock);
      this.#handler.onResponseData?.(this.#controller, Buffer.from(answer.text));
      this.#finish();
    });
  }

  #start(answer: Answer): void {
    this.#wire.time.activity += 1;
    this.#hasStarted = true;
    this.#handler.onResponseStart?.(this.#controller, answer.statusCode, answer.headers, '');
  }

  #finish(): void {
    if (this.#over) return;
    this.#close();
    this.#handler.onResponseEnd?.(this.#controller, {});
  }

  #watch: (OpenWatch & { last: number; told: string }) | undefined;

  #watchBegins(answer: Answer): void {
    const { time, watchFate, watches } = this.#wire;
    const fate = watchFate(this.#options.path);
    const { path } = this.#options;
    const watch = {
      path,
      lag: fate.lag,
      silent: false,
      heldUntil: 0,
      last: 0,
      told: '',
      cut: () => this.#cutWatch(),
    };
    this.#watch = watch;
    watches.add(watch);
    time.after(1, () =>
      this.#clock.when(() => {
        if (!this.#over) this.#start(answer);
      }),
    );
    for (const part of answer.parts) this.#passOnWatch(part);
    if (fate.cutAfter !== undefined) time.after(fate.cutAfter, watch.cut);
    if (fate.silentAfter !== undefined) time.after(fate.silentAfter, () => (watch.silent = true));
    this.#boundWatch();
  }

  #cutWatch(): void {
    const error = new errors.SocketError('other side closed');
    // An answer ends well only once it has begun.
    const isError = !this.#hasStarted || this.#wire.time.now % 2 === 0;
    this.#clock.when(() => (isError ? this.fail(error) : this.#finish()));
  }

  /** In order, each after the watch's lag. */
  #passOnWatch(part: Part): void {
    const { time } = this.#wire;
    const watch = this.#watch;
    if (watch === undefined || watch.silent) return;
    const isHeld = time.now < watch.heldUntil;
    if (isHeld && 'text' in part && part.text.startsWith(BOOKMARK))
      return this.#passOnOldBookmark(part.text, watch.told);
    const at = Math.max(watch.last, time.now + 1 + watch.lag, watch.heldUntil);
    watch.last = at;
    time.after(at - time.now, () =>
      this.#clock.when(() => {
        if (this.#over) return;
        if ('end' in part) return this.#finish();
        time.activity += 1;
        this.#boundWatch();
        // No bookmark is ahead of news that is on its way.
        watch.told = VERSION.exec(part.text)?.[0] ?? watch.told;
        this.#wire.onTold?.(this.#options.path, part.text, this.#clock);
        this.#handler.onResponseData?.(this.#controller, Buffer.from(part.text));
      }),
    );
  }

  /** The server's view of what is watched stands still. */
  #passOnOldBookmark(text: string, told: string): void {
    if (told === '') return;
    this.#wire.time.after(1, () =>
      this.#clock.when(() => {
        if (this.#over) return;
        this.#boundWatch();
        this.#handler.onResponseData?.(this.#controller, Buffer.from(text.replace(VERSION, told)));
      }),
    );
  }

  #boundWatch(): void {
    this.#bound(this.#options.bodyTimeout ?? undefined, () => new errors.BodyTimeoutError());
  }

  #bound(ms: number | undefined, error: () => Error): void {
    this.#cancelTimeout();
    this.#cancelTimeout = () => {};
    if (ms !== undefined && ms > 0) this.#cancelTimeout = this.#clock.after(ms, () => this.fail(error()));
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#close();
    this.#handler.onResponseError?.(this.#controller, error);
  }

  cut(): void {
    if (this.#over) return;
    this.#close();
    const gone = new errors.ClientDestroyedError();
    this.#wire.endings?.push(() => this.#handler.onResponseError?.(this.#controller, gone));
  }

  #close(): void {
    this.#wire.time.activity += 1;
    this.#over = true;
    this.#cancelTimeout();
    this.#open.delete(this);
    if (this.#watch) this.#wire.watches.delete(this.#watch);
    this.#closeServerSide();
  }
}

/** API servers take any duration of Go; the agent writes milliseconds. */
const BOUND = /[?&]timeout=(\d+)ms/;

/** How long the server may take for a request, in milliseconds. */
export function boundOf(path: string): number {
  return Number(BOUND.exec(path)?.[1] ?? Infinity);
}
const BOOKMARK = '{"type":"BOOKMARK"';
const VERSION = /"resourceVersion":"\d+"/;

/** A piece of text, or the end. */
type Part = { text: string } | { end: true };

function requestOf({ method, path, headers, body }: Dispatcher.DispatchOptions): ApiRequest {
  const lower = Object.fromEntries(
    Object.entries((headers ?? {}) as Record<string, string>).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const chunks = body === undefined || body === null ? [] : [Buffer.from(body as string)];
  return {
    method,
    url: path,
    headers: lower,
    [Symbol.asyncIterator]: async function* pieces() {
      yield* chunks;
    },
  };
}

/** Where the API server writes its answer to. */
class Answer implements ApiResponse {
  statusCode = 200;
  headersSent = false;
  readonly headers: Record<string, string> = {};
  readonly parts: Part[] = [];
  readonly #onPart: (part: Part) => void;
  readonly #onClose: (() => void)[] = [];

  constructor(onPart: (part: Part) => void) {
    this.#onPart = onPart;
  }

  get text(): string {
    return this.parts.map((part) => ('text' in part ? part.text : '')).join('');
  }

  refuse(code: number, retryAfter: number | undefined): void {
    if (retryAfter !== undefined) this.setHeader('retry-after', retryAfter);
    const details = retryAfter === undefined ? {} : { details: { retryAfterSeconds: retryAfter } };
    const body = { kind: 'Status', status: 'Failure', code, message: `refused with ${code}`, ...details };
    this.writeHead(code, { 'content-type': 'application/json' });
    this.end(JSON.stringify(body));
  }

  setHeader(name: string, value: string | number): void {
    this.headers[name.toLowerCase()] = String(value);
  }

  getHeader(name: string): string | undefined {
    return this.headers[name.toLowerCase()];
  }

  writeHead(code: number, headers: Record<string, string | number> = {}): void {
    this.statusCode = code;
    this.headersSent = true;
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
  }

  flushHeaders(): void {}

  write(piece: string): void {
    this.#add({ text: piece });
  }

  end(piece?: string): void {
    if (piece !== undefined && piece !== '') this.write(piece);
    this.#add({ end: true });
    this.close();
  }

  #add(part: Part): void {
    this.parts.push(part);
    this.#onPart(part);
  }

  on(_event: 'close', listener: () => void): void {
    this.#onClose.push(listener);
  }

  close(): void {
    for (const listener of this.#onClose.splice(0)) listener();
  }
}
