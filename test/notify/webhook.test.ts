import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import { post } from '../../src/web/webhook.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { answer, Receiver } from './receiver.ts';

const NOBODY = new AbortController().signal;
let receiver: Receiver;
let dir: string;

beforeEach(async () => {
  receiver = await Receiver.open();
  dir = mkdtempSync(join(tmpdir(), 'nodeop-webhook-'));
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const send = (target: object, clock = systemClock, env = {}) =>
  post({ timeout: '10s', ...target }, '{"a":1}', clock, NOBODY, env);

test.each([
  (token: string) => `invalid token ${token}`,
  (token: string) => `Cannot POST /services/T0000/B0000/${token}`,
  (token: string) =>
    JSON.stringify({ url: `/services/T0000/B0000/${token}` }).replaceAll('/', String.raw`\/`),
  () => 'no channel for a b/c+d',
  () => 'no channel for a%20b%2Fc%2Bd',
  () => 'no key k3y-of-ours',
])('nothing of an address that is a secret is told, however the receiver says it: %s', async (says) => {
  const token = 'Xy7s3cretT0ken';
  receiver.faults.push(answer(403, `${says(token)}; services are there`));
  const url = `${receiver.url}/services/T0000/B0000/${token}/a%20b%2Fc%2Bd?sig=k3y-of-ours&v=1`;
  const result = await send({ urlFile: file('url', url) });
  const { reason } = result as { reason: string };
  expect(reason).not.toMatch(/Xy7s3cretT0ken|a b|a%20b|k3y/);
  expect(reason).toContain('services are there');
});

test('posts JSON to the address of a file, with the headers of a file, both read each time', async () => {
  const urlFile = file('url', `${receiver.url}/services/T0/B0/one\n`);
  const headersFile = file('headers', '# of ours\nAuthorization: Bearer abc\n');
  expect(await send({ urlFile, headersFile })).toEqual({ ok: true, status: 200 });
  file('url', `${receiver.url}/services/T0/B0/two`);
  await send({ urlFile, headersFile });
  expect(receiver.received).toMatchObject([
    {
      path: '/services/T0/B0/one',
      body: { a: 1 },
      headers: { authorization: 'Bearer abc', 'content-type': 'application/json' },
    },
    { path: '/services/T0/B0/two' },
  ]);
});

test.each([
  ['202, as Teams answers', answer(202), { ok: true, status: 202 }],
  ['500', answer(500, 'oh no'), { ok: false, isRefused: false, reason: 'status 500: oh no' }],
  [
    'a redirect',
    answer(302, '', { location: 'http://169.254.169.254/' }),
    { ok: false, isRefused: false, reason: 'status 302, a redirect, which is not followed' },
  ],
  [
    'what is wrong with the message',
    answer(400, 'invalid_payload'),
    { ok: false, isRefused: true, reason: 'status 400: invalid_payload' },
  ],
  ['an address that is gone', answer(404, 'no_service'), { ok: false, isRefused: false }],
  [
    'too many',
    answer(429, '', { 'retry-after': '30' }),
    { ok: false, isRefused: false, retryAfterMs: 30_000 },
  ],
  ['nonsense about when', answer(503, '', { 'retry-after': 'soon' }), { ok: false, retryAfterMs: undefined }],
  ['a day', answer(503, '', { 'retry-after': '86400' }), { ok: false, retryAfterMs: 300_000 }],
])('an answer of %s', async (_, fault, expected) => {
  receiver.faults.push(fault);
  expect(await send({ url: receiver.url })).toMatchObject(expected);
  expect(receiver.asked).toBe(1);
});

test('of a large answer only the beginning is read', async () => {
  let sent = 0;
  receiver.faults.push((response: ServerResponse) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const more = () => {
      while (sent < 50 && !response.destroyed) {
        sent += 1;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  });
  expect(await send({ url: receiver.url })).toEqual({ ok: true, status: 200 });
  expect(sent).toBeLessThan(50);
});

test('one that never answers is given up after the time-out, one that never ends its answer counts', async () => {
  const clock = new FakeClock();
  receiver.faults.push(() => {});
  const never = send({ url: receiver.url, timeout: '10s' }, clock);
  await receiver.until(({ asked }) => asked === 1);
  await clock.advance(10_000);
  expect(await never).toEqual({ ok: false, isRefused: false, reason: 'no whole answer within 10 s' });
  receiver.faults.push((response) => {
    response.writeHead(204).flushHeaders();
  });
  expect(await send({ url: receiver.url })).toEqual({ ok: true, status: 204 });
});

test('nobody waits for it: it ends at once', async () => {
  const stop = new AbortController();
  receiver.faults.push(() => {});
  const never = post({ url: receiver.url, timeout: '10s' }, '{}', systemClock, stop.signal).catch(String);
  await receiver.until(({ asked }) => asked === 1);
  stop.abort();
  expect(await never).toContain('AbortError');
});

test('neither address nor headers are in what is said of a failure', async () => {
  const url = `${receiver.url}/services/T0SECRET/B0SECRET?sig=5ecre7value`;
  const urlFile = file('url', url);
  const headersFile = file('headers', 'Authorization: Bearer token-of-ours\n');
  receiver.faults.push(
    answer(404, `no route ${url} for token-of-ours, sig 5ecre7value, path /services/T0SECRET/B0SECRET`),
  );
  const refused = await send({ urlFile, headersFile });
  expect(refused).toMatchObject({ ok: false });
  expect(JSON.stringify(refused)).not.toMatch(/SECRET|5ecre7|token-of-ours/);
});

test.each([
  ['no address', 'hooks', /url does not hold the address of a web server, on one line$/],
  [
    'an address without TLS',
    'http://hooks.example.org/T0SECRET',
    /url is not https: it would be readable on its way/,
  ],
  ['two lines', 'https://a.example/SECRET\nhttps://b.example/SECRET', /on one line$/],
  ['user and password', 'https://a:SECRET@b.example/', /on one line$/],
])('a file with %s is said to have it, and not what it holds', async (_, text, reason) => {
  const result = await send({ urlFile: file('url', text) });
  expect(result).toMatchObject({
    ok: false,
    isRefused: false,
    reason: expect.stringMatching(reason) as string,
  });
  expect(JSON.stringify(result)).not.toContain('SECRET');
});

test('a file that is not there is named', async () => {
  expect(await send({ urlFile: join(dir, 'none') })).toMatchObject({
    ok: false,
    reason: expect.stringContaining('ENOENT') as string,
  });
});

test('goes by the proxy of the environment where that is asked for', async () => {
  const before = process.env['http_proxy'];
  process.env['http_proxy'] = receiver.url;
  try {
    expect(
      await send({ url: 'http://nowhere.invalid/x' }, systemClock, { NODE_USE_ENV_PROXY: '1' }),
    ).not.toMatchObject({
      reason: expect.stringContaining('ENOTFOUND') as string,
    });
    expect(await send({ url: 'http://nowhere.invalid/x' })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('no answer from http://nowhere.invalid:80') as string,
    });
  } finally {
    if (before === undefined) delete process.env['http_proxy'];
    else process.env['http_proxy'] = before;
  }
});
