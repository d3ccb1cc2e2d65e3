import { spawn } from 'node:child_process';
import {
  createServer as createPlain,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecure, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface GitServerOptions {
  /** Folder the repositories lie in. */
  root: string;
  tls?: ServerOptions;
  /** Whether a request may pass; answered with 401 otherwise. */
  allows?: (request: IncomingMessage) => boolean;
  /** Answers a request itself by returning true. */
  intercepts?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}

/** `git http-backend` behind a real HTTP server. */
export class GitServer implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  /** Bytes of all answers, without their headers. */
  sent = 0;
  options: GitServerOptions;
  private readonly server: Server;

  private constructor(options: GitServerOptions) {
    this.options = options;
    const listener = (request: IncomingMessage, response: ServerResponse) =>
      void this.serve(request, response);
    this.server = options.tls ? createSecure(options.tls, listener) : createPlain(listener);
  }

  static async start(options: GitServerOptions, port = 0): Promise<GitServer> {
    const server = new GitServer(options);
    await new Promise<void>((resolve) => {
      server.server.listen(port, 'localhost', resolve);
    });
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path = '/origin.git'): string {
    return `${this.options.tls ? 'https' : 'http'}://localhost:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    if (await this.options.intercepts?.(request, response)) return;
    if (this.options.allows?.(request) === false) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    backend(this.options.root, request, response, (bytes) => (this.sent += bytes));
  }
}

/** The Common Gateway Interface: headers of the answer up to an empty line, then its body. */
function backend(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  onAnswer: (bytes: number) => void,
): void {
  const url = new URL(request.url ?? '', 'http://localhost');
  const { 'content-type': type = '', 'content-encoding': encoding = '' } = request.headers;
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: type,
      HTTP_CONTENT_ENCODING: encoding,
      REMOTE_USER: 'tester',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      // Objects other writers are about to pack may go away under a plain gc.
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'receive.autogc',
      GIT_CONFIG_VALUE_0: 'false',
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    for (const line of answer.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    onAnswer(answer.length - end - 4);
    response.end(answer.subarray(end + 4));
  });
}
