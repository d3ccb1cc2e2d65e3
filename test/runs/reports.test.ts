import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { briefOf, briefOfText, type ReportBrief } from '../../src/core/runs/brief.ts';
import { maskCredentials } from '../../src/core/text/mask.ts';
import { NewestReports } from '../../src/core/runs/newest.ts';
import { formatOverview, OVERVIEW_ROWS } from '../../src/core/runs/overview.ts';
import type { Layout } from '../../src/core/runs/paths.ts';
import { formatReport } from '../../src/core/runs/report.ts';
import { pruneReports } from '../../src/core/runs/retention.ts';
import { carryOut, MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from './support.ts';

const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };

function agent(repository: TestRepository, changes: object = {}, store = new MemoryStore()) {
  const config = repository.config({ runs: { initial: 'execute' }, ...changes });
  return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

const report = (name: string, status: object = {}): NodeOpReport => ({
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'NodeOpReport',
  metadata: { name },
  run: { path: `runs/${name}.yaml`, committedAt: '2029-12-31T00:00:00Z' },
  status: { phase: 'Completed', ...status },
});
const byPath = (...reports: NodeOpReport[]) =>
  new Map(reports.map((it) => [it.run.path.replace('runs/', 'results/'), briefOf(it)]));

const overview = (reports: NodeOpReport[], where: Layout) =>
  formatOverview(new NewestReports(byPath(...reports)).first(OVERVIEW_ROWS) ?? [], reports.length, where);

describe('the overview', () => {
  test('lists the newest runs first, with state, counts, time and link', () => {
    const first = report('a', {
      startedAt: '2030-01-01T22:00:00Z',
      durationSeconds: 3720,
      summary: { total: 3, completed: 2, failed: 1 },
      phase: 'Failed',
      reason: 'NodesFailed',
    });
    const second = report('weird (1)|x', { phase: 'Invalid', reason: 'InvalidRunFile' });
    expect(overview([second, first], layout)).toBe(`# Runs

Written by nodeop-agent; changes by hand are lost.

| run | state | nodes | began | took | reason |
|---|---|---|---|---|---|
| [a.yaml](a.yaml) | ❌ Failed | 2/3, 1 failed | 2030-01-01 22:00 UTC | 1h 2m | NodesFailed |
| [weird (1)\\|x.yaml](weird%20%281%29%7Cx.yaml) | ⚠️ Invalid |  | 2029-12-31 00:00 UTC |  | InvalidRunFile |
`);
  });

  test.each([
    [{ phase: 'Failed', reason: 'Failed', summary: { total: 2, failed: 2 } }, 'NodesFailed'],
    [{ phase: 'Failed', reason: 'Failed', summary: { total: 2, failed: 0 } }, 'StepFailed'],
    [{ phase: 'Failed', reason: 'NoNodesMatched' }, 'NoNodesMatched'],
    [{ phase: 'Completed', reason: 'Completed' }, ''],
    [{ phase: 'Running', reason: 'Progressing' }, ''],
    [
      { phase: 'Waiting', reason: 'NotBefore', until: '2030-01-02T00:00:00Z' },
      'NotBefore: 2030-01-02 00:00 UTC',
    ],
  ])('of %j says why', (status, reason) => {
    const row =
      overview([report('a', status)], layout)
        .trimEnd()
        .split('\n')
        .at(-1) ?? '';
    expect(row.split('|').at(-2)?.trim()).toBe(reason);
  });

  test('is cut to the newest fifty', () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      report(`r${i}`, { startedAt: `2030-01-01T00:${String(i).padStart(2, '0')}:00Z` }),
    );
    const text = overview(many, { ...layout, cluster: 'c1' });
    expect(text.match(/✅/g)).toHaveLength(50);
    expect(text).toContain('# Runs on c1');
    expect(text).toContain('The newest 50 of 60 runs.');
    expect(text).not.toContain('[r9.yaml]');
  });

  test('is committed with the reports and never alone', async () => {
    using repository = new TestRepository();
    const it = agent(repository, { cluster: 'c1' });
    await carryOut(repository, it, 'a');
    expect(repository.read('results/c1/README.md')).toContain('[a.yaml](a.yaml) | ✅ Completed');
    const commits = repository.commits();
    repository.pull();
    repository.push({ 'results/c1/README.md': 'mine' });
    await it.loop.pollNow();
    expect(repository.commits()).toBe(commits + 1);
    await carryOut(repository, it, 'b');
    expect(repository.read('results/c1/README.md')).toMatch(/\[a.yaml\][^]*\[b.yaml\]/);
  });

  test('is no sign that the agent was here before', async () => {
    using repository = new TestRepository();
    const it = agent(repository, { runs: { initial: 'baseline' } });
    repository.push({ 'runs/old.yaml': nodeOp('old'), 'results/README.md': 'Reports will come here.' });
    await it.loop.pollNow();
    expect(it.store.creations).toBe(0);
    expect(repository.read('results/.baseline.yaml')).toContain('runs/old.yaml');
  });
});

