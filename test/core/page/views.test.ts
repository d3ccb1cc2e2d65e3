import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import type { NodeOpRun } from '../../../src/api/nodeoprun.ts';
import { ANNOTATION_WINDOW } from '../../../src/api/labels.ts';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import { atOnce } from '../../../src/api/pieces.ts';
import { agentView } from '../../../src/core/page/agent.ts';
import { nodeView } from '../../../src/core/page/node.ts';
import { nodesView } from '../../../src/core/page/nodes.ts';
import { runView } from '../../../src/core/page/run.ts';
import { runsView } from '../../../src/core/page/runs.ts';
import { search } from '../../../src/core/page/search.ts';
import type { Sees } from '../../../src/core/page/sees.ts';
import { aNode, aNodeOp, aReport, facts, NOW } from '../../support/page-facts.ts';

const at = (time: string) => Date.parse(`2030-01-31T${time}Z`);
const FAILED: NodeStatus = {
  phase: 'Failed',
  message: 'command failed: exit code 3: write protected; the node stays cordoned',
  cause: 'write protected',
  exitCode: 3,
  jobName: 'flash-1',
  attempts: 1,
  startedAt: '2030-01-31T22:00:00Z',
  finishedAt: '2030-01-31T22:02:00Z',
};
const DONE: NodeStatus = {
  phase: 'Completed',
  jobName: 'flash-2',
  startedAt: '2030-01-31T22:02:00Z',
  finishedAt: '2030-01-31T22:04:00Z',
};
const BLOCKED: NodeStatus = {
  phase: 'Draining',
  message: 'eviction blocked: shop/web-1 (The disruption budget web needs 1 healthy pods)',
  startedAt: '2030-01-31T22:04:00Z',
};
const going = aNodeOp(
  'flash',
  {
    phase: 'Running',
    startedAt: '2030-01-31T22:00:00Z',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'NodesFailed',
        message: '1 of 4 nodes completed, 1 failed: node-1: command failed: exit code 3: write protected',
      },
    ],
    nodeStatuses: { 'node-1': FAILED, 'node-2': DONE, 'node-3': BLOCKED, 'node-4': { phase: 'Pending' } },
  },
  { run: 'runs/flash.yaml' },
);
const NODES = ['node-1', 'node-2', 'node-3', 'node-4'].map((name) =>
  aNode(name, name === 'node-1' ? { by: 'ops/flash@uid-flash' } : {}),
);
const NO_LOGS: Sees = { namespace: 'ops', nodeOps: 'all', logs: 'none' };

