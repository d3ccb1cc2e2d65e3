import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  PageEvents,
  PageViews,
  RunDetails,
  SearchAnswer,
  Session,
  ViewName,
} from '../../../src/api/page.ts';
import { pageAssets } from '../../../src/page/assets.ts';

/** What the stage shows; tests change it as they go. */
export interface Play {
  session: Session;
  views: { [Name in ViewName]?: PageViews[Name] };
  details: RunDetails;
  search: (query: URLSearchParams) => SearchAnswer;
  log: string;
  /** The time of the server, where it is to be another one. */
  now?: number;
  /** The token that is taken. */
  token?: string;
}

/** Stricter than what is asked for: in a browser that knows trusted types no text becomes markup at all. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** The page with what a test puts on it, in place of an agent: states that take a fleet and hours to come about. */
export class Stage {
  /** May be another one at any time. */
  play: Play;
  readonly requests: { path: string; bytes: number }[] = [];
  private readonly streams = new Set<{ view: string; response: ServerResponse }>();
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private version = 0;
  private isAway = false;

  constructor(play: Play) {
    this.play = play;
  }

  /** @returns its address */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  /** Streams of a view that are open. */
  readers(view: ViewName): number {
    return [...this.streams].filter((it) => it.view === view).length;
  }

  send<Name extends ViewName, Event extends keyof PageEvents<Name>>(
    view: Name,
    event: Event,
    data: PageEvents<Name>[Event],
  ): void {
    for (const it of this.streams) if (it.view === view) this.write(it.response, event, data);
  }

  /** Every stream breaks, and none can be opened until it is back. */
  goAway(): void {
    this.isAway = true;
    for (const { response } of this.streams) response.destroy();
  }

  comeBack(): void {
    this.isAway = false;
  }

  private write(response: ServerResponse, event: string, data: unknown): void {
    response.write(`id: ${++this.version}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stage');
    response.on('finish', () =>
      this.requests.push({ path: pathname, bytes: response.socket?.bytesWritten ?? 0 }),
    );
    if (this.isAway) {
      request.socket.destroy();
      return;
    }
    if (this.play.now !== undefined) response.setHeader('date', new Date(this.play.now).toUTCString());
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    if (pathname === '/page/session') await this.answerSession(request, response);
    else if (
      !this.play.session.signedIn &&
      !pathname.startsWith('/page/assets/') &&
      pathname.startsWith('/page/')
    )
      json(response, 401, { error: 'sign in first' });
    else if (pathname === '/page/events') this.openStream(searchParams.get('view') ?? '', response);
    else if (pathname === '/page/search') json(response, 200, this.play.search(searchParams));
    else if (pathname === '/page/details') json(response, 200, this.play.details);
    else if (pathname === '/page/log') json(response, 200, { text: this.play.log, from: 'pod', cut: true });
    else await sendAsset(pathname, response);
  }

  private async answerSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { play } = this;
    let body = '';
    for await (const part of request) body += String(part);
    if (request.method === 'POST') {
      const { token } = JSON.parse(body) as { token: string };
      if (token !== play.token) {
        json(response, 401, { error: 'the token is not taken' });
        return;
      }
      play.session = { ...play.session, signedIn: true };
    }
    if (request.method === 'DELETE') play.session = { ...play.session, signedIn: false };
    json(response, 200, play.session);
  }

  private openStream(view: string, response: ServerResponse): void {
    const snapshot = this.play.views[view as ViewName];
    if (!snapshot) {
      json(response, 404, { error: 'there is no such thing' });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.write(response, 'snapshot', snapshot);
    const stream = { view, response };
    this.streams.add(stream);
    response.on('close', () => this.streams.delete(stream));
  }
}

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function sendAsset(pathname: string, response: ServerResponse): Promise<void> {
  const path = pathname.startsWith('/page/') ? pathname.slice('/page/'.length) : 'index.html';
  const asset = (await pageAssets()).find((it) => it.path === path);
  if (!asset) {
    json(response, 404, { error: 'there is nothing here' });
    return;
  }
  response.writeHead(200, { 'content-type': asset.type, 'content-encoding': 'gzip' });
  response.end(Buffer.from(asset.gzip, 'base64'));
}
