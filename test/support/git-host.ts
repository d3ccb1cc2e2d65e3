import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Provider } from '../../src/api/feedback.ts';

interface StoredStatus {
  context: string;
  state: string;
  description: string;
  target: string;
}

interface StoredComment {
  id: number;
  author: string;
  body: string;
}

interface Fault {
  status: number;
  headers?: Record<string, string>;
  body?: object;
}

export const TOKEN = 'secret-token-of-the-agent';
const BOT = { github: 'ops-bot', gitlab: 'ops-bot', gitea: 'ops-bot' };

/**
 * The REST APIs of GitHub, GitLab and Gitea as their public documentation has them, as far as feedback
 * goes: the same state behind three ways of asking.
 */
export class GitHost {
  readonly provider: Provider;
  readonly requests: { method: string; path: string; at: number; authorized: boolean }[] = [];
  readonly statuses = new Map<string, StoredStatus[]>();
  readonly comments: (StoredComment & { pullRequest: number })[] = [];
  /** Commit → pull request. */
  readonly pullRequests = new Map<string, number>();
  /** Answers to the next requests, instead of the real ones; 'cut' ends the connection, 'torn' in mid-answer,
   * 'lost' after the request was carried out. */
  readonly faults: (Fault | 'cut' | 'torn' | 'lost')[] = [];
  /** Answers wait for it. */
  hold: Promise<void> | undefined;
  private readonly server: Server;
  private nextId = 1000;

