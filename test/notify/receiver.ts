import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Received {
  path: string;
  headers: Record<string, unknown>;
  body: unknown;
}

/** A web server that is posted to: keeps what came, and answers as a test tells it to. */
export class Receiver {
  readonly received: Received[] = [];
  /** Answers the next requests, instead of 200. */
  readonly faults: ((response: ServerResponse) => void)[] = [];
  /** Answers all requests, until it is taken away. */
  always: ((response: ServerResponse) => void) | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const fault = this.faults.shift() ?? this.always;
      if (fault) fault(response);
      else response.end('ok');
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      if (!fault) this.received.push({ path: request.url ?? '', headers: request.headers, body });
      this.asked += 1;
      for (const listener of this.#listeners) listener();
    });
  });
  /** Requests, whatever they were answered. */
  asked = 0;

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => {
      receiver.#server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves as soon as it is so. */
  async until(holds: (receiver: this) => boolean): Promise<void> {
    if (holds(this)) return;
    await new Promise<void>((resolve) => {
      const listener = () => {
        if (!holds(this)) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

export const answer =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers);
    response.end(body);
  };