describe('what is kept in mind of a report', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'a\nstatus:\n  phase: Failed\n',
      "it's",
      'x\n  nodes:\n',
      '2030-01-01T00:00:00Z',
      '7',
      'true',
    ),
  );
  const status = fc.record(
    {
      phase: fc.constantFrom('Completed', 'Failed', 'Cancelled', 'Running', 'Invalid'),
      reason: text,
      message: text,
      startedAt: fc.constant('2030-01-01T22:00:00Z'),
      finishedAt: fc.constant('2030-01-01T23:00:00Z'),
      durationSeconds: fc.nat(),
      summary: fc.record({ total: fc.nat(), completed: fc.nat(), failed: fc.nat() }, { requiredKeys: [] }),
      nodes: fc.constant([{ name: 'n1', phase: 'Failed', log: 'status:\n  phase: Completed\n' }]),
    },
    { requiredKeys: ['phase'] },
  );

  test('is the same from its text as from all of it, wherever the text is plain', () => {
    fc.assert(
      fc.property(status, text, text, (it, author, name) => {
        const written = { ...report('a', it), spec: { command: [name], run: { path: name } } };
        written.run = { ...written.run, path: `runs/${name}.yaml`, author };
        const quick = briefOfText(formatReport(written));
        if (quick) expect(quick).toEqual(briefOf(written));
      }),
      { numRuns: 1000 },
    );
  });

  test('is read quickly from what the agent writes of a run that is over, and of no other', () => {
    const plain = {
      reason: 'NodesFailed',
      message: 'three failed: disk: full\nsee the log',
      startedAt: '2030-01-01T22:00:00.123Z',
      finishedAt: '2030-01-01T23:00:00Z',
      durationSeconds: 3600,
      summary: { total: 3, completed: 2, failed: 1 },
    };
    for (const phase of ['Completed', 'Failed', 'Cancelled']) {
      const it = report('team/a', { ...plain, phase });
      expect(briefOfText(formatReport(it))).toEqual(briefOf(it));
    }
    for (const phase of ['Pending', 'Running', 'Invalid']) {
      expect(briefOfText(formatReport(report('a', { phase })))).toBeUndefined();
    }
  });
});

