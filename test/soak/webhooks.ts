import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent as Connections, request } from 'undici';
import { Replica } from '../../src/agent/replica.ts';
import { startSim } from '../../src/sim/index.ts';
import { silent, TestRepository } from '../runs/support.ts';
import { freePort } from '../support/free-port.ts';
import { growth, held, type Row } from './measure.ts';

const AT_ONCE = 20;
const TOKEN = 'soak';

/** Very many ask for a poll: one is under way, one waits, and whoever comes meanwhile is answered with it. */
export async function webhooks({ webhooks: count }: { webhooks: number }): Promise<Row[]> {
  using repository = new TestRepository();
  const sim = await startSim({ nodes: 1, script: () => undefined });
  const port = await freePort();
  const file = (name: string, text: string) => {
    writeFileSync(join(repository.root, name), text);
    return join(repository.root, name);
  };
  repository.push({ 'README.md': 'operations\n' });
  const config = repository.config({
    git: { poll: { schedule: '0 0 0 1 1 *' } },
    kubernetes: { kubeconfig: file('kubeconfig', sim.kubeconfig), leaderElection: { enabled: false } },
    http: { host: '127.0.0.1', port, rateLimit: 1_000_000, poll: { tokenFile: file('token', TOKEN) } },
  });
  const replica = new Replica(config, silent, { onStuck: () => process.exit(1) });
  replica.start();
  let connections = new Connections({ connections: AT_ONCE });
  const call = (method: 'GET' | 'POST', path: string) =>
    request(`http://127.0.0.1:${port}${path}`, {
      method,
      dispatcher: connections,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
  const polled = async () => {
    const text = await (await call('GET', '/metrics')).body.text();
    const lines = [...text.matchAll(/_polls_total\{[^}]*\} (\d+)/g)];
    return lines.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  await until(async () => (await call('GET', '/readyz')).statusCode === 200);
  const storm = async (calls: number) => {
    const left = Array.from({ length: calls }).keys();
    const codes = new Set<number>();
    const one = async () => {
      for (const _ of left) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other on each connection
        const { statusCode, body } = await call('POST', '/poll');
        codes.add(statusCode);
        // oxlint-disable-next-line no-await-in-loop
        await body.dump();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    if ([...codes].join() !== '202') throw new Error(`answered ${[...codes].join()}`);
    const last = await polled();
    // The one under way and the one that waits; then nothing comes any more.
    await new Promise((resolve) => {
      setTimeout(resolve, 3_000);
    });
    const all = await polled();
    // Both ends of each are in this process.
    await connections.close();
    connections = new Connections({ connections: AT_ONCE });
    return { polls: all, afterwards: all - last };
  };
  // Half of them first: by then as many connections are kept as are ever used at once.
  const { polls: first } = await storm(count / 2);
  const before = await held();
  const { polls, afterwards } = await storm(count / 2);
  const after = await held();
  await connections.close();
  await replica.stop();
  await sim.stop();
  const scenario = `${count} webhooks`;
  return [
    { scenario, what: 'polls', from: 0, to: polls, most: count / 2 },
    { scenario, what: 'polls of the first half', from: 0, to: first, most: count / 2 },
    { scenario, what: 'polls after the last', from: 0, to: afterwards, most: 2 },
    ...growth(scenario, before, after),
  ];
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- that is what waiting is
    if (await holds().catch(() => false)) return;
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}
