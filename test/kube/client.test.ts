import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubeClient } from '../../src/kube/client.ts';

let answer: { header?: string; body?: object };
let client: KubeClient;
const dir = mkdtempSync(join(tmpdir(), 'nodeop-client-'));
const server = createServer((_request, response) => {
  const headers = answer.header === undefined ? {} : { 'retry-after': answer.header };
  response.writeHead(429, headers).end(JSON.stringify(answer.body ?? {}));
});

function kubeconfigOf(port: number, name: string): string {
  const kubeconfig = join(dir, name);
  const clusters = `clusters: [{name: a, cluster: {server: "http://127.0.0.1:${port}", insecure-skip-tls-verify: true}}]`;
  const contexts =
    'contexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\nusers: [{name: a, user: {}}]';
  writeFileSync(kubeconfig, `apiVersion: v1\nkind: Config\n${clusters}\n${contexts}\n`);
  return kubeconfig;
}

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  client = new KubeClient({ kubeconfig: kubeconfigOf(port, 'kubeconfig') });
});

afterAll(async () => {
  await client.close();
  server.close();
  rmSync(dir, { recursive: true });
});

const details = (retryAfterSeconds: number) => ({ details: { retryAfterSeconds } });

test.each([
  ['the header', { header: '7' }, 7_000],
  ['the header before the body', { header: '7', body: details(3) }, 7_000],
  ['the body', { body: details(3) }, 3_000],
  ['nothing', {}, undefined],
  ['no pause at all', { header: '0' }, undefined],
  ['no pause at all, in the body', { body: details(0) }, undefined],
  ['a date', { header: 'Wed, 21 Oct 2030 07:28:00 GMT', body: details(2) }, 2_000],
])('how long to wait, by %s', async (_, given, expected) => {
  answer = given;
  const error: unknown = await client.request('GET', '/').catch((it: unknown) => it);
  expect(error).toMatchObject({ code: 429 });
  expect((error as { retryAfterMs?: number }).retryAfterMs).toBe(expected);
});

test('a write that waits for a connection is not sent once this agent leads no more', async () => {
  const arrived: string[] = [];
  const first = Promise.withResolvers<() => void>();
  const slow = createServer((request, response) => {
    arrived.push(`${request.method} ${request.url}`);
    const close = () => response.end('{}');
    if (arrived.length === 1) first.resolve(close);
    else close();
  });
  await new Promise<void>((resolve) => {
    slow.listen(0, '127.0.0.1', resolve);
  });
  let leads = true;
  const { port } = slow.address() as AddressInfo;
  const kubeconfig = kubeconfigOf(port, 'slow');
  const one = new KubeClient({ kubeconfig, connections: 1, mayWrite: () => leads });
  try {
    const writes = ['/first', '/second'].map((path) => one.request('POST', path, { body: {} }));
    const read = one.request('GET', '/third');
    const end = await first.promise;
    leads = false;
    end();
    const [done, given] = await Promise.allSettled(writes);
    await read;
    expect(done?.status).toBe('fulfilled');
    expect(given).toMatchObject({
      status: 'rejected',
      reason: { code: 0, message: 'not the leader any more: nothing is written' },
    });
    expect(arrived).toEqual(['POST /first', 'GET /third']);
  } finally {
    await one.close();
    slow.close();
  }
});

test('what is made under a lease the server is told to make before another agent may lead, and in a minute once it could not', async () => {
  const arrived: string[] = [];
  const codes = [201, 504];
  const bounded = createServer((request, response) => {
    arrived.push(`${request.method} ${request.url}`);
    response.writeHead(codes.shift() ?? 200).end('{}');
  });
  await new Promise<void>((resolve) => {
    bounded.listen(0, '127.0.0.1', resolve);
  });
  const { port } = bounded.address() as AddressInfo;
  const kubeconfig = kubeconfigOf(port, 'bounded');
  const one = new KubeClient({ kubeconfig, mayWrite: () => true, leaseLeft: () => 12_000 });
  try {
    await one.request('POST', '/jobs', { body: {}, query: { dryRun: 'All' } });
    await one.request('POST', '/jobs', { body: {} }).catch(() => undefined);
    await one.request('PATCH', '/jobs/one', { body: {} });
    await one.request('POST', '/jobs', { body: {} });
    const [first, second, ...rest] = arrived;
    expect([first, second]).toEqual(['POST /jobs?dryRun=All&timeout=8000ms', 'POST /jobs?timeout=8000ms']);
    expect(rest).toEqual(['PATCH /jobs/one', 'POST /jobs?timeout=60000ms']);
  } finally {
    await one.close();
    bounded.close();
  }
});
