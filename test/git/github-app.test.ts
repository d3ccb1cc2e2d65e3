import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GitAccess } from '../../src/api/git-access.ts';
import { GitHubApp } from '../../src/git/github-app.ts';
import { TestRepository } from '../runs/support.ts';
import { startProxy } from './support/connect-proxy.ts';
import { makeCertificates } from './support/certificates.ts';
import { GitServer } from './support/git-server.ts';
import { branchWith, secretFile } from './support/mirror.ts';

const HOUR = 3_600_000;
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString();
let repository: TestRepository;

beforeEach(() => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
});
afterEach(() => repository[Symbol.dispose]());

/** GitHub Enterprise Server as far as an App needs it: its token endpoint and the repository behind it. */
async function startGitHub(now: () => number) {
  const dir = repository.root;
  const { ca, server: tls } = makeCertificates(dir);
  const state = { issued: 0, valid: '' };
  const server = await GitServer.start({
    root: dir,
    tls,
    allows: ({ headers }) => {
      const pair = Buffer.from(`x-access-token:${state.valid}`).toString('base64');
      return headers.authorization === `Basic ${pair}`;
    },
    intercepts: (request, response) => {
      if (request.url !== '/api/v3/app/installations/42/access_tokens') return false;
      const jwt = request.headers.authorization?.replace('Bearer ', '') ?? '';
      if (request.method !== 'POST' || !isValid(jwt, now())) {
        response.writeHead(401).end('{"message":"A JSON web token could not be decoded"}');
        return true;
      }
      state.issued += 1;
      state.valid = `ghs_${state.issued}`;
      const expires = new Date(now() + HOUR).toISOString();
      response.writeHead(201).end(JSON.stringify({ token: state.valid, expires_at: expires }));
      return true;
    },
  });
  return { server, ca, state };
}

/** What GitHub checks: signed by the App's key, by its id, not from the future, for ten minutes at most. */
function isValid(jwt: string, now: number): boolean {
  const [head = '', body = '', signature = ''] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  const times = Number(claims['iat']) * 1000 <= now && Number(claims['exp']) * 1000 <= now + 600_000;
  const key = createPublicKey(pem);
  const bytes = Buffer.from(signature, 'base64url');
  return times && claims['iss'] === '7' && verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key, bytes);
}

const appOf = (privateKeyFile: string) => ({ appId: 7, installationId: 42, privateKeyFile });

test('a clone through a GitHub App; a token that was withdrawn is replaced', async () => {
  const github = await startGitHub(Date.now);
  await using server = github.server;
  await using proxy = await startProxy('ada:secret');
  const githubApp = appOf(secretFile(repository, 'app.pem', pem));
  const password = secretFile(repository, 'proxy', 'secret');
  const through = { url: proxy.url, username: 'ada', passwordFile: password };
  const mirror = branchWith(repository, {
    url: server.url(),
    access: { githubApp, caFile: github.ca, proxy: through },
  });
  await mirror.fetch();
  await mirror.fetch();
  expect(github.state.issued).toBe(1);
  expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${server.port}`]));
  github.state.valid = 'another';
  await mirror.fetch();
  expect(github.state.issued).toBe(2);
});

test('a token is used until shortly before its end; a new key counts at once', async () => {
  let now = Date.parse('2030-01-01T00:00:00Z');
  const github = await startGitHub(() => now);
  await using server = github.server;
  const privateKeyFile = secretFile(repository, 'app.pem', pem);
  const access = GitAccess.parse({ caFile: github.ca, githubApp: appOf(privateKeyFile) });
  const app = new GitHubApp(access, server.url(), 'git.access', () => now);
  expect(await app.token()).toBe('ghs_1');
  now += HOUR - 6 * 60_000;
  expect(await app.token()).toBe('ghs_1');
  now += 2 * 60_000;
  expect(await app.token()).toBe('ghs_2');
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  writeFileSync(privateKeyFile, other.export({ type: 'pkcs8', format: 'pem' }));
  await expect(app.token()).rejects.toThrow(
    /git.access.githubApp: no token .* GitHub answered 401: A JSON web token could not be decoded/,
  );
  writeFileSync(privateKeyFile, 'no key');
  await expect(app.token()).rejects.toThrow(/privateKeyFile: not an RSA private key/);
});
