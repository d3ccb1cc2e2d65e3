import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CheckAccess, CheckAccessSchema } from '../../src/api/check-access.ts';
import { ChecksSchema } from '../../src/api/checks.ts';
import { requestAsker } from '../../src/checks/requests.ts';
import { seenText } from '../../src/core/checks/words.ts';
import { systemClock } from '../../src/time/clock.ts';
import { Endpoint, prometheusLike } from '../support/check-endpoints.ts';

const NOBODY = new AbortController().signal;

async function open(answer: RequestListener, host?: string): Promise<Endpoint> {
  const endpoint = await Endpoint.open(answer, host);
  onTestFinished(() => endpoint[Symbol.asyncDispose]());
  return endpoint;
}

const allow = (...allowedHosts: string[]): CheckAccess => CheckAccessSchema.parse({ allowedHosts });

async function ask(access: CheckAccess, fields: object) {
  const [check] = ChecksSchema.parse([fields]);
  if (!check) throw new Error('no check');
  return requestAsker(access, systemClock)(check, NOBODY);
}

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'headers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'headers');
  writeFileSync(path, text);
  return path;
}

const answer =
  (status: number, body = '', headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

describe('http', () => {
  test.each([
    ['the status that is expected passes', answer(200, 'fine'), {}, true, 'status 200'],
    ['another one fails', answer(503, 'busy'), {}, false, 'status 503, expected 200: busy'],
    ['unless it is expected', answer(204), { expect: { status: 204 } }, true, 'status 204'],
    [
      'a redirect may be what is expected',
      answer(302, '', { location: 'http://elsewhere.example/' }),
      { expect: { status: 302 } },
      true,
      'status 302',
    ],
    [
      'JSON is looked into',
      answer(200, '{"nodes": 3}'),
      { expect: { expression: 'body.nodes >= 3' } },
      true,
      'status 200: {"nodes": 3}',
    ],
    [
      'what is no JSON is text',
      answer(200, 'all fine'),
      { expect: { expression: 'body.contains("fine")' } },
      true,
      'status 200: all fine',
    ],
    [
      'an expression that is false fails',
      answer(200, '{"nodes": 2}'),
      { expect: { expression: 'body.nodes >= 3' } },
      false,
      'the expression is false; status 200: {"nodes": 2}',
    ],
    [
      'so does one that cannot be evaluated',
      answer(200, '{}'),
      { expect: { expression: 'body.nodes >= 3' } },
      false,
      'the expression cannot be evaluated: field not found: nodes; status 200: {}',
    ],
    [
      'and one that gives something else',
      answer(200, '{"nodes": 2}'),
      { expect: { expression: 'body.nodes' } },
      false,
      'the expression gives an int, not true or false; status 200: {"nodes": 2}',
    ],
    [
      'an answer that is encoded is told',
      answer(200, 'x', { 'content-encoding': 'gzip' }),
      {},
      false,
      'status 200: the answer is encoded, which was not asked for',
    ],
  ])('%s', async (_, listener, fields, passed, seen) => {
    const endpoint = await open(listener);
    const http = { url: `${endpoint.url}/healthz`, ...fields };
    expect(await ask(allow(endpoint.url), { http })).toEqual({ passed, seen });
  });

  test('HEAD', async () => {
    const endpoint = await open(answer(200));
    const http = { url: endpoint.url, method: 'HEAD' };
    expect(await ask(allow(endpoint.url), { http })).toEqual({ passed: true, seen: 'status 200' });
    expect(endpoint.asked[0]?.method).toBe('HEAD');
  });

  test('what is larger than 1 MiB is not read to its end', async () => {
    let sent = 0;
    const endpoint = await open((_, response) => {
      const chunk = Buffer.alloc(256 * 1024, 'a');
      const more = () => {
        while (sent < 50 * 1024 * 1024 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return response.once('drain', more);
        }
        return response.end();
      };
      more();
    });
    const seen = 'status 200: the answer is larger than 1 MiB';
    expect(await ask(allow(endpoint.url), { http: { url: endpoint.url } })).toEqual({ passed: false, seen });
    expect(sent).toBeLessThan(50 * 1024 * 1024);
  });

  test.each([
    ['never answers', () => {}],
    [
      'never ends',
      ((_, response) => {
        response.writeHead(200);
        response.write('a');
      }) satisfies RequestListener,
    ],
  ])('one that %s has its time', async (_, listener) => {
    const endpoint = await open(listener);
    const fields = { http: { url: endpoint.url }, timeoutSeconds: 1 };
    const seen = 'no whole answer within 1 s';
    expect(await ask(allow(endpoint.url), fields)).toEqual({ passed: false, seen });
  });

  test('a name that cannot be looked up, and a port where nobody listens', async () => {
    const endpoint = await open(answer(200));
    const { port, url } = endpoint;
    await endpoint[Symbol.asyncDispose]();
    const away = 'http://nobody.invalid';
    expect((await ask(allow(away), { http: { url: away } })).seen).toMatch(
      /^no answer from http:\/\/nobody\.invalid:80: getaddrinfo E/,
    );
    expect((await ask(allow(url), { http: { url } })).seen).toMatch(
      new RegExp(`^no answer from ${url}: connect ECONNREFUSED 127.0.0.1:${port}`),
    );
  });

  test('a certificate that nobody vouches for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], {
      stdio: 'pipe',
    });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer(200));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      server.close();
    });
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    expect(await ask(allow(url), { http: { url } })).toEqual({
      passed: false,
      seen: `no answer from ${url}: self-signed certificate`,
    });
  });

  test('IPv6', async () => {
    const endpoint = await open(answer(200), '::1');
    const url = `http://[::1]:${endpoint.port}`;
    const asked = `http://[0:0:0:0:0:0:0:1]:${endpoint.port}/x`;
    expect(await ask(allow(url), { http: { url: asked } })).toEqual({ passed: true, seen: 'status 200' });
  });
});