describe('retention', () => {
  test('a run whose report is gone is never carried out again: present, edited, or removed and added', async () => {
    using repository = new TestRepository();
    const it = agent(repository, { report: { interval: '0s', keep: { count: 1 }, logs: 'all' } });
    await carryOut(repository, it, 'old');
    expect(repository.read('results/old.yaml.logs/n1.log')).toBe('one\ntwo\n');
    await carryOut(repository, it, 'new');
    expect(repository.read('results/old.yaml')).toBeUndefined();
    expect(repository.read('results/old.yaml.logs/n1.log')).toBeUndefined();
    expect(repository.read('results/new.yaml')).toContain('Completed');
    expect(repository.read('results/new.yaml.logs/n1.log')).toBe('one\ntwo\n');
    expect(repository.read('results/.baseline.yaml')).toContain('runs/old.yaml');
    expect(repository.read('runs/old.yaml')).toBeDefined();

    const commits = repository.commits();
    await it.loop.pollNow();
    expect(repository.commits()).toBe(commits);
    // Another agent, without the NodeOps and the clone: Git is all there is.
    await it.loop.stop();
    const config = repository.config({ git: { dir: `${repository.root}/second.git` } });
    const store = new MemoryStore();
    const second = new RepositoryLoop({ config, store, logger: silent });
    repository.push({ 'runs/old.yaml': nodeOp('old', '  cordon: true\n') });
    await second.pollNow();
    repository.remove('runs/old.yaml');
    await second.pollNow();
    repository.push({ 'runs/old.yaml': nodeOp('old') });
    await second.pollNow();
    expect(store.creations).toBe(0);
  });

  test('a damaged record stops every start and says the way out', async () => {
    using repository = new TestRepository();
    const it = agent(repository, { runs: { initial: 'baseline' } });
    repository.push({ 'runs/old.yaml': nodeOp('old') });
    await it.loop.pollNow();
    repository.pull();
    repository.push({ 'results/.baseline.yaml': 'runs: [' });
    await it.loop.pollNow();
    expect(it.store.creations).toBe(0);
    expect(it.loop.state().problem).toMatch(/baseline.yaml cannot be read .*restored from the history/);
    repository.git(repository.clone, 'revert', '--no-edit', 'HEAD');
    repository.push({ 'runs/new.yaml': nodeOp('new') });
    await it.loop.pollNow();
    expect(it.store.list().map((op) => op.metadata.name)).toEqual(['new']);
    await it.loop.stop();
  });

  test('a record longer than any file of people is read as well', async () => {
    using repository = new TestRepository();
    const runs = Array.from({ length: 40_000 }, (_, i) => `- runs/a-rather-long-name-of-a-run-${i}.yaml`);
    const head = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\nruns:\n';
    repository.push({
      'results/.baseline.yaml': `${head}${runs.join('\n')}\n`,
      'runs/a-rather-long-name-of-a-run-39999.yaml': nodeOp('old'),
    });
    const it = agent(repository);
    await it.loop.pollNow();
    expect(it.loop.state().problem).toBeUndefined();
    expect(it.store.creations).toBe(0);
  });

  test('only final reports go, oldest first, and of the agent’s own files only', () => {
    const statuses = fc.record({
      phase: fc.constantFrom('Running', 'Completed', 'Failed', 'Invalid', 'Cancelled'),
      finishedAt: fc.integer({ min: 10, max: 27 }).map((day) => `2030-01-${day}T00:00:00Z`),
      present: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(statuses, { maxLength: 12 }),
        fc.nat(8),
        fc.integer({ min: 1, max: 30 }),
        (all, count, days) => {
          const reports = all.map((status, i) => report(`r${i}`, status));
          const files = new Map<string, ReportBrief | undefined>(byPath(...reports));
          for (const path of byPath(...reports).keys()) files.set(`${path}.logs/n1.log`, undefined);
          files.set('results/moved.yaml', briefOf(report('r0', { phase: 'Completed' })));
          files.set('results/notes.md', undefined);
          const runs = new Map(
            reports.flatMap((it, i) => (all[i]?.present ? [[it.run.path, true] as const] : [])),
          );
          const now = Date.parse('2030-01-28T00:00:00Z');
          const keep = { count, ageMs: days * 86_400_000 };
          const { remove, over } = pruneReports(files, runs, { keep, layout, now, recorded: 0 });
          expect(remove).not.toContain('results/notes.md');
          expect(remove).not.toContain('results/moved.yaml');
          const kept = reports.filter((it) => !remove.includes(it.run.path.replace('runs/', 'results/')));
          for (const it of reports) {
            const gone = !kept.includes(it);
            expect(remove.includes(`${it.run.path.replace('runs/', 'results/')}.logs/n1.log`)).toBe(gone);
            if (it.status.phase === 'Running') expect(gone).toBe(false);
            else if (gone && it.status.phase !== 'Invalid') expect(over).toContain(it.run.path);
            else expect(over).not.toContain(it.run.path);
          }
          const ended = kept.filter(
            ({ status, run }) =>
              status.phase !== 'Running' && !(status.phase === 'Invalid' && runs.has(run.path)),
          );
          expect(ended.length).toBeLessThanOrEqual(count);
          for (const { status } of ended) {
            expect(Date.parse(status.finishedAt ?? '')).toBeGreaterThanOrEqual(now - days * 86_400_000);
          }
        },
      ),
    );
  });

  test('a long record is not rewritten for one more', () => {
    const files = byPath(report('a'), report('b'), report('c'));
    const context = { keep: { count: 1 }, layout, now: 0 };
    expect(pruneReports(files, new Map(), { ...context, recorded: 201 })).toEqual({ remove: [], over: [] });
    expect(pruneReports(files, new Map(), { ...context, recorded: 200 }).over).toHaveLength(2);
  });
});