describe('the list of runs', () => {
  test('a run that goes on is told by its NodeOp and by who merged it', () => {
    const reports = [aReport('runs/flash.yaml', { phase: 'Running' })];
    const { head, rows } = atOnce(runsView(facts({ nodeOps: [going], nodes: NODES, reports })));
    expect(rows).toEqual([
      {
        key: 'flash.yaml',
        name: 'runs/flash.yaml',
        state: 'Running',
        stuck: true,
        by: 'Ada <ada@example.org>',
        mergedAt: at('21:00:00'),
        startedAt: at('22:00:00'),
        counts: { total: 4, pending: 1, inFlight: 1, completed: 1, failed: 1, cancelled: 0, skipped: 0 },
        why: expect.stringContaining('held up by budget shop/web'),
        // Two nodes took four minutes, and two are left.
        estimate: at('22:08:00'),
      },
    ]);
    expect(head.needsYou.map(({ kind, run, node }) => [kind, run ?? node])).toEqual([
      ['heldUp', 'flash.yaml'],
      ['cordoned', 'node-1'],
    ]);
    expect(head.people).toEqual(['Ada <ada@example.org>']);
  });

  test('what needs somebody comes first, in the order of what is worst', () => {
    const nodeOps = [
      aNodeOp('broken', { phase: 'Failed', completedAt: '2030-01-31T20:00:00Z' }),
      aNodeOp('old', { phase: 'Failed', completedAt: '2030-01-01T20:00:00Z' }),
      aNodeOp('paused', {
        phase: 'Running',
        conditions: [
          {
            type: 'Held',
            status: 'True',
            reason: 'HeldByAnnotation',
            message: 'held by the annotation agent.nodeop.dev/hold: wait',
          },
        ],
      }),
    ];
    const reports = [
      aReport('runs/typo.yaml', {
        phase: 'Invalid',
        problems: [{ path: 'spec.imag', message: 'unknown field', line: 4, column: 3 }],
      }),
    ];
    const waiting = [
      {
        run: 'runs/later.yaml',
        reason: 'WindowClosed',
        message: 'waiting for the window',
        until: '2030-02-01T01:00:00Z',
      },
    ];
    const record = {
      waiting,
      waitingCount: 1,
      passedOver: 2,
      passedOverRuns: ['runs/a.yaml', 'runs/b.yaml'],
      misnamed: [],
    };
    const { head, rows } = atOnce(runsView(facts({ nodeOps, reports, record, lease: { hold: 'storm' } })));
    expect(head.needsYou.map(({ kind, text }) => `${kind} ${text}`)).toEqual(
      [
        'held ops/paused: held by the annotation agent.nodeop.dev/hold: wait',
        expect.stringMatching(/^failed ops\/broken/),
        'invalid runs/typo.yaml: line 4, column 3: spec.imag: unknown field',
        'waiting runs/later.yaml: waiting for the window',
      ].map((it) =>
        typeof it === 'string' && it.startsWith('held') ? expect.stringContaining('held ops/paused') : it,
      ),
    );
    expect(head.held).toBe('Held: the whole cluster is held by agent.nodeop.dev/hold on the Lease: storm');
    expect(head.passedOver).toContain('2 run files (runs/a.yaml, runs/b.yaml)');
    expect(rows.find(({ key }) => key === 'later.yaml')).toEqual({
      key: 'later.yaml',
      name: 'runs/later.yaml',
      state: 'Waiting',
      why: 'waiting for the window',
      until: Date.parse('2030-02-01T01:00:00Z'),
    });
  });

  test('of very many runs that are over the newest are shown, and all are counted', () => {
    const reports = Array.from({ length: 3_000 }, (_, i) =>
      aReport(`runs/r${i}.yaml`, { phase: 'Completed', startedAt: new Date(NOW - i * 60_000).toISOString() }),
    );
    const { head, rows } = atOnce(runsView(facts({ reports })));
    expect(head.total).toBe(3_000);
    expect(rows.map(({ key }) => key)).toEqual(Array.from({ length: 100 }, (_, i) => `r${i}.yaml`));
  });

  test('runs of other clusters stand beside this one’s, by their cluster', () => {
    const reports = [aReport('runs/a.yaml', { phase: 'Completed' }, { cluster: 'paris' })];
    const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' };
    const { head, rows } = atOnce(runsView(facts({ reports, layout })));
    expect(rows.map(({ key, cluster }) => [key, cluster])).toEqual([['=paris/a.yaml', 'paris']]);
    expect(head.clusters).toEqual(['paris']);
    expect(head.cluster).toBe('berlin');
  });
});