describe('where requests may go', () => {
  const redirect = (to: string, then = answer(200, 'there')): RequestListener => {
    return (request, response) =>
      request.url === '/' ? answer(302, '', { location: to })(request, response) : then(request, response);
  };

  test('nowhere by default', async () => {
    const endpoint = await open(answer(200));
    const seen = `${endpoint.url} is not among checks.allowedHosts of the agent's configuration`;
    expect(await ask(allow(), { http: { url: endpoint.url } })).toEqual({ passed: false, seen });
    expect(endpoint.asked).toEqual([]);
  });

  test.each([
    'http://127.0.0.1:{other}/',
    'https://127.0.0.1:{port}/',
    'http://localhost:{port}/',
    'http://127.0.0.2:{port}/',
    'http://[::ffff:127.0.0.1]:{port}/',
  ])('a host as a whole is allowed, not %s', async (template) => {
    const endpoint = await open(answer(200));
    const url = template
      .replace('{port}', String(endpoint.port))
      .replace('{other}', String(endpoint.port + 1));
    const { passed, seen } = await ask(allow(endpoint.url), { http: { url } });
    expect([passed, seen]).toEqual([false, expect.stringContaining('is not among checks.allowedHosts')]);
    expect(endpoint.asked).toEqual([]);
  });

  test.each(['http://127.1:{port}/', 'http://0x7f.1:{port}/', 'HTTP://127.0.0.1:{port}'])(
    'other ways to write the same host are the same host: %s',
    async (template) => {
      const endpoint = await open(answer(200));
      const url = template.replace('{port}', String(endpoint.port));
      expect(await ask(allow(endpoint.url), { http: { url } })).toEqual({ passed: true, seen: 'status 200' });
    },
  );

  test('a redirect to elsewhere is not followed', async () => {
    const other = await open(answer(200));
    const endpoint = await open(redirect(`${other.url}/secret`));
    const allowed = allow(endpoint.url, other.url);
    const seen = `status 302: redirects to elsewhere, 127.0.0.1:${other.port}; it is not followed`;
    expect(await ask(allowed, { http: { url: endpoint.url } })).toEqual({ passed: false, seen });
    expect(other.asked).toEqual([]);
  });

  test.each(['file:///etc/passwd', 'http://user:pw@127.0.0.1:{port}/x', '//127.0.0.2:{port}/x'])(
    'nor one to %s',
    async (template) => {
      const to = { text: '' };
      const endpoint = await open((request, response) => redirect(to.text)(request, response));
      to.text = template.replace('{port}', String(endpoint.port));
      const { passed, seen } = await ask(allow(endpoint.url), { http: { url: endpoint.url } });
      expect([passed, seen]).toEqual([false, expect.stringContaining('redirects to elsewhere')]);
      expect(endpoint.asked).toHaveLength(1);
    },
  );

  test('one on the same host is followed, and not for ever', async () => {
    const endpoint = await open(redirect('/there'));
    expect(await ask(allow(endpoint.url), { http: { url: endpoint.url } })).toMatchObject({ passed: true });
    const round = await open(answer(307, '', { location: '/' }));
    const seen = 'redirects more than 3 times';
    expect(await ask(allow(round.url), { http: { url: round.url } })).toEqual({ passed: false, seen });
    expect(round.asked).toHaveLength(4);
  });
});