  private constructor(provider: Provider) {
    this.provider = provider;
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(provider: Provider): Promise<GitHost> {
    const host = new GitHost(provider);
    await new Promise<void>((resolve) => {
      host.server.listen(0, '127.0.0.1', resolve);
    });
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get apiUrl(): string {
    return this.url + { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' }[this.provider];
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }

  addComment(pullRequest: number, author: string, body: string): StoredComment {
    const comment = { id: this.nextId++, author, body, pullRequest };
    this.comments.push(comment);
    return comment;
  }

  writes(): string[] {
    return this.requests
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path}`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const { method = 'GET' } = request;
    const { authorization, 'private-token': privateToken } = request.headers;
    const authorized =
      [`token ${TOKEN}`, `Bearer ${TOKEN}`].includes(authorization ?? '') || privateToken === TOKEN;
    this.requests.push({ method, path: url.pathname, at: Date.now(), authorized });
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(body === undefined ? '' : JSON.stringify(body));
    };
    await this.hold;
    const fault = this.faults.shift();
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'torn') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"a":');
      return void setImmediate(() => request.socket.destroy());
    }
    if (typeof fault === 'object')
      return send(fault.status, fault.body ?? { message: 'fault' }, fault.headers);
    if (!authorized) return send(401, { message: 'Bad credentials' });
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, string>;
    const routes = { github: GITHUB, gitlab: GITLAB, gitea: GITEA }[this.provider];
    for (const [verb, pattern, handle] of routes) {
      const match = verb === method ? pattern.exec(url.pathname) : null;
      if (!match) continue;
      const [code, result, headers] = handle(
        this,
        match.slice(1).map(decodeURIComponent),
        body,
        url.searchParams,
      );
      if (fault === 'lost') return void request.socket.destroy();
      return send(code, result, headers);
    }
    send(404, { message: 'Not Found' });
  }

  setStatus(commit: string, status: StoredStatus): void {
    this.statuses.set(commit, [status, ...(this.statuses.get(commit) ?? [])]);
  }

  /** The newest status of each context. */
  latest(commit: string): StoredStatus[] {
    const all = this.statuses.get(commit) ?? [];
    return all.filter((it, i) => all.findIndex(({ context }) => context === it.context) === i);
  }

  of(pullRequest: number): StoredComment[] {
    return this.comments.filter((it) => it.pullRequest === pullRequest);
  }

  bot(): string {
    return BOT[this.provider];
  }

  edit(id: number, body: string): StoredComment | undefined {
    const found = this.comments.find((it) => it.id === id);
    if (found) found.body = body;
    return found;
  }
}

type Result = [status: number, body: unknown, headers?: Record<string, string>];
type Route = [
  method: string,
  path: RegExp,
  handle: (host: GitHost, parts: string[], body: Record<string, string>, query: URLSearchParams) => Result,
];

const SHA = '([0-9a-f]{40})';

/** https://docs.github.com/rest */
const GITHUB: Route[] = [
  ['GET', /^\/api\/v3\/user$/, (host) => [200, { login: host.bot(), type: 'User' }]],
  [
    'GET',
    new RegExp(`^/api/v3/repos/ops/nodes/commits/${SHA}/status$`),
    (host, [sha = '']) => {
      const statuses = host.latest(sha).map(({ context, state, description, target }) => ({
        context,
        state,
        description,
        target_url: target,
      }));
      return [200, { state: 'pending', statuses, sha, total_count: statuses.length }];
    },
  ],
  [
    'POST',
    new RegExp(`^/api/v3/repos/ops/nodes/statuses/${SHA}$`),
    (host, [sha = ''], { context = 'default', state = '', description = '', target_url: target = '' }) => {
      if (!['error', 'failure', 'pending', 'success'].includes(state) || description.length > 140) {
        return [422, { message: 'Validation Failed' }];
      }
      host.setStatus(sha, { context, state, description, target });
      return [201, { id: 1, context, state }];
    },
  ],
  [
    'GET',
    new RegExp(`^/api/v3/repos/ops/nodes/commits/${SHA}/pulls$`),
    (host, [sha = '']) => {
      const number = host.pullRequests.get(sha);
      return [200, number === undefined ? [] : [{ number, merged_at: '2030-01-01T00:00:00Z' }]];
    },
  ],
  [
    'GET',
    /^\/api\/v3\/repos\/ops\/nodes\/issues\/(\d+)\/comments$/,
    (host, [number], _, query) => {
      const [size, page] = [Number(query.get('per_page') ?? 30), Number(query.get('page') ?? 1)];
      const all = host
        .of(Number(number))
        .map(({ id, body, author }) => ({ id, body, user: { login: author, type: 'User' } }));
      return [200, all.slice((page - 1) * size, page * size)];
    },
  ],
  [
    'POST',
    /^\/api\/v3\/repos\/ops\/nodes\/issues\/(\d+)\/comments$/,
    (host, [number], { body = '' }) => {
      if (body.length > 65_535) return [422, { message: 'body is too long (maximum is 65536 characters)' }];
      return [201, host.addComment(Number(number), host.bot(), body)];
    },
  ],
  [
    'PATCH',
    /^\/api\/v3\/repos\/ops\/nodes\/issues\/comments\/(\d+)$/,
    (host, [id], { body = '' }) => {
      const found = host.edit(Number(id), body);
      return found ? [200, found] : [404, { message: 'Not Found' }];
    },
  ],
];

/** https://docs.gitlab.com/api */
const GITLAB: Route[] = [
  ['GET', /^\/api\/v4\/user$/, (host) => [200, { id: 7, username: host.bot() }]],
  [
    'GET',
    new RegExp(`^/api/v4/projects/ops%2Fnodes/repository/commits/${SHA}/statuses$`),
    (host, [sha = ''], _, query) => {
      const named = host.latest(sha).filter(({ context }) => context === query.get('name'));
      return [
        200,
        named.map(({ context, state, description, target }) => {
          return { id: 1, name: context, status: state, description, target_url: target };
        }),
      ];
    },
  ],
  [
    'POST',
    new RegExp(`^/api/v4/projects/ops%2Fnodes/statuses/${SHA}$`),
    (host, [sha = ''], { name = 'default', state = '', description = '', target_url: target = '' }) => {
      if (!['pending', 'running', 'success', 'failed', 'canceled', 'skipped'].includes(state)) {
        return [400, { error: 'state does not have a valid value' }];
      }
      const before = host.latest(sha).find(({ context }) => context === name);
      if (before?.state === state && (state === 'running' || state === 'pending')) {
        return [400, { message: `Cannot transition status via :run from :${state}` }];
      }
      host.setStatus(sha, { context: name, state, description, target });
      return [201, { id: 1, name, status: state }];
    },
  ],
  [
    'GET',
    new RegExp(`^/api/v4/projects/ops%2Fnodes/repository/commits/${SHA}/merge_requests$`),
    (host, [sha = '']) => {
      const iid = host.pullRequests.get(sha);
      return [200, iid === undefined ? [] : [{ id: 900, iid, state: 'merged' }]];
    },
  ],
  [
    'GET',
    /^\/api\/v4\/projects\/ops%2Fnodes\/merge_requests\/(\d+)\/notes$/,
    (host, [iid], _, query) => {
      const [size, page] = [Number(query.get('per_page') ?? 20), Number(query.get('page') ?? 1)];
      const all = host.of(Number(iid)).map(({ id, body, author }) => {
        return { id, body, author: { id: author === host.bot() ? 7 : 8, username: author } };
      });
      const next = new URL(
        `${host.apiUrl}/projects/ops%2Fnodes/merge_requests/${iid}/notes?${query.toString()}`,
      );
      next.searchParams.set('page', String(page + 1));
      const more = page * size < all.length;
      const headers: Record<string, string> = {
        'x-page': String(page),
        'x-per-page': String(size),
        'x-next-page': more ? String(page + 1) : '',
        ...(more ? { link: `<${next.href}>; rel="next"` } : {}),
      };
      return [200, all.slice((page - 1) * size, page * size), headers];
    },
  ],
  [
    'POST',
    /^\/api\/v4\/projects\/ops%2Fnodes\/merge_requests\/(\d+)\/notes$/,
    (host, [iid], { body = '' }) => [201, host.addComment(Number(iid), host.bot(), body)],
  ],
  [
    'PUT',
    /^\/api\/v4\/projects\/ops%2Fnodes\/merge_requests\/\d+\/notes\/(\d+)$/,
    (host, [id], { body = '' }) => {
      const found = host.edit(Number(id), body);
      return found ? [200, found] : [404, { message: '404 Note Not Found' }];
    },
  ],
];

/** https://docs.gitea.com/api */
const GITEA: Route[] = [
  ['GET', /^\/api\/v1\/user$/, (host) => [200, { id: 7, login: host.bot() }]],
  [
    'GET',
    new RegExp(`^/api/v1/repos/ops/nodes/commits/${SHA}/status$`),
    (host, [sha = '']) => {
      const all = host.latest(sha).map(({ context, state, description, target }) => {
        return { context, status: state, description, target_url: target };
      });
      return [
        200,
        { sha, state: 'pending', statuses: all.length === 0 ? null : all, total_count: all.length },
      ];
    },
  ],
  [
    'POST',
    new RegExp(`^/api/v1/repos/ops/nodes/statuses/${SHA}$`),
    (host, [sha = ''], { context = 'default', state = '', description = '', target_url: target = '' }) => {
      if (!['pending', 'success', 'error', 'failure', 'warning'].includes(state))
        return [422, { message: 'state' }];
      host.setStatus(sha, { context, state, description, target });
      return [201, { context, status: state }];
    },
  ],
  [
    'GET',
    new RegExp(`^/api/v1/repos/ops/nodes/commits/${SHA}/pull$`),
    (host, [sha = '']) => {
      const number = host.pullRequests.get(sha);
      return number === undefined ? [404, { message: 'not found' }] : [200, { number, merged: true }];
    },
  ],
  [
    'GET',
    /^\/api\/v1\/repos\/ops\/nodes\/issues\/(\d+)\/comments$/,
    (host, [number]) => [
      200,
      host.of(Number(number)).map(({ id, body, author }) => ({ id, body, user: { login: author } })),
    ],
  ],
  [
    'POST',
    /^\/api\/v1\/repos\/ops\/nodes\/issues\/(\d+)\/comments$/,
    (host, [number], { body = '' }) => [201, host.addComment(Number(number), host.bot(), body)],
  ],
  [
    'PATCH',
    /^\/api\/v1\/repos\/ops\/nodes\/issues\/comments\/(\d+)$/,
    (host, [id], { body = '' }) => {
      const found = host.edit(Number(id), body);
      return found ? [200, found] : [404, { message: 'not found' }];
    },
  ],
];