describe('one run', () => {
  const subject = { id: 'flash.yaml', nodeOp: going };

  test('nights in which the window was closed are told as that; the present one by what the run says', () => {
    const day = (date: string, hour: string) => ({
      phase: 'Completed' as const,
      startedAt: `2030-01-${date}T${hour}:00:00Z`,
      finishedAt: `2030-01-${date}T${hour}:50:00Z`,
    });
    const nightly = aNodeOp('nightly', {
      phase: 'Running',
      startedAt: '2030-01-29T20:00:00Z',
      conditions: [{ type: 'Ready', status: 'False', reason: 'Waiting', message: 'waiting for the window' }],
      nodeStatuses: { a: day('29', '20'), b: day('30', '20'), c: day('30', '23'), d: { phase: 'Pending' } },
    });
    const window = { schedule: '0 20 * * *', duration: '4h', timeZone: 'UTC' };
    nightly.metadata.annotations = { [ANNOTATION_WINDOW]: JSON.stringify(window) };
    const { head } = atOnce(runView({ id: 'n', nodeOp: nightly }, facts({ nodeOps: [nightly] })));
    expect(head.pauses.map(({ text }) => text)).toEqual([
      'the window was closed',
      'no node was in flight',
      expect.stringContaining('waiting for the window'),
    ]);
  });

  test('a row a node, failures by their cause, and what is waited for', () => {
    const { head, rows } = atOnce(runView(subject, facts({ nodeOps: [going], nodes: NODES })));
    expect(rows.map(({ key, phase, zone }) => [key, phase, zone])).toEqual([
      ['node-1', 'Failed', 'zone-a'],
      ['node-2', 'Completed', 'zone-a'],
      ['node-3', 'Draining', 'zone-a'],
      ['node-4', 'Pending', 'zone-a'],
    ]);
    expect(head.failures).toEqual([{ text: 'exit code 3: write protected', count: 1, nodes: ['node-1'] }]);
    expect(head.waits).toEqual([{ text: 'held up by budget shop/web', count: 1, nodes: ['node-3'] }]);
    expect(head.groupedBy).toEqual(['zone']);
    expect(head.commands).toContain('nodeop-agent watch runs/flash.yaml');
  });

  test('who may not read logs sees no line of one, wherever it would stand', () => {
    const seen = facts({ nodeOps: [going], nodes: NODES, sees: NO_LOGS });
    const shown = [
      atOnce(runView(subject, seen)),
      atOnce(runsView(seen)),
      atOnce(nodesView(seen)),
      nodeView({ node: 'node-1', past: [], looked: 0, reading: false }, seen),
    ];
    expect(JSON.stringify(shown)).not.toContain('write protected');
    expect(JSON.stringify(shown)).toContain('exit code 3');
  });

  const git = {
    provider: 'github' as const,
    apiUrl: 'https://api.github.com',
    project: 'acme/ops',
    branch: 'main',
  };
  const repeated = (env?: { name: string; value: string }[]) => {
    const over = aNodeOp(
      'flash',
      { phase: 'Failed', nodeStatuses: { 'node-1': FAILED, 'node-2': DONE } },
      { run: 'runs/flash.yaml', spec: env ? { env } : {} },
    );
    const seen = facts({ nodeOps: [over], nodes: NODES, git });
    return atOnce(runView({ id: 'flash.yaml', nodeOp: over }, seen)).head.actions;
  };

  test('one that is over can be repeated on what is left', () => {
    const [retry] = repeated();
    expect(retry).toMatchObject({ kind: 'retry', path: 'runs/flash-retry.yaml', filled: true });
    expect(retry?.text).toContain('- node-1');
    expect(retry?.text).not.toContain('write protected');
    const address = 'https://github.com/acme/ops/new/main?filename=runs%2Fflash-retry.yaml&value=';
    expect(retry?.url?.startsWith(address)).toBe(true);
  });

  test('what its environment holds is not shown, and nothing is put in its place', () => {
    const [retry] = repeated([{ name: 'TOKEN', value: 'hunter2' }]);
    expect(retry).toMatchObject({
      kind: 'retry',
      url: 'https://github.com/acme/ops/blob/main/runs/flash.yaml',
    });
    expect(retry?.text?.trim()).toMatch(/^nodeSelector:\n.*\n.*hostname\n.*\n.*\n\s+- node-1$/);
    expect(JSON.stringify(retry)).not.toContain('TOKEN');
  });

  test.each<[string, Partial<NodeOpRun['spec']>]>([
    ['in the run', { env: [{ name: 'TOKEN', value: 'hunter2' }] }],
    ['in what it overrides', { overrides: { env: [{ name: 'TOKEN', value: 'hunter2' }] } }],
    ['a credential in a command', { overrides: { args: ['--password=hunter2'] } }],
    ['a credential as a parameter', { parameters: { URL: 'https://ada:hunter2@mirror.example.org/' } }],
  ])('nor where it names a definition: %s', (_, more) => {
    const over = aNodeOp(
      'flash',
      { phase: 'Failed', nodeStatuses: { 'node-1': FAILED } },
      { run: 'runs/flash.yaml' },
    );
    const original = { spec: { nodeOp: 'flash', ...more } };
    const seen = facts({ nodeOps: [over], nodes: NODES, git });
    const [retry] = atOnce(runView({ id: 'flash.yaml', nodeOp: over, original }, seen)).head.actions;
    expect(JSON.stringify(retry)).not.toContain('hunter2');
    expect(retry?.url).toBe('https://github.com/acme/ops/blob/main/runs/flash.yaml');
    expect(load(retry?.text ?? '')).toEqual({
      nodeOp: 'flash',
      overrides: {
        nodeSelector: {
          matchLabels: null,
          matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }],
        },
      },
    });
  });

  test('one that goes on can be suspended: the line to change, and where', () => {
    const bytes = Buffer.from(
      'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: flash\n',
    );
    const gitlab = {
      provider: 'gitlab' as const,
      apiUrl: 'https://gitlab.com/api/v4',
      project: 'acme/ops',
      branch: 'main',
    };
    const { head } = atOnce(
      runView(
        { ...subject, file: { path: 'runs/flash.yaml', bytes } },
        facts({ nodeOps: [going], git: gitlab }),
      ),
    );
    expect(head.actions.map(({ kind, line, text, url }) => ({ kind, line, text, url }))).toEqual([
      {
        kind: 'suspend',
        line: 4,
        text: '  suspend: true',
        url: 'https://gitlab.com/acme/ops/-/edit/main/runs/flash.yaml',
      },
      {
        kind: 'cancel',
        line: undefined,
        text: undefined,
        url: 'https://gitlab.com/acme/ops/-/blob/main/runs/flash.yaml',
      },
    ]);
  });

  test('one of which only the report is left is told by that', () => {
    const report = aReport(
      'runs/flash.yaml',
      {
        phase: 'Failed',
        startedAt: '2030-01-31T20:00:00Z',
        finishedAt: '2030-01-31T20:10:00Z',
        summary: { total: 2, completed: 1, failed: 1 },
        nodes: [
          {
            name: 'node-1',
            phase: 'Failed',
            message: 'command failed: exit code 3: write protected',
            log: 'a\nb',
          },
          { name: 'node-2', phase: 'Completed' },
        ],
      },
      { nodeOp: { namespace: 'ops', name: 'flash' }, spec: { command: ['true'] } },
    );
    const seen = facts({ reports: [report], nodes: NODES });
    const [card] = seen.reports.cards;
    const { head, rows } = atOnce(runView({ id: 'flash.yaml', card, report }, seen));
    expect(rows.map(({ key, phase }) => `${key} ${phase}`)).toEqual(['node-1 Failed', 'node-2 Completed']);
    expect(head).toMatchObject({ nodeOp: 'ops/flash', run: { state: 'Failed', finishedAt: at('20:10:00') } });
    expect(JSON.stringify(rows)).not.toContain('"log"');
  });
});

