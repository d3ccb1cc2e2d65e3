import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { PageAsset, Session } from '../../src/api/page.ts';
import { PageAccessSchema } from '../../src/api/page-access.ts';
import { all, type Sees } from '../../src/core/page/sees.ts';
import { addressesIn } from '../../src/http/caller.ts';
import { authOf } from '../../src/http/page/auth.ts';
import { Site } from '../../src/http/page/site.ts';
import type { PageSource } from '../../src/http/page/source.ts';
import type { Reviews, User } from '../../src/http/page/viewer.ts';
import { HttpServer } from '../../src/http/server.ts';
import { FakeClock } from '../support/fake-clock.ts';

const asset = (path: string, type: string, etag: string): PageAsset => ({
  path,
  type: `${type}; charset=utf-8`,
  brotli: brotliCompressSync(path).toString('base64'),
  gzip: gzipSync(path).toString('base64'),
  etag,
});
const ASSETS = [
  asset('index.html', 'text/html', 'abc'),
  asset('assets/page-0123.js', 'text/javascript', 'def'),
];

interface Answer {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A page on a port of its own, over views that say what their reader sees. */
async function serve({
  auth,
  hosts = [],
  trustedProxies = [],
  reviews,
  source = {},
}: {
  auth?: object;
  hosts?: string[];
  trustedProxies?: string[];
  reviews?: Reviews;
  source?: Partial<PageSource>;
} = {}) {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const page = PageAccessSchema.parse({ hosts, ...(auth && { auth }) });
  const none: Reviews = {
    userOf: () => Promise.resolve(undefined),
    seesOf: () => Promise.resolve(undefined),
  };
  const site = new Site({
    assets: () => Promise.resolve(ASSETS),
    source: {
      view: (name, asked, sees) => Promise.resolve({ head: { name, asked, sees }, rows: [] }),
      watch: () => () => undefined,
      search: (query, sees) =>
        Promise.resolve({ rows: [], found: 0, total: 0, reading: false, query, sees } as never),
      details: () => Promise.resolve(undefined),
      log: () => Promise.resolve({ text: 'line', from: 'pod', cut: false }),
      ...source,
    },
    auth: authOf({ page, trustedProxies, namespace: 'ops', clock, reviews: reviews ?? none }),
    hosts,
    clock,
    version: '1.0.0',
    onError: (error) => errors.push(error),
  });
  const server = new HttpServer({
    routes: [{ method: 'GET', path: '/livez', handle: () => ({ code: 200, body: 'ok\n' }) }],
    host: '127.0.0.1',
    port: 0,
    isTrustedProxy: addressesIn(trustedProxies),
    onError: (error) => errors.push(error),
    site,
  });
  const port = await server.listen();
  closing.push(
    () => server.close(),
    () => site.close(),
  );
  const ask = (path: string, { method = 'GET', body, ...headers }: Record<string, string | undefined> = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = Object.fromEntries(Object.entries(headers).filter(([, it]) => it !== undefined));
      const call = request({ port, host: '127.0.0.1', path, method, headers: sent }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          // Of a stream the first event is enough.
          if (piece.includes('event: ')) response.destroy();
        });
        response.on('error', () => undefined);
        response.on('close', () =>
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces).toString(),
          }),
        );
        // Only what the clock is told to wait for comes.
        void clock.advance(0);
      });
      call.on('error', reject);
      call.end(body);
    });
  const signIn = (token: string, headers: Record<string, string> = {}) =>
    ask('/page/session', {
      method: 'POST',
      'content-type': 'application/json',
      body: JSON.stringify({ token }),
      ...headers,
    });
  /** A stream that is read until the server ends it. */
  const stream = (path: string, headers: Record<string, string>) => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    let text = '';
    const call = request({ port, host: '127.0.0.1', path, headers }, (response) => {
      response.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (text.includes('event: ')) begun.resolve();
      });
      response.on('error', () => undefined);
      response.on('close', () => ended.resolve(text));
      void clock.advance(0);
    });
    call.on('error', ended.reject);
    call.end();
    return { begun: begun.promise, ended: ended.promise, text: () => text };
  };
  return { ask, signIn, stream, clock, errors, port };
}

function cookieOf({ headers }: Answer): string {
  return ([headers['set-cookie'] ?? ''].flat()[0] ?? '').split(';')[0] ?? '';
}

function tokenFile(secret: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-page-'));
  closing.push(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'token'), `${secret}\n`);
  return join(dir, 'token');
}

