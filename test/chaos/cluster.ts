import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import { freePort } from '../support/free-port.ts';
import { type Entry, JournalReader } from './journal.ts';
import { Managed } from './processes.ts';
import { Watches } from './watches.ts';

const CRD = 'manifests/crd/nodeops.operator.kairos.io.yaml';
const API_SERVER = join(import.meta.dirname, 'servers/api-server.ts');

/** A cluster as this test reaches it: the process that agents talk to can be killed, and what happens is told in its order. */
export interface Cluster {
  server: Managed;
  /** Where agents find it, by way of their link. */
  url: string;
  /** Where people find it, whatever becomes of the server above where that is possible. */
  own: string;
  nodes: string[];
  read: () => Entry[];
  stop: () => void;
}

/** The embedded one, which goes on from its journal when it is killed. */
export async function embedded(folder: string, namespace: string, count: number): Promise<Cluster> {
  const port = await freePort();
  const file = join(folder, 'journal');
  const log = join(folder, 'api-server.log');
  const command = [process.execPath, API_SERVER, String(port), file, String(count)];
  const server = new Managed('API server', command, { log });
  const journal = new JournalReader(file);
  const url = `http://127.0.0.1:${port}`;
  server.start();
  await answers(url);
  await install(url, namespace);
  const nodes = Array.from({ length: count }, (_, i) => `node-${i + 1}`);
  return { server, url, own: url, nodes, read: () => journal.read(), stop: () => server.kill() };
}

/** That of `KUBECONFIG`, by way of `kubectl proxy`: one for the agents, which is killed, and one for this test. */
export async function real(folder: string, namespace: string): Promise<Cluster> {
  const proxy = async (name: string) => {
    const port = await freePort();
    const command = ['kubectl', 'proxy', `--port=${port}`, '--accept-hosts=.*', '--reject-paths=^$'];
    const process = new Managed(name, command, { log: join(folder, 'kubectl-proxy.log') });
    process.start();
    const url = `http://127.0.0.1:${port}`;
    await answers(url);
    return { process, url };
  };
  const theirs = await proxy('API server');
  const own = await proxy('way of people');
  await install(own.url, namespace);
  const watches = new Watches(own.url);
  const nodes = await watches.start(namespace);
  const stop = () => {
    watches.stop();
    theirs.process.kill();
    own.process.kill();
  };
  return { server: theirs.process, url: theirs.url, own: own.url, nodes, read: () => watches.read(), stop };
}

/** What the agents need, and pods that drains move, behind a budget. */
async function install(url: string, namespace: string): Promise<void> {
  const crd = load(readFileSync(CRD, 'utf8')) as object;
  const labels = { app: 'web' };
  const image = 'busybox:latest';
  const containers = [{ name: 'web', image, command: ['sleep', '86400'] }];
  const selector = { matchLabels: labels };
  const template = { metadata: { labels }, spec: { containers, terminationGracePeriodSeconds: 1 } };
  const metadata = { name: 'web', namespace };
  await make(`${url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`, crd);
  await make(`${url}/api/v1/namespaces`, { metadata: { name: namespace } });
  await make(`${url}/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata,
    spec: { replicas: 2, selector, template },
  });
  // Budgets are in `policy/v1` since Kubernetes 1.21.
  const { ok } = await fetch(`${url}/apis/policy/v1`);
  await make(`${url}/apis/policy/${ok ? 'v1' : 'v1beta1'}/namespaces/${namespace}/poddisruptionbudgets`, {
    metadata,
    spec: { maxUnavailable: 1, selector },
  });
}

async function make(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (status !== 201 && status !== 409) throw new Error(`POST ${url}: ${status}`);
}

export function isReal(): boolean {
  const file = process.env['KUBECONFIG'] ?? '';
  return file !== '' && existsSync(file);
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it does
      const { ok } = await fetch(`${url}/api/v1/nodes?limit=1`);
      if (ok) return;
    } catch (error) {
      if (attempt === 300) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(100);
  }
}
