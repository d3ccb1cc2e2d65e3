import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpServer } from '../../src/http/server.ts';
import { type TriggerOptions, triggerRoutes } from '../../src/http/triggers.ts';
import {
  base64,
  bitbucketCloudPush,
  bitbucketDataCenterPush,
  giteaPush,
  githubPush,
  gitlabPush,
  hex,
} from './payloads.ts';

const NOW = 1_900_000_000_000;
const SECONDS = String(NOW / 1000);
const SECRET = 's3cret';
const TOKEN = 'whsec_c2lnbmluZy1rZXktb2YtZ2l0bGFi';

let dir: string;
let server: HttpServer;
let url: string;
let polls: string[];
let refused: string[];

async function serve(changes: Partial<TriggerOptions> = {}): Promise<void> {
  const secretFile = join(dir, 'secret');
  const routes = triggerRoutes({
    url: 'https://git.example.org/platform/operations.git',
    branch: 'main',
    hooks: {
      github: { secretFile },
      gitlab: { secretFile },
      gitea: { secretFile },
      bitbucket: { secretFile },
      generic: { secretFile },
    },
    pollTokenFile: secretFile,
    rateLimit: 1_000,
    poll: (reason) => polls.push(reason),
    onRefused: (path, reason) => refused.push(`${path}: ${reason}`),
    now: () => NOW,
    ...changes,
  });
  const onError = (error: unknown) => refused.push(String(error));
  server = new HttpServer({ routes, host: '127.0.0.1', port: 0, onError });
  url = `http://127.0.0.1:${await server.listen()}`;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-hooks-'));
  writeFileSync(join(dir, 'secret'), `${SECRET}\n`);
  polls = [];
  refused = [];
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

async function post(path: string, body: string, headers: Record<string, string>) {
  const response = await fetch(`${url}${path}`, { method: 'POST', body, headers });
  return { code: response.status, body: (await response.json()) as Record<string, unknown>, response };
}

const json = { 'content-type': 'application/json' };

/** The headers each host sends with `body`, signed with `secret`. */
const HEADERS: Record<string, (body: string, secret?: string) => Record<string, string>> = {
  github: (body, secret = SECRET) => ({
    ...json,
    'x-github-event': 'push',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': `sha256=${hex(secret, body)}`,
  }),
  gitlab: (_, secret = SECRET) => ({ ...json, 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret }),
  gitea: (body, secret = SECRET) => ({
    ...json,
    'x-gitea-event': 'push',
    'x-github-event': 'push',
    'x-gitea-signature': hex(secret, body),
  }),
  bitbucket: (body, secret = SECRET) => ({
    ...json,
    'x-event-key': body.includes('eventKey') ? 'repo:refs_changed' : 'repo:push',
    'x-hub-signature': `sha256=${hex(secret, body)}`,
  }),
  generic: (body, secret = SECRET) => ({
    'x-nodeop-timestamp': SECONDS,
    'x-nodeop-signature': `sha256=${hex(secret, `${SECONDS}.${body}`)}`,
  }),
};

const PUSHES: [string, string, (branch: string) => unknown, unknown][] = [
  ['GitHub', 'github', githubPush, githubPush('main', 'platform/other')],
  ['GitLab', 'gitlab', gitlabPush, gitlabPush('main', 'platform/other')],
  ['Gitea', 'gitea', giteaPush, giteaPush('main', 'other/operations')],
  ['Bitbucket Cloud', 'bitbucket', bitbucketCloudPush, bitbucketCloudPush('main', 'platform/operations-2')],
  [
    'Bitbucket Data Center',
    'bitbucket',
    bitbucketDataCenterPush,
    bitbucketDataCenterPush('main', ['P', 'o']),
  ],
  [
    'anything else',
    'generic',
    (branch) => ({ repository: 'platform/operations', branch }),
    { repository: 'operations', branch: 'main' },
  ],
];

test.each(PUSHES)('%s: a signed push to the followed branch asks for a poll', async (_, name, push) => {
  await serve();
  const body = JSON.stringify(push('main'));
  const answer = await post(`/hooks/${name}`, body, HEADERS[name]?.(body) ?? {});
  expect([answer.code, answer.body]).toEqual([202, { poll: true }]);
  expect(polls).toEqual([`webhook of ${name}`]);
});

test.each(PUSHES)('%s: a wrong, missing or foreign signature is refused', async (_, name, push) => {
  await serve();
  const body = JSON.stringify(push('main'));
  const wrong = await post(`/hooks/${name}`, body, HEADERS[name]?.(body, 'guess') ?? {});
  const none = await post(`/hooks/${name}`, body, { 'x-github-event': 'push', 'x-event-key': 'repo:push' });
  expect([wrong.code, none.code]).toEqual([401, 401]);
  expect(polls).toEqual([]);
  expect(refused).toHaveLength(2);
  expect(refused.join()).not.toContain(SECRET);
});

test.each(PUSHES.filter(([, name]) => name !== 'gitlab'))(
  '%s: a body changed on its way is refused',
  async (_, name, push) => {
    await serve();
    const body = JSON.stringify(push('main'));
    const answer = await post(`/hooks/${name}`, `${body} `, HEADERS[name]?.(body) ?? {});
    expect([answer.code, polls]).toEqual([401, []]);
  },
);

test.each(PUSHES)('%s: other branches and repositories are ignored', async (_, name, push, foreign) => {
  await serve();
  const branch = JSON.stringify(push('feature/main'));
  const other = await post(`/hooks/${name}`, branch, HEADERS[name]?.(branch) ?? {});
  expect([other.code, other.body]).toEqual([200, { poll: false, reason: 'only branch main is followed' }]);
  const body = JSON.stringify(foreign);
  const elsewhere = await post(`/hooks/${name}`, body, HEADERS[name]?.(body) ?? {});
  expect(elsewhere.code).toBe(200);
  expect(elsewhere.body['reason']).toMatch(/is not the followed repository/);
  expect(polls).toEqual([]);
});

test.each(PUSHES)('%s: a signed body of another shape is refused by field', async (_, name) => {
  await serve();
  const kind = name === 'gitlab' ? { object_kind: 'push' } : {};
  const body = JSON.stringify({ ...kind, ref: 1, nonsense: true });
  const answer = await post(`/hooks/${name}`, body, HEADERS[name]?.(body) ?? {});
  expect(answer.code).toBe(400);
  expect(answer.body['error']).toMatch(/not a webhook of .*(repository|project)/);
  const broken = await post(`/hooks/${name}`, '{', HEADERS[name]?.('{') ?? {});
  expect([broken.code, polls]).toEqual([400, []]);
});

test('a ping is answered, and means nothing', async () => {
  await serve();
  const body = JSON.stringify({ zen: 'Keep it logically awesome.', hook_id: 1 });
  const headers = { ...HEADERS['github']?.(body), 'x-github-event': 'ping' };
  const answer = await post('/hooks/github', body, headers);
  expect([answer.code, answer.body]).toEqual([200, { poll: false, reason: 'not a push' }]);
});

test("GitHub's form with the JSON in a field is read as well", async () => {
  await serve();
  const body = new URLSearchParams({ payload: JSON.stringify(githubPush('main')) }).toString();
  const headers = { ...HEADERS['github']?.(body), 'content-type': 'application/x-www-form-urlencoded' };
  expect((await post('/hooks/github', body, headers)).code).toBe(202);
});

test.each([
  ['now', 0, 202],
  ['four minutes ago', -240, 202],
  ['six minutes ago', -360, 401],
  ['in six minutes', 360, 401],
])("GitLab's signing token, signed %s", async (_, seconds, code) => {
  writeFileSync(join(dir, 'secret'), TOKEN);
  await serve();
  const body = JSON.stringify(gitlabPush('main'));
  const time = String(NOW / 1000 + seconds);
  const key = Buffer.from(TOKEN.slice(6), 'base64');
  const headers = {
    ...json,
    'webhook-id': 'msg_1',
    'webhook-timestamp': time,
    'webhook-signature': `v1,bm90IHRoaXM= v1,${base64(key, `msg_1.${time}.${body}`)}`,
  };
  expect((await post('/hooks/gitlab', body, headers)).code).toBe(code);
  const moved = { ...headers, 'webhook-timestamp': String(Number(time) + 1) };
  expect((await post('/hooks/gitlab', body, moved)).code).toBe(401);
});

test('a replayed call of the generic kind is refused when it is five minutes old', async () => {
  await serve({ now: () => NOW + 301_000 });
  const body = JSON.stringify({ repository: 'platform/operations', branch: 'main' });
  expect((await post('/hooks/generic', body, HEADERS['generic']?.(body) ?? {})).code).toBe(401);
});

test('a secret is read for every call; one that cannot be read refuses all, without telling where it lies', async () => {
  await serve();
  const body = JSON.stringify(githubPush('main'));
  writeFileSync(join(dir, 'secret'), 'rotated');
  expect((await post('/hooks/github', body, HEADERS['github']?.(body) ?? {})).code).toBe(401);
  expect((await post('/hooks/github', body, HEADERS['github']?.(body, 'rotated') ?? {})).code).toBe(202);
  for (const secret of [undefined, '\n']) {
    if (secret === undefined) rmSync(join(dir, 'secret'));
    else writeFileSync(join(dir, 'secret'), secret);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await post('/hooks/github', body, HEADERS['github']?.(body, '') ?? {});
    expect(answer.code).toBe(503);
    expect(JSON.stringify(answer.body)).not.toContain(dir);
  }
  expect(refused.at(-1)).toContain(join(dir, 'secret'));
});

test('a poll is asked for with the token and refused without', async () => {
  await serve();
  const good = await post('/poll', '', { authorization: `Bearer ${SECRET}` });
  expect([good.code, polls]).toEqual([202, ['asked for over HTTP']]);
  for (const authorization of ['Bearer guess', `Basic ${SECRET}`, '']) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const bad = await post('/poll', '', { authorization });
    expect([bad.code, bad.response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  }
  expect(polls).toHaveLength(1);
});

test('so many calls a minute, then 429 with the seconds to wait', async () => {
  await serve({ rateLimit: 3 });
  const codes: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    codes.push((await post('/poll', '', { authorization: 'Bearer guess' })).code);
  }
  expect(codes).toEqual([401, 401, 401, 429, 429]);
  const { response } = await post('/poll', '', { authorization: `Bearer ${SECRET}` });
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('what is not configured does not exist', async () => {
  await serve({ hooks: {}, pollTokenFile: undefined });
  expect((await post('/hooks/github', '{}', {})).code).toBe(404);
  expect((await post('/poll', '', {})).code).toBe(404);
});

test.each<[string, string, () => object, (count: number, entry: unknown) => object]>([
  [
    'Cloud',
    'repo:push',
    () => bitbucketCloudPush('topic'),
    (count, entry) => ({
      push: {
        changes: [...bitbucketCloudPush('topic').push.changes, ...Array.from({ length: count }, () => entry)],
      },
    }),
  ],
  [
    'Data Center',
    'repo:refs_changed',
    () => bitbucketDataCenterPush('topic'),
    (count, entry) => ({
      changes: [...bitbucketDataCenterPush('topic').changes, ...Array.from({ length: count }, () => entry)],
    }),
  ],
])(
  'of a push to very many branches the first are looked at, and there is a poll for the rest: Bitbucket %s',
  async (_, event, push, more) => {
    await serve();
    const send = async (changes: object) => {
      const body = JSON.stringify({ ...push(), ...changes });
      const headers = { 'x-event-key': event, 'x-hub-signature': `sha256=${hex(SECRET, body)}` };
      const answer = await fetch(`${url}/hooks/bitbucket`, { method: 'POST', body, headers });
      return [answer.status, (await answer.text()).length < 1000];
    };
    const { changes = [] } = ((push() as { push?: object }).push ?? push()) as { changes?: unknown[] };
    expect(await send(more(100, changes[0]))).toEqual([200, true]);
    expect(polls).toEqual([]);
    expect(await send(more(2000, changes[0]))).toEqual([202, true]);
    expect(polls).toEqual(['webhook of bitbucket']);
    expect(await send(more(400_000, 1)), 'what is wrong is told of the first ones').toEqual([400, true]);
  },
);