describe('credentials', () => {
  const access = (endpoint: Endpoint, headersFile: string, path = '/team'): CheckAccess =>
    CheckAccessSchema.parse({
      allowedHosts: [endpoint.url],
      credentials: [{ name: 'team', url: `${endpoint.url}${path}`, headersFile }],
    });
  const TOKEN = 'tok-5f9c1e8a77';

  test('are read at each use, and sent', async () => {
    const endpoint = await open(answer(200));
    const file = fileWith(`# of the team\nAuthorization: Bearer ${TOKEN}\r\nX-Scope-OrgID: nodes\n`);
    const check = { http: { url: `${endpoint.url}/team/health` }, credentials: 'team' };
    await ask(access(endpoint, file), check);
    writeFileSync(file, 'Authorization: Bearer another-token\n');
    await ask(access(endpoint, file), check);
    const sent = endpoint.asked.map(({ headers }) => [headers.authorization, headers['x-scope-orgid']]);
    expect(sent).toEqual([
      [`Bearer ${TOKEN}`, 'nodes'],
      ['Bearer another-token', undefined],
    ]);
  });

  test('are not sent where no check names them', async () => {
    const endpoint = await open(answer(200));
    const file = fileWith(`Authorization: Bearer ${TOKEN}\n`);
    await ask(access(endpoint, file), { http: { url: `${endpoint.url}/team/health` } });
    expect(endpoint.asked[0]?.headers.authorization).toBeUndefined();
  });

  test.each([
    '/teams',
    '/',
    '/team%2f..%2fother',
    '/team/%2e%2e%2fother',
    '/team/..%5cother',
    '/team/..;/other',
    '/team/..;a=b/other',
    '/team/../other',
    '/Team/x',
  ])('nor to %s', async (path) => {
    const endpoint = await open(answer(200));
    const file = fileWith(`Authorization: Bearer ${TOKEN}\n`);
    const check = { http: { url: `${endpoint.url}${path}` }, credentials: 'team' };
    const seen = `"team" are for ${endpoint.url}/team only`;
    expect(await ask(access(endpoint, file), check)).toEqual({ passed: false, seen });
    expect(endpoint.asked).toEqual([]);
  });

  test.each([
    ['/team', '/team'],
    ['/team/', '/team/x'],
    ['/team', '/team/x?y=../z'],
    ['', '/anything'],
  ])('those for %s are sent to %s', async (root, path) => {
    const endpoint = await open(answer(200));
    const file = fileWith(`Authorization: Bearer ${TOKEN}\n`);
    const check = { http: { url: `${endpoint.url}${path}` }, credentials: 'team' };
    expect(await ask(access(endpoint, file, root), check)).toMatchObject({ passed: true });
    expect(endpoint.asked[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  test('are not sent after a redirect, not even on the same host', async () => {
    const endpoint = await open((request, response) =>
      request.url === '/team/a'
        ? answer(302, '', { location: '/team/b' })(request, response)
        : answer(200)(request, response),
    );
    const file = fileWith(`Authorization: Bearer ${TOKEN}\n`);
    await ask(access(endpoint, file), { http: { url: `${endpoint.url}/team/a` }, credentials: 'team' });
    expect(endpoint.asked.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      undefined,
    ]);
  });

  test('that an answer repeats are masked', async () => {
    const endpoint = await open((request, response) =>
      answer(500, `you sent ${request.headers.authorization ?? ''}, that is ${TOKEN}!`)(request, response),
    );
    const file = fileWith(`Authorization: Bearer ${TOKEN}\n`);
    const check = { http: { url: `${endpoint.url}/team/a` }, credentials: 'team' };
    const { seen } = await ask(access(endpoint, file), check);
    expect(seenText(seen)).toContain('status 500');
    expect(seenText(seen)).not.toContain(TOKEN);
  });

  test('are masked in whatever way an answer has them, also where it is cut', async () => {
    const password = 'hunter"22/wö rd';
    const pair = Buffer.from(`team:${password}`).toString('base64');
    const file = fileWith(`Authorization: Basic ${pair}\n`);
    const check = { http: { url: '' }, credentials: 'team' };
    for (const said of [
      JSON.stringify({ password }),
      `/login?password=${encodeURIComponent(password)}`,
      `team:${password}`,
      `${'x'.repeat(985)}${pair}`,
    ]) {
      const endpoint = await open(answer(500, said));
      check.http.url = `${endpoint.url}/team/a`;
      const { seen } = await ask(access(endpoint, file), check);
      expect(seen).toContain('status 500');
      expect(seen).not.toMatch(/hunter|wö|w%C3|dGVhb/);
    }
  });

  test.each([
    ['Host: elsewhere.example', 'line 1 may not set Host'],
    ['Authorization Bearer', 'line 1 is no header'],
    ['X-A: b\nX-B: \u0001', 'line 2 is no header'],
    ['# nothing\n', 'holds no header'],
  ])('a file with %o is refused, and its text is not shown', async (text, why) => {
    const endpoint = await open(answer(200));
    const check = { http: { url: `${endpoint.url}/team/a` }, credentials: 'team' };
    const { passed, seen } = await ask(access(endpoint, fileWith(text)), check);
    expect([passed, seen]).toEqual([false, expect.stringContaining(why)]);
    expect(endpoint.asked).toEqual([]);
  });

  test('a file that is not there, and a name that is not known', async () => {
    const endpoint = await open(answer(200));
    const http = { url: `${endpoint.url}/team/a` };
    const known = access(endpoint, '/nowhere/headers');
    expect((await ask(known, { http, credentials: 'team' })).seen).toMatch(
      /^the credentials cannot be read: ENOENT/,
    );
    expect((await ask(known, { http, credentials: 'other' })).seen).toBe(
      '"other" is not among checks.credentials of the agent\'s configuration',
    );
    expect(endpoint.asked).toEqual([]);
  });
});

describe('prometheus', () => {
  const values = { up: ['1', '1'], rate: ['0.02'], nothing: [], odd: ['NaN', '+Inf', '-Inf'] };

  test.each([
    ['up', undefined, true, 'result is [1, 1]'],
    ['nothing', undefined, false, 'the expression is false; result is []'],
    ['nothing', 'size(result) == 0', true, 'result is []'],
    ['rate', 'result[0] < 0.05', true, 'result is [0.02]'],
    ['rate', 'result[0] < 0.01', false, 'the expression is false; result is [0.02]'],
    ['up', 'result.all(it, it == 1)', true, 'result is [1, 1]'],
    [
      'odd',
      'result[0] < 1.0 || result[1] < 1.0',
      false,
      'the expression is false; result is [NaN, Infinity, -Infinity]',
    ],
    [
      'nothing',
      'result[0] < 0.05',
      false,
      'the expression cannot be evaluated: index 0 out of bounds [0, -1); result is []',
    ],
    ['up{', undefined, false, 'status 400, bad_data: invalid parameter "query"'],
  ])('%s, %s', async (query, expression, passed, seen) => {
    const endpoint = await open(prometheusLike(values));
    const prometheus = {
      url: `${endpoint.url}/prefix/`,
      query,
      ...(expression === undefined ? {} : { expression }),
    };
    expect(await ask(allow(endpoint.url), { prometheus })).toEqual({ passed, seen });
    expect(endpoint.asked[0]?.url).toMatch(/^\/prefix\/api\/v1\/query\?query=/);
  });

  test.each([
    [
      '{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}',
      'result[0] == 7',
      true,
      'result is [7]',
    ],
    [
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
      'true',
      false,
      'the query gives a matrix',
    ],
    [
      '{"status":"success","data":{"resultType":"vector","result":[{"histogram":[1,{}]}]}}',
      'true',
      false,
      'histograms',
    ],
    [
      '<html>sign in</html>',
      'true',
      false,
      'status 200, and not an answer of Prometheus: <html>sign in</html>',
    ],
    ['{}', 'true', false, 'not an answer of Prometheus'],
    ...['', ' ', '0x10', 'none'].map((text): [string, string, boolean, string] => [
      `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"${text}"]}]}}`,
      'result[0] < 100.0',
      false,
      'not an answer of Prometheus',
    ]),
  ])('an answer such as %s', async (body, expression, passed, seen) => {
    const endpoint = await open(answer(200, body));
    const prometheus = { url: endpoint.url, query: 'up', expression };
    const result = await ask(allow(endpoint.url), { prometheus });
    expect([result.passed, result.seen]).toEqual([passed, expect.stringContaining(seen)]);
  });
});