describe('a node', () => {
  test('why it is cordoned, how it stands in the run under way, what waits and what was before', () => {
    const later = aNodeOp('later', { phase: 'Running', nodeStatuses: { 'node-3': { phase: 'Pending' } } });
    const old = aReport(
      'runs/old.yaml',
      { phase: 'Completed' },
      { nodeOp: { namespace: 'ops', name: 'old' } },
    );
    const seen = facts({ nodeOps: [going, later], nodes: NODES, reports: [old] });
    const past = [
      {
        report: 'results/old.yaml',
        entry: { name: 'node-3', phase: 'Completed' as const, finishedAt: '2030-01-01T00:00:00Z' },
      },
    ];
    const made = () => ({ job: undefined, pods: [] });
    const { head, rows } = nodeView({ node: 'node-3', past, looked: 1, reading: false, made }, seen);
    expect(head).toMatchObject({
      phases: [{ phase: 'Draining', from: Date.parse('2030-01-31T22:04:00Z') }],
      node: 'node-3',
      ready: true,
      cordon: 'It is not cordoned.',
      run: { id: 'flash.yaml' },
      here: { phase: 'Draining' },
      waiting: [{ id: '~ops/later' }],
    });
    expect(rows.map(({ key, phase }) => `${key} ${phase}`)).toEqual([
      'flash.yaml Draining',
      'old.yaml Completed',
    ]);
  });

  test('the end of its log, for who may read logs', () => {
    const subject = { node: 'node-1', past: [], looked: 0, reading: false };
    const seen = facts({ nodeOps: [going], nodes: NODES });
    expect(nodeView(subject, seen).head.log).toBe('write protected');
    expect(nodeView(subject, { ...seen, sees: NO_LOGS }).head.log).toBeUndefined();
  });

  test('one that the cluster does not have', () => {
    const { head } = nodeView({ node: 'nowhere', past: [], looked: 0, reading: false }, facts());
    expect(head).toMatchObject({ exists: false, cordon: 'The cluster has no node of this name.' });
  });
});

test('all nodes, with who cordoned them and what ran on them last', () => {
  const { head, rows } = atOnce(nodesView(facts({ nodeOps: [going], nodes: NODES })));
  expect(head).toMatchObject({ total: 4, ready: 4, cordoned: 1, leftCordoned: 1 });
  expect(rows[0]).toMatchObject({
    key: 'node-1',
    leftCordoned: true,
    cordon: expect.stringContaining('It was cordoned by runs/flash.yaml'),
    last: { run: 'flash.yaml', phase: 'Failed', at: at('22:02:00') },
  });
  expect(rows[3]?.last).toBeUndefined();
});

