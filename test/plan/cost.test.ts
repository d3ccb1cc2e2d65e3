import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeOp } from '../runs/support.ts';
import { cli } from '../support/cli.ts';

const NODES = Array.from({ length: 1200 }, (_, i) => ({
  metadata: { name: `node-${i}`, labels: { pool: i < 6 ? 'few' : 'many' } },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
}));
const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'set', uid: 'set', controller: true };
const daemon = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true };
const PODS = Array.from({ length: 1100 }, (_, i) => ({
  metadata: {
    name: `pod-${i}`,
    namespace: 'shop',
    uid: `uid-${i}`,
    ownerReferences: [i === 0 ? daemon : set],
  },
  status: { phase: 'Running' },
}));

/** An API server that hands out pages, of which it never gives more than 500 objects. */
function answer(url: URL): object {
  const page = (items: object[]) => {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Math.min(500, Number(url.searchParams.get('limit') ?? items.length));
    const more = from + limit < items.length ? { continue: String(from + limit) } : {};
    return { metadata: { resourceVersion: '1', ...more }, items: items.slice(from, from + limit) };
  };
  if (url.pathname === '/api/v1/nodes') return page(NODES);
  if (url.pathname === '/api/v1/pods') return page(PODS);
  if (url.pathname.endsWith('/daemonsets/agent')) return { metadata: { name: 'agent' } };
  if (url.pathname === '/apis/policy') return { preferredVersion: { groupVersion: 'policy/v1' } };
  return page([]);
}

test('only pods of target nodes are listed, in pages, and none without a drain; nothing is written', async () => {
  let busy = 3;
  const asked: { method: string; path: string; node: string | null }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    // A server that is busy now and then, as fleets' are.
    if (url.pathname === '/api/v1/pods' && busy-- > 0) {
      response.writeHead(429, { 'retry-after': '0' }).end('{"message":"too many requests"}');
      return;
    }
    const node = url.searchParams.get('fieldSelector');
    asked.push({ method: request.method ?? '', path: url.pathname, node });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(url)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-cost-'));
  try {
    mkdirSync(join(dir, 'runs'));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cluster = `clusters: [{name: a, cluster: {server: '${address}', insecure-skip-tls-verify: true}}]`;
    const config = `current-context: a\n${cluster}\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n`;
    writeFileSync(join(dir, 'kubeconfig'), config);
    const few = '  nodeSelector: {matchLabels: {pool: few}}\n';
    writeFileSync(join(dir, 'runs/drain.yaml'), nodeOp('drain', `${few}  drainOptions: {enabled: true}\n`));
    writeFileSync(join(dir, 'runs/calm.yaml'), nodeOp('calm'));
    const plan = (file: string) =>
      cli(['plan', file, '--kubeconfig', 'kubeconfig', '--format', 'json'], {}, dir);

    const drained = JSON.parse((await plan('runs/drain.yaml')).stdout)[0].preview;
    expect(drained.nodes).toHaveLength(6);
    expect(drained.nodes.map(({ evict }: { evict: string[] }) => evict.length)).toEqual(Array(6).fill(1099));
    expect(asked.every(({ method }) => method === 'GET')).toBe(true);
    const pods = asked.filter(({ path }) => path === '/api/v1/pods');
    expect(new Set(pods.map(({ node }) => node))).toEqual(
      new Set([0, 1, 2, 3, 4, 5].map((i) => `spec.nodeName=node-${i}`)),
    );
    expect(pods).toHaveLength(6 * 3);
    expect(asked.filter(({ path }) => path === '/api/v1/nodes')).toHaveLength(3);
    expect(asked.filter(({ path }) => path.includes('daemonsets'))).toHaveLength(1);

    asked.length = 0;
    const calm = JSON.parse((await plan('runs/calm.yaml')).stdout)[0].preview;
    expect(calm.nodes).toHaveLength(1200);
    expect(asked.filter(({ path }) => /pods|daemonsets|budgets/.test(path))).toEqual([]);
  } finally {
    server.close();
    rmSync(dir, { recursive: true });
  }
});
