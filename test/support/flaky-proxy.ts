import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** How often out of 100 each fault happens; all of them are what networks and API servers really do. */
export interface Faults {
  /** The request is answered by 429, 500 or 503 and does not arrive. */
  refused: number;
  /** The connection breaks before the request arrives. */
  cut: number;
  /** The request is carried out, and its answer is lost. */
  answerLost: number;
  /** Of each line of a watch: the stream ends before it, the line comes twice, or the version has expired. */
  watchCut: number;
  watchRepeated: number;
  watchExpired: number;
}

/** A proxy before an API server that does to requests and watches what a bad day does. */
export class FlakyProxy {
  readonly counts: Record<keyof Faults, number> = {
    refused: 0,
    cut: 0,
    answerLost: 0,
    watchCut: 0,
    watchRepeated: 0,
    watchExpired: 0,
  };
  /** Set to undefined to let everything through. */
  faults: Faults | undefined;
  private readonly target: string;
  private readonly server = createServer((incoming, outgoing) => this.serve(incoming, outgoing));
  private readonly random: () => number;

  constructor(target: string, faults: Faults, seed: number) {
    this.target = target;
    this.faults = faults;
    this.random = numbers(seed);
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private happens(fault: keyof Faults): boolean {
    const hit = this.random() * 100 < (this.faults?.[fault] ?? 0);
    if (hit) this.counts[fault] += 1;
    return hit;
  }

  private serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (this.happens('cut')) return void incoming.destroy();
    if (this.happens('refused')) return this.refuse(incoming, outgoing);
    const { method, headers } = incoming;
    const forward = request(`${this.target}${incoming.url ?? ''}`, { method, headers }, (answer) => {
      answer.on('error', () => outgoing.destroy());
      if (method !== 'GET' && this.happens('answerLost')) {
        answer.resume();
        return void outgoing.destroy();
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      if (new URL(incoming.url ?? '', this.target).searchParams.get('watch') === 'true')
        this.watch(answer, outgoing);
      else answer.pipe(outgoing);
    });
    forward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forward.destroy());
    incoming.pipe(forward);
  }

  private refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
    incoming.resume();
    const code = [429, 500, 503][Math.floor(this.random() * 3)] ?? 500;
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: 'a bad day' };
    outgoing.writeHead(code, { 'content-type': 'application/json', 'retry-after': '0' });
    outgoing.end(JSON.stringify(body));
  }

  private watch(answer: IncomingMessage, outgoing: ServerResponse): void {
    outgoing.flushHeaders();
    const lines = createInterface({ input: answer });
    lines.on('error', () => outgoing.destroy());
    lines.on('line', (line) => {
      if (outgoing.destroyed || outgoing.writableEnded) return;
      if (this.happens('watchCut')) return void outgoing.destroy();
      if (this.happens('watchExpired')) {
        const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
        outgoing.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
        return;
      }
      outgoing.write(`${line}\n`);
      if (this.happens('watchRepeated')) outgoing.write(`${line}\n`);
    });
    lines.on('close', () => outgoing.end());
  }
}

/** Numbers between 0 and 1 that follow from a seed (mulberry32), so that a failure can be repeated. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
