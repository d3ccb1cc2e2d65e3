import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Replica } from '../../src/agent/replica.ts';
import { Rbac } from '../../src/sim/api/rbac.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { nodeOp, silent, TestRepository } from '../runs/support.ts';
import { freePort } from '../support/free-port.ts';

const PAGE = readFileSync('manifests/components/page/rbac.yaml', 'utf8');
const BASE = readFileSync('manifests/base/rbac.yaml', 'utf8');
const NAMESPACE = 'nodeop-system';

const repository = new TestRepository();
const rights = {
  page: new Rbac(PAGE, 'nodeop-system/nodeop-agent'),
  base: new Rbac(BASE, 'nodeop-system/nodeop-agent'),
};
const refused: string[] = [];
const replicas: Replica[] = [];
let sim: Sim;
let urls: string[];

/** The role that the documentation gives people, for those of the agent's namespace. */
function grant(): void {
  const rbac = (plural: string, object: object) =>
    sim.store.create(`${plural}.rbac.authorization.k8s.io`, { metadata: {}, ...object });
  const rule = { apiGroups: ['operator.kairos.io'], resources: ['nodeops'], verbs: ['list'] };
  rbac('roles', { metadata: { name: 'look', namespace: NAMESPACE }, rules: [rule] });
  rbac('rolebindings', {
    metadata: { name: 'look', namespace: NAMESPACE },
    roleRef: { kind: 'Role', name: 'look' },
    subjects: [{ kind: 'User', name: 'ada' }],
  });
}

beforeAll(async () => {
  sim = await startSim({
    nodes: 2,
    script: () => ({ exitCode: 4, log: 'no such firmware\n' }),
    jobBackoffMs: 5,
    people: { 'token-of-ada': { name: 'ada' }, 'token-of-eve': { name: 'eve' } },
    refuse: (request) => {
      if (rights.page.refuse(request) === undefined) return undefined;
      const message = rights.base.refuse(request);
      if (message !== undefined) refused.push(message);
      return message;
    },
  });
  grant();
  const kubeconfig = `${repository.root}/kubeconfig`;
  writeFileSync(kubeconfig, sim.kubeconfig);
  repository.push({ 'runs/flash.yaml': `${nodeOp('flash')}  backoffLimit: 0\n` });
  const ports = [await freePort(), await freePort()];
  urls = ports.map((port) => `http://127.0.0.1:${port}`);
  for (const [i, port] of ports.entries()) {
    const config = repository.config({
      kubernetes: { kubeconfig, namespace: NAMESPACE },
      runs: { initial: 'execute' },
      git: { dir: `${repository.root}/agent-${i}.git` },
      http: { host: '127.0.0.1', port, page: { auth: { kubernetes: {} } } },
    });
    const onStuck = (error: Error) => {
      throw error;
    };
    const replica = new Replica(config, silent, {
      place: { namespace: NAMESPACE },
      version: '1.0.0',
      onStuck,
    });
    replicas.push(replica);
    replica.start();
    await vi.waitUntil(() => fetch(`${urls[i]}/livez`).catch(() => undefined), { timeout: 60_000 });
  }
});

afterAll(async () => {
  for (const replica of replicas.toReversed()) await replica.stop();
  await sim.stop();
  repository[Symbol.dispose]();
});

async function signIn(url: string, token: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/page/session`, { method: 'POST', headers, body: JSON.stringify({ token }) });
}

/** What a view says first, once it says this. */
async function seen(url: string, view: string, token: string, text: RegExp): Promise<string> {
  const cookie = (await signIn(url, token)).headers.get('set-cookie')?.split(';')[0] ?? '';
  const abort = new AbortController();
  const response = await fetch(`${url}/page/events?view=${view}`, {
    signal: abort.signal,
    headers: { cookie },
  });
  let said = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    said += piece;
    if (text.test(said)) break;
  }
  abort.abort();
  return said;
}

test('each replica shows the run and says who leads, to those whose roles let them', async () => {
  const [leads = '', stands = ''] = urls;
  for (const url of [leads, stands]) {
    const runs = await seen(url, 'runs', 'token-of-ada', /"state":"Failed"/);
    expect(runs).toContain('"key":"flash.yaml"');
    // To read logs is a right of its own.
    expect(runs).not.toContain('no such firmware');
    expect((await fetch(`${url}/page/events?view=runs`)).status).toBe(401);
    expect((await signIn(url, 'token-of-eve')).status).toBe(403);
    expect((await signIn(url, 'made-up')).status).toBe(401);
  }
  expect(await seen(leads, 'agent', 'token-of-ada', /"leader":"/)).toContain('"servedBy":"leader"');
  expect(await seen(stands, 'agent', 'token-of-ada', /"leader":"/)).toContain('"servedBy":"standby"');
});

test('it takes no right that the component does not bring, and leaves none unused', () => {
  expect(refused).toEqual([]);
  expect(rights.page.unused()).toEqual([]);
});
