import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestRepository } from '../runs/support.ts';
import { makeCertificates } from './support/certificates.ts';
import { startProxy } from './support/connect-proxy.ts';
import { GitServer, type GitServerOptions } from './support/git-server.ts';
import { branchWith, secretFile, writeOne } from './support/mirror.ts';
import { argumentsShown } from './support/processes.ts';

const SECRET = 'glpat-s3cr3t+/=Value';
let repository: TestRepository;

beforeEach(() => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
});
afterEach(() => repository[Symbol.dispose]());

const serve = (options: Partial<GitServerOptions> = {}) =>
  GitServer.start({ root: repository.root, ...options });
const sends = (header: string) => (request: IncomingMessage) => request.headers.authorization === header;
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const reasonOf = (action: Promise<unknown>) => action.then(String, (error: Error) => error.message);

test('a password from a file reads and writes, never shows among arguments, and counts at once when changed', async () => {
  let seen = '';
  await using server = await serve({
    allows: (request) => {
      seen += argumentsShown();
      return sends(basic('ada', SECRET))(request);
    },
  });
  const passwordFile = secretFile(repository, 'password', `${SECRET}\n`);
  const mirror = branchWith(repository, { url: server.url(), access: { username: 'ada', passwordFile } });
  await mirror.fetch();
  const id = repository.git(repository.bare, 'rev-parse', 'main:README.md').trim();
  await expect(mirror.git.text(['cat-file', 'blob', id]), 'is not in the clone yet').rejects.toThrow(id);
  expect([...(await mirror.contents.read([id], 100)).values()].map(String)).toEqual(['x']);
  await writeOne(mirror, 'results/a.yaml');
  expect(repository.read('results/a.yaml')).toBe('results/a.yaml\n');
  expect(seen).toContain('git-remote-http');
  for (const form of [SECRET, Buffer.from(`ada:${SECRET}`).toString('base64')])
    expect(seen).not.toContain(form);

  server.options = { ...server.options, allows: sends(basic('ada', 'rotated')) };
  const refused = await reasonOf(mirror.fetch());
  expect(refused).toMatch(/Authentication failed for 'http:\/\/localhost/);
  expect(refused).not.toContain(SECRET);
  writeFileSync(passwordFile, 'rotated');
  await expect(mirror.fetch()).resolves.toBe(repository.git(repository.bare, 'rev-parse', 'main').trim());
});

test('a bearer token; another one for pushes', async () => {
  await using server = await serve({
    allows: (request) =>
      sends(`Bearer ${request.url?.includes('receive-pack') === true ? 'write-token' : 'read-token'}`)(
        request,
      ),
  });
  const read = { bearerTokenFile: secretFile(repository, 'read', 'read-token') };
  const write = { bearerTokenFile: secretFile(repository, 'write', 'write-token') };
  const reader = branchWith(repository, { url: server.url(), access: read });
  await reader.fetch();
  const refused = await reasonOf(writeOne(reader, 'results/a.yaml'));
  expect(refused).toMatch(/Authentication failed/);
  expect(refused).not.toContain('read-token');
  const both = branchWith(repository, { url: server.url(), access: read, writeAccess: write });
  await both.fetch();
  await writeOne(both, 'results/a.yaml');
  expect(repository.read('results/a.yaml')).toBe('results/a.yaml\n');
});

test('a certificate of an authority of one’s own, and a client certificate', async () => {
  const { ca, client, server: identity } = makeCertificates(repository.root);
  await using server = await serve({ tls: { ...identity, requestCert: true, rejectUnauthorized: true } });
  const open = (access: object) => branchWith(repository, { url: server.url(), access });
  expect(await reasonOf(open({}).fetch())).toMatch(/certificate/i);
  await expect(open({ caFile: ca }).fetch()).rejects.toThrow(/unable to access/);
  expect(server.requests).toEqual([]);
  const mirror = open({
    caFile: ca,
    clientCertificateFile: client.certificate,
    clientKeyFile: client.key,
  });
  await mirror.fetch();
  await writeOne(mirror, 'results/a.yaml');
  expect(repository.read('results/a.yaml')).toBe('results/a.yaml\n');
});

test('a proxy with a password; the repository’s credentials go through its tunnel', async () => {
  const { ca, server: identity } = makeCertificates(repository.root);
  await using server = await serve({ tls: identity, allows: sends(basic('git', SECRET)) });
  await using proxy = await startProxy('ada:pr@xy');
  const passwordFile = secretFile(repository, 'password', SECRET);
  const open = (proxyPassword: string) => {
    const file = secretFile(repository, 'proxy', proxyPassword);
    const through = { url: proxy.url, username: 'ada', passwordFile: file };
    return branchWith(repository, {
      url: server.url(),
      access: { caFile: ca, passwordFile, proxy: through },
    });
  };
  const refused = await reasonOf(open('wr@ng').fetch());
  expect(refused).toMatch(/407/);
  expect(refused).not.toMatch(/wr@ng|wr%40ng/);
  expect(server.requests).toEqual([]);
  await open('pr@xy').fetch();
  expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${server.port}`]));
});

test('a redirect is not followed with credentials', async () => {
  await using elsewhere = await serve();
  await using server = await serve({
    intercepts: (request, response) => {
      response.writeHead(302, { location: `${elsewhere.url('')}${request.url ?? ''}` }).end();
      return true;
    },
  });
  const passwordFile = secretFile(repository, 'password', SECRET);
  const refused = await reasonOf(
    branchWith(repository, { url: server.url(), access: { passwordFile } }).fetch(),
  );
  expect(refused).toMatch(/302/);
  expect(elsewhere.requests).toEqual([]);
});

test('a file that is missing, empty or of several lines is named with its field', async () => {
  const open = (passwordFile: string) =>
    branchWith(repository, { url: 'https://localhost:1/x.git', access: { passwordFile } });
  await expect(open('/nowhere').fetch()).rejects.toThrow(
    'git.access.passwordFile: cannot read /nowhere: ENOENT',
  );
  await expect(open(secretFile(repository, 'none', '\n')).fetch()).rejects.toThrow(/none is empty/);
  await expect(open(secretFile(repository, 'two', 'a\r\nHost: b')).fetch()).rejects.toThrow(
    /more than one line/,
  );
});

test('a host that accepts and never answers is given up, and no git is left behind', async () => {
  await using server = await serve({ intercepts: () => true });
  const mirror = branchWith(repository, { url: server.url(), timeout: '500ms' });
  expect(await reasonOf(mirror.fetch())).toMatch(/timeout/);
  const [host] = server.url().split('/origin');
  await expect.poll(() => argumentsShown().includes(`${host}/`), { timeout: 30_000 }).toBe(false);
});
