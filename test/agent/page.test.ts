import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogAnswer, RunDetails, SearchAnswer } from '../../src/api/page.ts';
import { nodeOpRun } from '../runs/support.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { servePageOf, type ServedPage } from '../support/page.ts';

/** Follows a view as a browser does: what it is by now. */
class Follower {
  head: Record<string, unknown> = {};
  readonly rows = new Map<string, Record<string, unknown>>();
  readonly names: string[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #listeners: (() => void)[] = [];

  constructor(url: string) {
    this.#done = this.#follow(url).catch(() => undefined);
  }

  async #follow(url: string): Promise<void> {
    const response = await fetch(url, { signal: this.#abort.signal });
    let rest = '';
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + piece).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    }
  }

  #take(part: string): void {
    const [, name] = /^event: (.*)$/m.exec(part) ?? [];
    if (name === undefined) return;
    const data = JSON.parse(/^data: (.*)$/m.exec(part)?.[1] ?? '{}') as {
      head?: Record<string, unknown>;
      rows?: { key: string }[];
      upserts?: { key: string }[];
      gone?: string[];
    };
    this.names.push(name);
    this.head = data.head ?? this.head;
    if (name === 'snapshot') this.rows.clear();
    for (const row of [...(data.rows ?? []), ...(data.upserts ?? [])]) this.rows.set(row.key, row);
    for (const key of data.gone ?? []) this.rows.delete(key);
    for (const listener of this.#listeners) listener();
  }

  /** Resolves once it is as it is to be; events say when to look. */
  async until(is: (it: this) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => is(this) && resolve();
    this.#listeners.push(look);
    look();
    await promise;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
    this.#listeners = [];
  }
}

const DEFINITION = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: tools:1
  command: [flash]
  backoffLimit: 0
  env: [{name: TOKEN, value: hunter2}]
`;

let operations: Operations;
let served: ServedPage;
let url: string;
const followers: Follower[] = [];

function follow(query: string): Follower {
  const follower = new Follower(`${url}/page/events?${query}`);
  followers.push(follower);
  return follower;
}

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${url}${path}`)).json()) as T;
}

beforeAll(async () => {
  const script = (_: unknown, node: string) =>
    node === 'node-2'
      ? { exitCode: 3, log: 'begins\npassword=hunter3\nwrite protected\n', durationMs: 50 }
      : { exitCode: 0, durationMs: 50 };
  operations = await startOperations(
    { nodes: 3, script, jobBackoffMs: 10 },
    { 'nodeops/flash.yaml': DEFINITION },
  );
  served = await servePageOf(operations);
  ({ url } = served);
});

afterAll(async () => {
  for (const follower of followers) await follower.stop();
  await served.close();
  await operations.stop();
});

