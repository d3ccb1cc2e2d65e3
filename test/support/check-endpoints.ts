import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP endpoint that answers as a test tells it to, and remembers what it was asked. */
export class Endpoint {
  readonly asked: IncomingMessage[] = [];
  private readonly server: Server;

  private constructor(answer: RequestListener) {
    this.server = createServer((request, response) => {
      this.asked.push(request);
      answer(request, response);
    });
  }

  static async open(answer: RequestListener, host = '127.0.0.1'): Promise<Endpoint> {
    const endpoint = new Endpoint(answer);
    await new Promise<void>((resolve) => {
      endpoint.server.listen(0, host, resolve);
    });
    return endpoint;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }
}

/** Answers `/api/v1/query` as Prometheus does, with the values that a query stands for; an error for every other query. */
export function prometheusLike(values: Readonly<Record<string, readonly string[]>>): RequestListener {
  return ({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://prometheus');
    const result = values[searchParams.get('query') ?? '']?.map((value) => ({
      metric: {},
      value: [1.5, value],
    }));
    const isKnown = pathname.endsWith('/api/v1/query') && result !== undefined;
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        isKnown
          ? { status: 'success', data: { resultType: 'vector', result } }
          : { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query"' },
      ),
    );
  };
}