describe('who may not read logs sees no word of a container', () => {
  const WORD = 'root:x:0:0';
  const steps = [
    {
      name: 'canary',
      phase: 'Failed' as const,
      nodes: 1,
      finished: 1,
      failed: 0,
      message: `check ready failed, 3 tries: exit code 1: ${WORD}`,
      checks: [
        {
          name: 'ready',
          phase: 'Failed' as const,
          tries: 3,
          attempt: 3,
          changedAt: '2030-01-31T22:03:00Z',
          message: `exit code 1: ${WORD}`,
        },
      ],
    },
  ];
  const nodeStatuses: Record<string, NodeStatus> = {
    'node-1': { phase: 'Failed', message: `command failed: exit code 1, OutOfexample.com/gpu: ${WORD}` },
    'node-2': { phase: 'Preflight', message: `CrashLoopBackOff: ${WORD}` },
    'node-3': {
      phase: 'Rebooting',
      message: `boot ID is still the old one, node is Ready, reboot pod failed: exit code 1: ${WORD}`,
    },
  };
  const status = { phase: 'Running' as const, startedAt: '2030-01-31T22:00:00Z', steps };
  const nodeOp = aNodeOp('flash', { ...status, nodeStatuses }, { run: 'runs/flash.yaml' });
  const nodes = Object.entries(nodeStatuses).map(([name, it]) => ({
    name,
    phase: it.phase,
    message: it.message,
  }));
  const report = aReport(
    'runs/old.yaml',
    { ...status, nodes },
    { nodeOp: { namespace: 'ops', name: 'old' } },
  );
  const views = (sees: Sees) => {
    const seen = facts({ nodeOps: [nodeOp], nodes: NODES, reports: [report], sees });
    const [card] = seen.reports.cards;
    return [
      atOnce(runsView(seen)),
      atOnce(nodesView(seen)),
      atOnce(runView({ id: 'flash.yaml', nodeOp }, seen)),
      atOnce(runView({ id: 'old.yaml', card, report }, seen)),
      ...Object.keys(nodeStatuses).map((node) =>
        nodeView({ node, past: [], looked: 0, reading: false }, seen),
      ),
      atOnce(search({ text: 'canary' }, seen)),
    ];
  };

  test('in no view', () => {
    for (const view of views(NO_LOGS)) expect(JSON.stringify(view)).not.toContain(WORD);
    const finds = facts({ nodeOps: [nodeOp], reports: [report], sees: NO_LOGS });
    expect(atOnce(search({ text: WORD }, finds)).found).toBe(0);
  });

  test('who may reads it in each', () => {
    for (const view of views({ ...NO_LOGS, logs: 'own' })) expect(JSON.stringify(view)).toContain(WORD);
  });
});

test('runs of a namespace that the reader may not see are nowhere', () => {
  const other = aNodeOp(
    'secret',
    { phase: 'Running', nodeStatuses: { 'node-2': { phase: 'Running', startedAt: '2030-01-31T22:00:00Z' } } },
    { namespace: 'vault' },
  );
  const nodes = [aNode('node-2', { by: 'vault/secret@uid-secret' })];
  const report = aReport(
    'runs/secret.yaml',
    { phase: 'Completed' },
    { nodeOp: { namespace: 'vault', name: 'secret' }, cluster: 'vault' },
  );
  const sees: Sees = { namespace: 'ops', nodeOps: 'own', logs: 'own' };
  const seen = facts({ nodeOps: [other], nodes, reports: [report], sees });
  const shown = [
    atOnce(runsView(seen)),
    atOnce(nodesView(seen)),
    nodeView({ node: 'node-2', past: [], looked: 0, reading: false }, seen),
  ];
  expect(JSON.stringify(shown)).not.toMatch(/vault|secret/);
});

test('the agent: who leads, what is wrong, and what has not begun', () => {
  const waiting = [{ run: 'runs/later.yaml', reason: 'NotBefore', message: 'not before noon' }];
  const { head, rows } = agentView(
    facts({
      record: {
        waiting,
        waitingCount: 1,
        passedOver: 0,
        passedOverRuns: [],
        misnamed: ['run/ is not runs/'],
      },
      lease: { holder: 'agent-1' },
      agent: { servedBy: 'standby', version: '1.2.3', problems: ['the branch is gone'], tip: 'abc' },
    }),
  );
  expect(head).toMatchObject({
    leader: 'agent-1',
    leads: false,
    problems: ['the branch is gone', 'run/ is not runs/'],
    queued: 1,
  });
  expect(rows).toEqual([
    { key: 'later.yaml', name: 'runs/later.yaml', reason: 'NotBefore', message: 'not before noon' },
  ]);
});