describe('logs of nodes', () => {
  test.each([
    ['none', 'Failed', []],
    ['failed', 'Failed', ['n2.log']],
    ['failed', 'Completed', []],
    ['all', 'Completed', ['n1.log', 'n2.log']],
  ] as const)('report.logs: %s of a run that is %s', async (logs, phase, expected) => {
    using repository = new TestRepository();
    const it = agent(repository, { report: { interval: '0s', logs, mask: ['corp-\\d+'] } });
    it.store.output = `${'x'.repeat(70_000)}\n\u001b[1mkey corp-12 password=hunter2 done\u001b[0m\r\n`;
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await it.loop.pollNow();
    it.store.finish(phase);
    const says = { status: { nodeStatuses: { n2: { message: 'it said corp-34' } } } };
    if (phase === 'Failed') await it.store.patch('nodeop-system', 'a', says);
    await it.loop.pollNow();
    const tree = repository.git(
      repository.bare,
      'ls-tree',
      '-r',
      '--name-only',
      'main',
      'results/a.yaml.logs/',
    );
    const names = tree
      .split('\n')
      .filter(Boolean)
      .map((path) => path.slice('results/a.yaml.logs/'.length));
    expect(names).toEqual(expected);
    for (const name of names) {
      const text = repository.read(`results/a.yaml.logs/${name}`) ?? '';
      expect(text).toMatch(/^\(the last 65536 of 700\d\d bytes\)\nx+\nkey \*\*\* password=\*\*\* done\n$/);
    }
    if (phase !== 'Failed') return;
    expect(repository.read('results/a.yaml')).toContain('key *** password=*** done');
    expect(repository.read('results/a.yaml')).toContain('message: it said ***');
  });
});

describe('the last lines of a failed node', () => {
  async function reported(logLines: number, output: string): Promise<string> {
    using repository = new TestRepository();
    const it = agent(repository, { report: { interval: '0s', logLines } });
    it.store.output = output;
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await it.loop.pollNow();
    it.store.finish('Failed');
    const kept = { n2: { log: 'kept one\nkept two' } };
    await it.store.patch('nodeop-system', 'a', { status: { nodeStatuses: kept } });
    await it.loop.pollNow();
    return repository.read('results/a.yaml') ?? '';
  }

  test('are those of its pod, or what the status kept of them where the pod is gone', async () => {
    expect(await reported(1, 'one\ntwo\n')).toMatch(/^ +log: two$/m);
    expect(await reported(1, '')).toMatch(/^ +log: kept two$/m);
  });

  test('are left out with report.logLines: 0, wherever they come from', async () => {
    const text = await reported(0, 'one\ntwo\n');
    expect(text).toContain('name: n2');
    expect(text).not.toMatch(/one|two|log:/);
  });
});

test.each([
  ['https://ada:s3cret@git.example.org/x', 'https://***@git.example.org/x'],
  ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
  ['{"token": "a b c", "n": 1}', '{"token": ***, "n": 1}'],
  ['export AWS_SECRET_ACCESS_KEY=abc/def', 'export AWS_SECRET_ACCESS_KEY=***'],
  ['id AKIAIOSFODNN7EXAMPLE.', 'id ***.'],
  ['ghp_0123456789abcdefghij and glpat-0123456789abcdef', '*** and ***'],
  ['jwt eyJhbGciOiJI.eyJzdWIiOiIx.sig_-1 end', 'jwt *** end'],
  ['a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb', 'a\n***\nb'],
  ['MIIrest\n-----END PRIVATE KEY-----\nb', '***\nb'],
  ['-----BEGIN PRIVATE KEY-----\nMII', '***'],
  [
    '5 tokens left; secretary: none; https://git.example.org:8443/x@y',
    '5 tokens left; secretary: none; https://git.example.org:8443/x@y',
  ],
])('credentials are masked: %j', (text, expected) => {
  expect(maskCredentials(text)).toBe(expected);
});

test('an invalid run is looked at again when the definition it names changes', async () => {
  using repository = new TestRepository();
  const it = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOpRun('  nodeOp: upgrade\n') });
  await it.loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('no definition is named "upgrade"');
  const commits = repository.commits();
  repository.push({ 'nodeops/other.yaml': nodeOp('other') });
  await it.loop.pollNow();
  expect(repository.commits()).toBe(commits + 1);
  repository.push({ 'nodeops/u.yaml': nodeOp('upgrade', '  cordn: true\n') });
  await it.loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('did you mean "cordon"');
  expect(it.store.creations).toBe(0);
  repository.push({ 'nodeops/u.yaml': nodeOp('upgrade', '  cordon: true\n') });
  await it.loop.pollNow();
  expect(it.store.creations).toBe(1);
  expect(repository.read('results/a.yaml')).toContain('phase: Pending');
});