describe('what every answer carries', () => {
  test.each([
    '/',
    '/runs/2030/flash.yaml',
    '/nodes',
    '/agent',
    '/page/session',
    '/page/nothing',
    '/page/search?state=x',
  ])('%s', async (path) => {
    const { ask } = await serve();
    const { headers } = await ask(path);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('files', () => {
  test('all pages are one document, which is asked for again each time', async () => {
    const { ask } = await serve();
    for (const path of ['/', '/runs/a/b.yaml', '/nodes/node-1', '/agent?x=1']) {
      const { code, headers } = await ask(path, { 'accept-encoding': 'gzip, br' });
      expect([code, headers['content-encoding'], headers['cache-control'], headers.etag]).toEqual([
        200,
        'br',
        'no-cache',
        '"abc"',
      ]);
    }
    expect((await ask('/', { 'if-none-match': '"abc"' })).code).toBe(304);
  });

  test('scripts are kept for good, in the encoding that is taken', async () => {
    const { ask } = await serve();
    const get = (accept?: string) => ask('/page/assets/page-0123.js', { 'accept-encoding': accept });
    expect((await get('gzip')).headers).toMatchObject({
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    expect((await get('br;q=0, gzip')).headers['content-encoding']).toBe('gzip');
    expect((await get()).headers['content-encoding']).toBeUndefined();
    expect((await ask('/page/assets/../index.html')).code).toBe(404);
  });

  test.each(['W/"abc"', '"x", W/"abc"', '"abc"'])('%s is known already', async (known) => {
    const { ask } = await serve();
    expect((await ask('/', { 'if-none-match': known })).code).toBe(304);
    expect((await ask('/', { 'if-none-match': known.replace('abc', 'abcd') })).code).toBe(200);
  });

  test('what else is served there goes on', async () => {
    const { ask } = await serve();
    expect((await ask('/livez', { host: 'anything.example.org' })).code).toBe(200);
    expect((await ask('/elsewhere')).code).toBe(404);
  });
});

describe('the name it is asked by', () => {
  test.each([
    ['localhost:4711', 200],
    ['127.0.0.1', 200],
    ['[::1]:8080', 200],
    ['page.example.org', 200],
    ['PAGE.example.org:443', 200],
    ['evil.example.org', 421],
    ['localhost.evil.example.org', 421],
    ['10.1.2.3', 421],
    ['page.example.org:80@evil', 421],
    ['page.example.org, evil', 421],
  ])('%s: %i', async (host, code) => {
    const { ask } = await serve({ hosts: ['page.example.org'] });
    for (const path of ['/', '/page/session', '/page/events?view=runs'])
      expect((await ask(path, { host })).code).toBe(code);
  });
});

describe('who asks', () => {
  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example.org' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{}, 200],
  ])('data for %j: %i', async (headers, code) => {
    const { ask } = await serve();
    for (const path of ['/page/events?view=runs', '/page/search', '/page/log?run=a&node=b'])
      expect((await ask(path, headers)).code).toBe(code);
  });

  test('where nobody signs in, nothing that a proxy passes on is answered', async () => {
    const { ask } = await serve();
    expect((await ask('/page/events?view=runs', { 'x-forwarded-for': '192.0.2.1' })).code).toBe(403);
    expect((await ask('/', { forwarded: 'for=192.0.2.1' })).code).toBe(403);
  });

  test('nothing is written', async () => {
    const { ask } = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect((await ask('/page/search', { method })).code).toBe(405);
  });
});

describe('what is asked for', () => {
  test.each([
    ['/page/events?view=nothing', 400],
    ['/page/events?view=run', 400],
    ['/page/events?view=node', 400],
    ['/page/events', 400],
    ['/page/search?state=Odd', 400],
    [`/page/search?text=${'x'.repeat(5_000)}`, 400],
    ['/page/details', 400],
    ['/page/details?run=nothing', 404],
    ['/page/log?run=a', 400],
  ])('%s: %i, with a reason', async (path, code) => {
    const { ask } = await serve();
    const answer = await ask(path);
    expect(answer.code).toBe(code);
    expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String) });
  });

  test('who looks at one view looks at the same one, whatever else the address says', async () => {
    let looked = 0;
    const view: PageSource['view'] = (name) => {
      looked += 1;
      return Promise.resolve({ head: { name }, rows: [] });
    };
    const { stream } = await serve({ source: { view } });
    for (const more of ['', '&run=a', '&run=b&node=c', '&x=1'])
      await stream(`/page/events?view=runs${more}`, {}).begun;
    expect(looked).toBe(1);
  });

  test('what goes wrong within is told in the log, and not to whoever asks', async () => {
    const { ask, errors } = await serve({
      source: { search: () => Promise.reject(new Error('token hunter2')) },
    });
    const { code, body } = await ask('/page/search');
    expect([code, body.includes('hunter2'), errors.length]).toEqual([503, false, 1]);
  });

  test('nothing in what others wrote ends an event or acts in a browser', async () => {
    const nasty = '\n\nevent: over\ndata: {}\n\n</script>\u2028\u0000\u001b[31m';
    const view = () => Promise.resolve({ head: { nasty }, rows: [] });
    const { ask } = await serve({ source: { view } });
    const { body, headers } = await ask('/page/events?view=runs');
    expect(body.match(/^event: /gm)).toEqual(['event: ']);
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    expect(body).not.toMatch(/[\u0000-\u0009\u001b\u2028]/);
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? '')).toEqual({ head: { nasty }, rows: [] });
  });
});

