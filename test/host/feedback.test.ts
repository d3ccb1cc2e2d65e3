import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Feedback } from '../../src/agent/feedback.ts';
import { FeedbackSchema } from '../../src/api/feedback.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';

const COMMIT = 'c'.repeat(40);

function report(phase: NodeOpReport['status']['phase'], changes: Partial<NodeOpReport> = {}): NodeOpReport {
  const nodes = [{ name: 'node-1', phase: 'Failed', message: 'command failed: exit code 3' } as const];
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: 'flash' },
    run: { path: 'runs/flash.yaml', commit: COMMIT, committedAt: new Date().toISOString() },
    cluster: 'berlin',
    status: {
      phase,
      summary: {
        total: 3,
        completed: phase === 'Completed' ? 3 : 1,
        failed: phase === 'Failed' ? 1 : 0,
        inFlight: 1,
      },
      ...(phase === 'Failed' ? { nodes } : {}),
      ...(phase === 'Running' ? {} : { finishedAt: new Date().toISOString() }),
    },
    ...changes,
  };
}

describe.each(['github', 'gitlab', 'gitea'] as const)('on %s', (provider) => {
  let stub: GitHost;
  let dir: string;
  const opened: Feedback[] = [];

  beforeEach(async () => {
    stub = await GitHost.start(provider);
    dir = mkdtempSync(join(tmpdir(), 'nodeop-feedback-'));
    writeFileSync(join(dir, 'token'), `${TOKEN}\n`);
    stub.pullRequests.set(COMMIT, 7);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((it) => it.stop()));
    await stub.stop();
    rmSync(dir, { recursive: true });
  });

  function open(
    cluster = 'berlin',
    mergesAfter: (commit: string) => Promise<string[]> = () => Promise.resolve([]),
  ) {
    const config = FeedbackSchema.parse({
      provider,
      apiUrl: stub.apiUrl,
      project: 'ops/nodes',
      tokenFile: join(dir, 'token'),
    });
    const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster };
    const feedback = new Feedback({
      config,
      layout,
      branch: 'main',
      logger: silent,
      mergesAfter,
      retryMs: 10,
    });
    opened.push(feedback);
    return feedback;
  }

  async function tell(feedback: Feedback, ...reports: NodeOpReport[]): Promise<void> {
    feedback.tell(reports);
    await feedback.settle(20_000);
  }

  test('a run from start to end: a status that follows, and one comment that is kept', async () => {
    const feedback = open();
    await tell(feedback, report('Running'));
    const [running] = stub.latest(COMMIT);
    expect(running).toMatchObject({ context: 'nodeop-agent/berlin/flash', description: 'under way' });
    expect(running?.target).toContain('/main/results/berlin/flash.yaml');
    await tell(feedback, report('Failed'));
    expect(stub.latest(COMMIT)).toMatchObject([{ description: '1 of 3 nodes completed, 1 failed, 1 left' }]);
    expect(stub.of(7)).toHaveLength(1);
    expect(stub.of(7)[0]?.body).toContain(
      '❌ `runs/flash.yaml`: **Failed**, 1 of 3 nodes completed, 1 failed, 1 left',
    );
    expect(stub.of(7)[0]?.body).toContain('| `node-1` | command failed: exit code 3 |');
    expect(stub.of(7)[0]?.body).not.toContain('under way');
  });

  test('the first failed node is told while the run goes on', async () => {
    const feedback = open();
    await tell(feedback, report('Running'));
    const { status } = report('Running');
    await tell(
      feedback,
      report('Running', { status: { ...status, summary: { ...status.summary, failed: 1 } } }),
    );
    expect(stub.of(7)[0]?.body).toContain('**Running**, under way, some nodes have failed');
    // GitLab refuses to set what is running to running.
    const said = provider === 'gitlab' ? 'under way' : 'under way, some nodes have failed';
    expect(stub.latest(COMMIT)).toMatchObject([{ description: said }]);
    await tell(feedback, report('Completed'));
    expect(stub.latest(COMMIT)).toMatchObject([{ state: 'success' }]);
  });

  test('an agent that starts anew says nothing twice, and says what was not said', async () => {
    await tell(open(), report('Running'));
    const before = stub.writes().length;
    await tell(open(), report('Running'));
    expect(stub.writes()).toHaveLength(before);
    await tell(open(), report('Completed'));
    expect(stub.latest(COMMIT)).toMatchObject([{ state: 'success' }]);
    expect(stub.of(7)).toHaveLength(1);
  });

  test('runs of one pull request share a comment; each cluster has its own, and its own status', async () => {
    const second = report('Completed', { run: { ...report('Completed').run, path: 'runs/second.yaml' } });
    await tell(open(), report('Running'), second);
    await tell(open('lisbon'), report('Running', { cluster: 'lisbon' }));
    await tell(open(), report('Completed'));
    expect(stub.of(7)).toHaveLength(2);
    const [berlin, lisbon] = stub.of(7).map(({ body }) => body);
    expect(berlin).toContain('Node operations on berlin');
    expect(berlin).toMatch(
      /`runs\/flash\.yaml`: \*\*Completed\*\*[\s\S]*`runs\/second\.yaml`: \*\*Completed/,
    );
    expect(lisbon).toContain('`runs/flash.yaml`: **Running**');
    expect(new Set(stub.latest(COMMIT).map(({ context }) => context))).toEqual(
      new Set(['nodeop-agent/berlin/flash', 'nodeop-agent/berlin/second', 'nodeop-agent/lisbon/flash']),
    );
  });

  test('a host that is away for a while hears the newest state, not every one between', async () => {
    const feedback = open();
    stub.faults.push('cut', { status: 500 }, 'cut', { status: 502 }, { status: 503 });
    feedback.tell([report('Running')]);
    feedback.tell([report('Completed')]);
    await feedback.settle(20_000);
    expect(stub.faults).toEqual([]);
    expect(stub.statuses.get(COMMIT)).toMatchObject([{ state: 'success' }]);
    expect(stub.of(7)).toHaveLength(1);
  });

  test('news that come while older ones are on their way are not lost', async () => {
    const feedback = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    stub.hold = promise;
    feedback.tell([report('Running')]);
    await expect.poll(() => stub.requests.length).toBe(1);
    feedback.tell([report('Completed')]);
    resolve();
    await feedback.settle(20_000);
    expect(stub.latest(COMMIT)).toMatchObject([{ state: 'success' }]);
    expect(stub.of(7)[0]?.body).toContain('**Completed**');
  });

  test('Retry-After is kept: no request comes before', async () => {
    stub.faults.push({ status: 429, headers: { 'retry-after': '1' } });
    await tell(open(), report('Completed'));
    const [first, second] = stub.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(stub.latest(COMMIT)).toMatchObject([{ state: 'success' }]);
  });

  test('a new token is taken without a restart', async () => {
    writeFileSync(join(dir, 'token'), 'outdated');
    const feedback = open();
    feedback.tell([report('Completed')]);
    await expect.poll(() => stub.requests.length).toBeGreaterThan(1);
    writeFileSync(join(dir, 'token'), TOKEN);
    await feedback.settle(20_000);
    expect(stub.latest(COMMIT)).toMatchObject([{ state: 'success' }]);
  });

  test('a comment that somebody deleted is written anew', async () => {
    const feedback = open();
    await tell(feedback, report('Running'));
    await tell(feedback, report('Running'));
    stub.comments.length = 0;
    await tell(feedback, report('Completed'));
    expect(stub.of(7)).toHaveLength(1);
  });

  test('a pull request that is known by its merge only is found; a commit of none has a status alone', async () => {
    const [inner, merge] = ['d'.repeat(40), 'e'.repeat(40)];
    stub.pullRequests.set(merge, 9);
    const run = { ...report('Completed').run, commit: inner };
    await tell(
      open('berlin', () => Promise.resolve(['f'.repeat(40), merge])),
      report('Completed', { run }),
    );
    expect(stub.of(9)).toHaveLength(1);
    await tell(open('berlin'), report('Completed', { run: { ...run, commit: 'f'.repeat(40) } }));
    expect(stub.latest('f'.repeat(40))).toHaveLength(1);
    expect(stub.comments).toHaveLength(1);
  });

  test('what the host refuses for good is left out and holds up no other run', async () => {
    stub.faults.push({ status: 422, body: { message: 'No commit found for SHA' } });
    const other = report('Completed', { run: { ...report('Completed').run, path: 'runs/other.yaml' } });
    await tell(open(), report('Completed'), other);
    expect(stub.latest(COMMIT)).toHaveLength(1);
  });

  test('the whole way: a pushed run ends on its pull request, and a host that is away disturbs no run', async () => {
    using repository = new TestRepository();
    repository.push({ 'README.md': 'operations' });
    const store = new MemoryStore();
    const feedback = open('berlin', () => Promise.resolve([]));
    const config = repository.config({ cluster: 'berlin' });
    const loop = new RepositoryLoop({ config, store, logger: silent, onReports: feedback.tell });
    await loop.pollNow();
    repository.push({ 'runs/flash.yaml': nodeOp('flash') });
    const commit = repository.git(repository.clone, 'rev-parse', 'HEAD').trim();
    stub.pullRequests.set(commit, 21);
    stub.faults.push('cut', 'cut');
    await loop.pollNow();
    store.finish('Completed');
    await loop.pollNow();
    expect(repository.read('results/berlin/flash.yaml')).toContain('phase: Completed');
    await feedback.settle(20_000);
    expect(stub.latest(commit)).toMatchObject([{ context: 'nodeop-agent/berlin/flash', state: 'success' }]);
    expect(stub.of(21)[0]?.body).toContain('**Completed**');
    await loop.stop();
  });
});
