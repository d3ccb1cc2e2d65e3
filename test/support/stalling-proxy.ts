import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy before an API server that takes some requests and never answers them. */
export class StallingProxy {
  /** Of method and URL. */
  stalls: (what: string) => boolean = () => false;
  /** Told of each request before it is passed on. */
  onRequest: (what: string) => void = () => {};
  private readonly target: string;
  private readonly server = createServer((incoming, outgoing) => this.serve(incoming, outgoing));

  constructor(target: string) {
    this.target = target;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.server.close(resolve);
    });
    this.server.closeAllConnections();
    await closed;
  }

  private serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', url = '', headers } = incoming;
    const what = `${method} ${decodeURIComponent(url)}`;
    this.onRequest(what);
    if (this.stalls(what)) return;
    const passed = request(`${this.target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  }
}
