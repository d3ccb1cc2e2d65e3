import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PageAccessSchema } from '../../../src/api/page-access.ts';
import type { PageViews, RunDetails, RunRow, SearchAnswer, ViewName } from '../../../src/api/page.ts';
import { type Auth, authOf } from '../../../src/http/page/auth.ts';
import { Site } from '../../../src/http/page/site.ts';
import type { PageSource } from '../../../src/http/page/source.ts';
import { pageAssets } from '../../../src/page/assets.ts';
import { systemClock } from '../../../src/time/clock.ts';

/** What the stage shows. */
export interface Play {
  views: { [Name in ViewName]?: PageViews[Name] };
  details: RunDetails;
  /** Looks for runs, among others in those that are shown. */
  search: (query: URLSearchParams, shown: readonly RunRow[]) => SearchAnswer;
  log: string;
  /** The time of the server, where it is to be another one. */
  now?: number;
  /** Whether people have to sign in, with `TOKEN`. */
  isLocked?: boolean;
}

export const TOKEN = 'right';

/** The page as the agent serves it, over views of a test: states that take a fleet and hours to come about. */
export class Stage {
  private current: Play;
  readonly requests: string[] = [];
  readonly errors: unknown[] = [];
  private readonly dir = mkdtempSync(join(tmpdir(), 'nodeop-stage-'));
  private readonly watchers = new Set<() => void>();
  private readonly streams = new Set<URL>();
  private readonly who: Auth;
  private site: Site;
  private readonly server = createServer((request, response) => this.answer(request, response));
  private isAway = false;

  constructor(play: Play) {
    this.current = play;
    this.who = this.auth();
    this.site = this.newSite();
  }

  get play(): Play {
    return this.current;
  }

  /** Another play, of which nobody has seen anything yet. */
  perform(play: Play): void {
    this.current = play;
    this.site.close();
    this.site = this.newSite();
  }

  /** @returns its address */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.site.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Streams of a view that are open. */
  readers(view: ViewName): number {
    return [...this.streams].filter(({ searchParams }) => searchParams.get('view') === view).length;
  }

  /** The view is another one from now on; undefined: it is gone. */
  show<Name extends ViewName>(name: Name, view: PageViews[Name] | undefined): void {
    const views: { [key: string]: unknown } = { ...this.play.views };
    if (view) views[name] = view;
    else delete views[name];
    this.current = { ...this.play, views };
    for (const tell of this.watchers) tell();
  }

  /** Every stream breaks, and nothing is answered until it is back. */
  goAway(): void {
    this.isAway = true;
    this.server.closeAllConnections();
  }

  comeBack(): void {
    this.isAway = false;
  }

  private newSite(): Site {
    return new Site({
      assets: pageAssets,
      source: this.source(),
      auth: this.who,
      hosts: [],
      clock: systemClock,
      version: '0.1.0',
      onError: (error) => this.errors.push(error),
    });
  }

  private source(): PageSource {
    return {
      view: (name) => Promise.resolve(this.play.views[name]),
      watch: (tell) => {
        this.watchers.add(tell);
        return () => this.watchers.delete(tell);
      },
      search: (query) => {
        const shown = this.play.views.runs?.rows ?? [];
        return Promise.resolve(this.play.search(new URLSearchParams({ ...query }), shown));
      },
      details: () => Promise.resolve(this.play.details),
      log: () => Promise.resolve({ text: this.play.log, from: 'pod', cut: true }),
    };
  }

  private auth(): Auth {
    const tokenFile = join(this.dir, 'token');
    writeFileSync(tokenFile, TOKEN);
    const nobody = { userOf: () => Promise.resolve(undefined), seesOf: () => Promise.resolve(undefined) };
    const common = { trustedProxies: [], namespace: 'nodeop-system', clock: systemClock, reviews: nobody };
    const open = authOf({ ...common, page: PageAccessSchema.parse({}) });
    const locked = authOf({ ...common, page: PageAccessSchema.parse({ auth: { tokenFile } }) });
    const auth = () => (this.play.isLocked === true ? locked : open);
    return {
      get kind() {
        return auth().kind;
      },
      viewer: (caller, id) => auth().viewer(caller, id),
      signIn: (token, caller) => locked.signIn?.(token, caller) ?? Promise.resolve('refused'),
      signOut: (id) => locked.signOut?.(id),
    };
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.isAway) {
      request.socket.destroy();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://stage');
    this.requests.push(url.pathname);
    if (url.pathname === '/page/events') this.streams.add(url);
    response.on('close', () => this.streams.delete(url));
    if (this.play.now !== undefined) response.setHeader('date', new Date(this.play.now).toUTCString());
    void this.site.serve(request, response, { remote: '127.0.0.1', isSecure: false });
  }
}
