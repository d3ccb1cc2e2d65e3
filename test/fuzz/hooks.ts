import { ok } from 'node:assert';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { triggerRoutes } from '../../src/http/triggers.ts';
import {
  bitbucketCloudPush,
  bitbucketDataCenterPush,
  giteaPush,
  githubPush,
  gitlabPush,
} from '../http/payloads.ts';
import { editsOf, hostile, longText, objects } from './generators.ts';
import { kind } from './kind.ts';
import { readable } from './oracles.ts';

const NOW = 1_900_000_000_000;
const SECONDS = String(NOW / 1000);
const SECRET = 's3cret';

const dir = mkdtempSync(join(tmpdir(), 'nodeop-fuzz-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const secretFile = join(dir, 'secret');
writeFileSync(secretFile, SECRET);

type Headers = Record<string, string>;
type Sign = (body: Buffer) => Headers;
const hmac = (...parts: (string | Buffer)[]) => {
  const it = createHmac('sha256', SECRET);
  for (const part of parts) it.update(part);
  return it;
};

/** What each host sends of a push, and how it signs it. */
const HOSTS: Record<string, { right: object[]; sign: Sign }> = {
  github: {
    right: [githubPush('main')],
    sign: (body) => ({
      'x-github-event': 'push',
      'x-hub-signature-256': `sha256=${hmac(body).digest('hex')}`,
    }),
  },
  gitlab: { right: [gitlabPush('main')], sign: () => ({ 'x-gitlab-token': SECRET }) },
  gitea: {
    right: [giteaPush('main')],
    sign: (body) => ({ 'x-gitea-event': 'push', 'x-gitea-signature': hmac(body).digest('hex') }),
  },
  bitbucket: {
    right: [bitbucketCloudPush('main'), bitbucketDataCenterPush('main')],
    sign: (body) => ({
      'x-event-key': body.includes('refs_changed') ? 'repo:refs_changed' : 'repo:push',
      'x-hub-signature': `sha256=${hmac(body).digest('hex')}`,
    }),
  },
  generic: {
    right: [{ repository: 'platform/operations', branch: 'main' }],
    sign: (body) => ({
      'x-nodeop-timestamp': SECONDS,
      'x-nodeop-signature': `sha256=${hmac(`${SECONDS}.`, body).digest('hex')}`,
    }),
  },
};

const call = fc.constantFrom(...Object.keys(HOSTS)).chain((host) => {
  const json = fc.oneof(
    ...(HOSTS[host]?.right ?? []).map((it) => objects(it).map((body) => JSON.stringify(body) ?? '')),
  );
  const body = fc.oneof(
    { weight: 6, arbitrary: json },
    { weight: 2, arbitrary: editsOf(json) },
    { weight: 1, arbitrary: hostile() },
    { weight: 1, arbitrary: json.map((it) => `payload=${encodeURIComponent(it.toWellFormed())}`) },
    {
      weight: 1,
      arbitrary: longText(1024 * 1024).map((it) => JSON.stringify({ ref: it, repository: it, branch: it })),
    },
  );
  const headers = fc.dictionary(
    fc.constantFrom(
      'x-github-event',
      'x-hub-signature-256',
      'x-gitlab-token',
      'webhook-signature',
      'x-event-key',
    ),
    hostile(),
    { maxKeys: 2 },
  );
  return fc.record({ host: fc.constant(host), body, headers, isSigned: fc.boolean() });
});

const webhooks = kind('webhooks', call, async ({ host, body, headers, isSigned }, work) => {
  const polls: string[] = [];
  const refused: string[] = [];
  const hooks = { [host]: { secretFile } };
  const [route] = triggerRoutes({
    url: 'https://git.example.org/platform/operations.git',
    branch: 'main',
    hooks,
    rateLimit: 10,
    poll: (reason) => polls.push(reason),
    onRefused: (_, reason) => refused.push(reason),
    now: () => NOW,
  });
  const bytes = Buffer.from(body);
  const own = isSigned ? HOSTS[host]?.sign(bytes) : {};
  const request = { headers: { ...headers, ...own }, body: bytes, remote: '192.0.2.1' };
  ok(route && route.admit?.(request) === undefined);
  const answer = await work.turn('answering', () => route.handle(request));
  ok([200, 202, 400, 401].includes(answer.code), String(answer.code));
  const text = JSON.stringify(answer.body);
  ok(!text.includes(SECRET) && text.length < 20_000, text.slice(0, 200));
  ok((answer.code === 202) === (polls.length === 1));
  const isBySecret = headers['x-gitlab-token'] === SECRET;
  if (!isSigned && !isBySecret) ok(answer.code === 401, 'nobody signed it');
  for (const it of [...polls, ...refused]) readable(JSON.stringify(it));
});

export const HOOKS = [webhooks];