describe('an agent at work', () => {
  test('a run is seen as it comes, node by node, until it has failed', async () => {
    const runs = follow('view=runs');
    await runs.until(({ names }) => names.includes('snapshot'));
    operations.repository.push({ 'runs/2030/flash.yaml': nodeOpRun('  nodeOp: flash\n') });
    await operations.agent.repository.pollNow();
    await runs.until(({ rows }) => rows.has('2030/flash.yaml'));
    const run = follow('view=run&run=2030/flash.yaml');
    await runs.until(({ rows }) => rows.get('2030/flash.yaml')?.['state'] === 'Failed');
    await run.until(({ rows }) => rows.get('node-2')?.['phase'] === 'Failed');
    await run.until(({ head }) => (head['run'] as { state: string }).state === 'Failed');
    expect(Object.fromEntries([...run.rows].map(([key, it]) => [key, it['phase']]))).toEqual({
      'node-1': 'Completed',
      'node-2': 'Failed',
      'node-3': 'Completed',
    });
    expect(run.head['failures']).toEqual([
      { text: 'exit code 3: write protected', count: 1, nodes: ['node-2'] },
    ]);
    // The report has come, by which it is known who added it.
    await runs.until(({ rows }) => rows.get('2030/flash.yaml')?.['by'] !== undefined);
    expect(runs.rows.get('2030/flash.yaml')).toMatchObject({
      by: expect.stringContaining('Ada'),
      counts: { failed: 1 },
    });
    expect(runs.head['needsYou']).toMatchObject([{ kind: 'failed', run: '2030/flash.yaml' }]);
    expect(runs.head['reports']).toBe('read');
    expect(new Set(runs.names)).toEqual(new Set(['snapshot', 'change']));
  });

  test('what it was made of: the spec, what differs from the definition, the commits', async () => {
    await operations.agent.repository.pollNow();
    const details = await get<RunDetails>('/page/details?run=2030/flash.yaml');
    expect(details.spec).toContain('- flash');
    expect(details.definition?.name).toBe('flash');
    expect(details.definition?.diff.every(({ kind }) => kind === 'same')).toBe(true);
    expect(details.commits.length).toBeGreaterThan(0);
    expect(JSON.stringify(details)).not.toContain('hunter2');
  });

  test('the end of a node’s log, without what looks like a credential', async () => {
    const log = await get<LogAnswer>('/page/log?run=2030/flash.yaml&node=node-2');
    expect(log).toMatchObject({ from: 'pod', cut: false });
    expect(log.text).toMatch(/begins\npassword=\*\*\*\nwrite protected$/);
  });

  test.each(['node-9', '__proto__', '../node-2'])('%s has no log', async (node) => {
    const answer = await fetch(`${url}/page/log?run=2030/flash.yaml&node=${encodeURIComponent(node)}`);
    expect(answer.status).toBe(404);
  });

  test('a search finds it by why it failed', async () => {
    const found = await get<SearchAnswer>('/page/search?text=write%20protected&state=Failed');
    expect(found.rows.map(({ key }) => key)).toEqual(['2030/flash.yaml']);
    expect((await get<SearchAnswer>('/page/search?text=nothing')).found).toBe(0);
  });

  test('a node: how it stands and what ran on it; and all of them', async () => {
    const node = follow('view=node&node=node-2');
    await node.until(({ rows }) => rows.has('2030/flash.yaml'));
    expect(node.head).toMatchObject({ exists: true, here: { phase: 'Failed', exitCode: 3 } });
    await node.until(({ head }) => head['phases'] !== undefined);
    expect(node.head['phases']).toMatchObject([{ phase: 'Running' }]);
    const nodes = follow('view=nodes');
    await nodes.until(({ rows }) => rows.size === 3);
    expect(nodes.rows.get('node-2')).toMatchObject({
      ready: true,
      last: { run: '2030/flash.yaml', phase: 'Failed' },
    });
  });

  test('once the NodeOp is gone the report tells the same', async () => {
    const { store } = operations.sim;
    const [nodeOp] = store.all('nodeops.operator.kairos.io');
    const run = follow('view=run&run=2030/flash.yaml');
    await run.until(({ rows }) => rows.size === 3);
    const { name = '', namespace } = nodeOp?.metadata ?? {};
    expect(
      await fetch(
        `${operations.sim.url}/apis/operator.kairos.io/v1alpha1/namespaces/${namespace}/nodeops/${name}`,
        { method: 'DELETE' },
      ),
    ).toMatchObject({ status: 200 });
    // Of the NodeOp there were commands; the report may be read a moment later.
    await run.until(({ head, rows }) => (head['commands'] as string[]).length === 0 && rows.size === 3);
    expect(run.rows.get('node-2')).toMatchObject({ phase: 'Failed', exitCode: 3 });
    expect(run.head['actions']).toMatchObject([{ kind: 'retry', path: 'runs/2030/flash-retry.yaml' }]);
  });

  test('nothing secret was told, and nothing went wrong', async () => {
    expect(served.errors).toEqual([]);
    const told = JSON.stringify(followers.map(({ head, rows }) => [head, [...rows]]));
    expect(told).not.toMatch(/hunter/);
  });

  test('of what is not there that is said', async () => {
    const nothing = follow('view=run&run=nothing.yaml');
    await nothing.until(({ names }) => names.includes('over'));
    const nowhere = follow('view=node&node=nowhere');
    await nowhere.until(({ names }) => names.includes('over'));
    expect((await fetch(`${url}/page/details?run=nothing.yaml`)).status).toBe(404);
  });
});
