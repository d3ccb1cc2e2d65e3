import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Trouble, Weather } from './weather.ts';

/** So long a connection stays on which nothing comes any more. */
const HALF_OPEN_MS = 30_000;

/** An HTTP server's stand-in: it passes requests on and does to them what the weather says. */
export class HttpLink {
  readonly #target: string;
  readonly #weather: Weather;
  readonly #server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing));
  /** Answers under way: watches, above all. */
  readonly #open = new Set<Answering>();

  constructor(target: string, weather: Weather) {
    this.#target = target;
    this.#weather = weather;
    weather.onChange = () => this.#strike();
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    incoming.on('error', () => outgoing.destroy());
    const trouble = this.#weather.draw();
    switch (trouble) {
      case 'throttled':
      case 'error':
        return this.#refuse(trouble, incoming, outgoing);
      case 'cut':
        return void incoming.destroy();
      case 'slow':
        setTimeout(() => this.#pass(incoming, outgoing), this.#weather.random.between(100, 4_000));
        return;
      case 'half-open':
        // Half of them are carried out.
        if (this.#weather.random.chance(0.5)) this.#pass(incoming, outgoing, trouble);
        return holdsOpen(outgoing);
      case 'answer lost':
      case 'truncated':
      case undefined:
        return this.#pass(incoming, outgoing, trouble);
    }
  }

  #refuse(trouble: Trouble, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { random } = this.#weather;
    incoming.resume();
    const code = trouble === 'throttled' ? 429 : random.pick([500, 502, 503, 504]);
    if (code === 429) outgoing.setHeader('retry-after', random.between(1, 4));
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: 'chaos' };
    outgoing.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse, trouble?: Trouble): void {
    if (outgoing.destroyed) return;
    const { method, headers, url = '' } = incoming;
    const forward = request(`${this.#target}${url}`, { method, headers, agent: false }, (answer) =>
      this.#answer(answer, outgoing, trouble),
    );
    forward.on('error', () => {
      if (trouble !== 'half-open') outgoing.destroy();
    });
    outgoing.on('close', () => forward.destroy());
    incoming.pipe(forward);
  }

  #answer(answer: IncomingMessage, outgoing: ServerResponse, trouble: Trouble | undefined): void {
    answer.on('error', () => outgoing.destroy());
    if (trouble === 'half-open') return void answer.resume();
    if (trouble === 'answer lost') {
      answer.resume();
      return void outgoing.destroy();
    }
    const answering = { answer, outgoing };
    this.#open.add(answering);
    outgoing.on('close', () => this.#open.delete(answering));
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    outgoing.flushHeaders();
    if (trouble === 'truncated') truncate(answering);
    else answer.pipe(outgoing);
  }

  #strike(): void {
    for (const answering of this.#open) {
      const trouble = this.#weather.draw();
      if (trouble === 'cut' || trouble === 'answer lost') answering.outgoing.destroy();
      if (trouble === 'truncated') truncate(answering);
      if (trouble !== 'half-open') continue;
      answering.answer.unpipe(answering.outgoing).resume();
      holdsOpen(answering.outgoing);
    }
  }
}

interface Answering {
  answer: IncomingMessage;
  outgoing: ServerResponse;
}

/** Half of what comes next is passed on, and then it breaks. */
function truncate({ answer, outgoing }: Answering): void {
  answer.unpipe(outgoing);
  answer.once('data', (chunk: Buffer) => {
    outgoing.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => outgoing.destroy());
    answer.resume();
  });
  answer.once('end', () => outgoing.destroy());
}

function holdsOpen(outgoing: ServerResponse): void {
  const end = setTimeout(() => outgoing.destroy(), HALF_OPEN_MS);
  outgoing.on('close', () => clearTimeout(end));
}