describe('signing in with the agent’s own token', () => {
  test('a session in a cookie that no script sees, for an hour', async () => {
    const { ask, signIn, clock } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    expect((await ask('/page/events?view=runs')).code).toBe(401);
    expect(JSON.parse((await ask('/page/session')).body)).toEqual({
      auth: 'token',
      signedIn: false,
      mayReadLogs: false,
      version: '1.0.0',
    });
    const answer = await signIn('s3cret');
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^nodeop-page=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/),
    ]);
    expect(answer.body).not.toContain('s3cret');
    const cookie = cookieOf(answer);
    expect((await ask('/page/events?view=runs', { cookie: `a=b; ${cookie}` })).code).toBe(200);
    await clock.advance(3_599_000);
    expect((await ask('/page/search', { cookie })).code).toBe(200);
    await clock.advance(2_000);
    expect((await ask('/page/search', { cookie })).code).toBe(401);
  });

  test('signed out, the session is none any more', async () => {
    const { ask, signIn } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    const cookie = cookieOf(await signIn('s3cret'));
    const out = await ask('/page/session', { method: 'DELETE', cookie });
    expect(String(out.headers['set-cookie'])).toMatch(/^nodeop-page=; .*Max-Age=0/);
    expect((await ask('/page/search', { cookie })).code).toBe(401);
  });

  test('signed out in one tab, the streams of all others end at once', async () => {
    const { ask, signIn, stream } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    const cookie = cookieOf(await signIn('s3cret'));
    const other = cookieOf(await signIn('s3cret'));
    const streams = ['runs', 'nodes'].map((view) => stream(`/page/events?view=${view}`, { cookie }));
    const kept = stream('/page/events?view=runs', { cookie: other });
    await Promise.all([...streams, kept].map((it) => it.begun));
    await ask('/page/session', { method: 'DELETE', cookie });
    for (const it of await Promise.all(streams.map(({ ended }) => ended)))
      expect(it).toContain('"reason":"signed-out"');
    expect(kept.text()).not.toContain('over');
  });

  test('another token in the file ends all sessions', async () => {
    const file = tokenFile('s3cret');
    const { ask, signIn } = await serve({ auth: { tokenFile: file } });
    const cookie = cookieOf(await signIn('s3cret'));
    writeFileSync(file, 'other');
    expect((await ask('/page/search', { cookie })).code).toBe(401);
  });

  test.each(['wrong', '', 's3cre', 's3cret2', 'x'.repeat(17_000)])('%j is not taken', async (token) => {
    const { signIn } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    expect((await signIn(token)).code).toBe(401);
  });

  test.each([
    ['another page', { origin: 'https://evil.example.org' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('%s signs nobody in', async (_, headers, code) => {
    const { signIn } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    const answer = await signIn('s3cret', headers);
    expect([answer.code, answer.headers['set-cookie']]).toEqual([code, undefined]);
  });

  test('after ten attempts a minute one has to wait, with the right token too', async () => {
    const { signIn, clock } = await serve({ auth: { tokenFile: tokenFile('s3cret') } });
    for (let i = 0; i < 10; i += 1) expect((await signIn('wrong')).code).toBe(401);
    const { code, headers } = await signIn('s3cret');
    expect([code, headers['retry-after']]).toEqual([429, '6']);
    await clock.advance(6_000);
    expect((await signIn('s3cret')).code).toBe(200);
  });

  test('behind a proxy that speaks TLS the cookie is for TLS alone', async () => {
    const { ask, signIn } = await serve({
      auth: { tokenFile: tokenFile('s3cret') },
      trustedProxies: ['127.0.0.1'],
    });
    const tls = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' };
    const answer = await signIn('s3cret', tls);
    expect(String(answer.headers['set-cookie'])).toMatch(/^__Host-nodeop-page=.*; Secure$/);
    const cookie = cookieOf(answer);
    expect((await ask('/page/search', { cookie, ...tls })).code).toBe(200);
    expect((await ask('/page/search', { cookie })).code).toBe(401);
  });
});

const ALL = all('ops');
const OWN: Sees = { namespace: 'ops', nodeOps: 'own', logs: 'none' };

function cluster(people: Record<string, { name: string; sees?: Sees | undefined }>) {
  const asked: User[] = [];
  const rights = new Map(Object.values(people).map((it) => [it.name, it.sees]));
  const reviews: Reviews = {
    userOf: (token) => {
      const person = people[token];
      return Promise.resolve(person && { name: person.name, groups: ['team'] });
    },
    seesOf: (user) => {
      asked.push(user);
      return Promise.resolve(rights.get(user.name));
    },
  };
  return { reviews, rights, asked };
}

describe('signing in with a token of the cluster', () => {
  test('its RBAC says what is seen', async () => {
    const { reviews } = cluster({
      a: { name: 'ada', sees: ALL },
      g: { name: 'grace', sees: OWN },
      x: { name: 'nobody' },
    });
    const { ask, signIn } = await serve({ auth: { kubernetes: {} }, reviews });
    const seen = async (token: string) => {
      const cookie = cookieOf(await signIn(token));
      const { body } = await ask('/page/events?view=runs', { cookie });
      return (JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? '{}') as { head: { sees: Sees } }).head.sees;
    };
    expect(await seen('a')).toEqual(ALL);
    expect(await seen('g')).toEqual(OWN);
    expect((await signIn('x')).code).toBe(403);
    expect((await signIn('unknown')).code).toBe(401);
    const answer = await signIn('g');
    expect(JSON.parse(answer.body) as Session).toMatchObject({ user: 'grace', mayReadLogs: false });
    expect((await ask('/page/log?run=a&node=b', { cookie: cookieOf(answer) })).code).toBe(403);
    expect((await ask('/page/log?run=a&node=b', { cookie: cookieOf(await signIn('a')) })).code).toBe(200);
  });

  test('who loses the right sees nothing a minute later', async () => {
    const { reviews, rights, asked } = cluster({ a: { name: 'ada', sees: ALL } });
    const { ask, signIn, clock } = await serve({ auth: { kubernetes: {} }, reviews });
    const cookie = cookieOf(await signIn('a'));
    for (let i = 0; i < 5; i += 1) expect((await ask('/page/search', { cookie })).code).toBe(200);
    expect(asked.length).toBe(1);
    rights.set('ada', undefined);
    await clock.advance(61_000);
    expect((await ask('/page/search', { cookie })).code).toBe(401);
  });
});

describe('a proxy that signs people in', () => {
  const proxy = { auth: { proxy: {} } };

  test('is believed by its address alone', async () => {
    const { reviews, asked } = cluster({ a: { name: 'ada', sees: ALL } });
    const headers = { 'x-forwarded-user': 'ada', 'x-forwarded-groups': 'ops, system:masters,dev' };
    const trusted = await serve({ ...proxy, reviews, trustedProxies: ['127.0.0.0/8'] });
    expect((await trusted.ask('/page/search', headers)).code).toBe(200);
    // For none of the cluster's own parts may it speak.
    expect(asked[0]?.groups).toEqual(['ops', 'dev', 'system:authenticated']);
    expect(JSON.parse((await trusted.ask('/page/session', headers)).body)).toMatchObject({
      auth: 'proxy',
      signedIn: true,
      user: 'ada',
    });
    const other = await serve({ ...proxy, reviews, trustedProxies: ['10.0.0.1'] });
    expect((await other.ask('/page/search', headers)).code).toBe(401);
  });

  test.each([
    ['nobody', undefined, 401],
    ['a part of the cluster', 'system:admin', 401],
    ['two at once', 'ada, eve', 401],
    ['somebody without the right', 'eve', 403],
  ])('%s', async (_, user, code) => {
    const { reviews } = cluster({ a: { name: 'ada', sees: ALL }, e: { name: 'eve' } });
    const { ask, signIn } = await serve({ ...proxy, reviews, trustedProxies: ['127.0.0.1'] });
    expect((await ask('/page/search', { 'x-forwarded-user': user })).code).toBe(code);
    const session = JSON.parse((await ask('/page/session', { 'x-forwarded-user': user })).body) as Session;
    expect(session).toMatchObject({ signedIn: false });
    // Whoever is known is not told that nobody has said who they are.
    expect(session.problem !== undefined).toBe(code === 403);
    expect((await signIn('a')).code).toBe(404);
  });
});

test('a stop ends every stream', async () => {
  const { port } = await serve();
  const closed = new Promise((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', path: '/page/events?view=runs' }, (response) => {
      response
        .on('close', () => resolve(undefined))
        .on('error', () => undefined)
        .resume();
      for (const close of closing.splice(0).toReversed()) void close();
    });
    call.on('error', reject).end();
  });
  await expect(closed).resolves.toBeUndefined();
});
