import { expect, test } from 'vitest';
import { ANNOTATION_WINDOW } from '../../../src/api/labels.ts';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import type { NodeRow, RunRow, StepView } from '../../../src/api/page.ts';
import { atOnce } from '../../../src/api/pieces.ts';
import { Cordons } from '../../../src/core/cordon.ts';
import { cardOf, problemText } from '../../../src/core/page/card.ts';
import { needsYou } from '../../../src/core/page/needs-you.ts';
import { nodesView } from '../../../src/core/page/nodes.ts';
import { pausesIn } from '../../../src/core/page/pauses.ts';
import {
  ageOf,
  isOpen,
  nodeOpsOf,
  quietGroups,
  rowOf,
  type Run,
  runsOf,
} from '../../../src/core/page/row.ts';
import { nodeRow, runView } from '../../../src/core/page/run.ts';
import { aNode, aNodeOp, aReport, facts, NOW } from '../../support/page-facts.ts';

const DAY = 24 * 3_600_000;
const stamp = (at: number) => new Date(at).toISOString();
const PLACE = { report: 'results/a.yaml', blob: 'b' };

test('a card keeps of a report what lists need, and nothing that is not there', () => {
  expect(
    cardOf(aReport('runs/a.yaml', { phase: 'Pending' }, { run: { path: 'runs/a.yaml' } }), PLACE),
  ).toEqual({
    ...PLACE,
    path: 'runs/a.yaml',
    state: 'Pending',
    at: 0,
  });
  const whole = aReport(
    'runs/a.yaml',
    {
      phase: 'Failed',
      startedAt: stamp(NOW - 1000),
      finishedAt: stamp(NOW),
      message: 'stopped',
      stopped: { message: 'by Ada' },
      summary: { total: 2, completed: 1, failed: 1 },
      steps: [
        { name: 'one', phase: 'Passed', nodes: 1, finished: 1, failed: 0 },
        { name: 'two', phase: 'Failed', nodes: 1, finished: 1, failed: 1 },
      ],
      nodes: [
        { name: 'a', phase: 'Completed', message: 'fine' },
        { name: 'b', phase: 'Failed', message: 'command failed: exit code 3: no space' },
      ],
    },
    { cluster: 'berlin', nodeOp: { namespace: 'ops', name: 'a-1' } },
  );
  expect(cardOf(whole, PLACE)).toEqual({
    ...PLACE,
    path: 'runs/a.yaml',
    cluster: 'berlin',
    namespace: 'ops',
    called: 'a-1',
    state: 'Failed',
    by: 'Ada <ada@example.org>',
    mergedAt: Date.parse('2030-01-31T21:00:00Z'),
    startedAt: NOW - 1000,
    finishedAt: NOW,
    counts: { total: 2, pending: 0, inFlight: 0, completed: 1, failed: 1, cancelled: 0, skipped: 0 },
    step: expect.stringContaining('two') as string,
    why: 'stopped; by Ada',
    causes: 'exit code 3: no space',
    at: NOW - 1000,
  });
});

test('why a run ended as it did is said once, and of problems the first', () => {
  const why = (status: object) => cardOf(aReport('a', { phase: 'Cancelled', ...status }), PLACE).why;
  expect(why({ message: 'by Ada', stopped: { message: 'by Ada' } })).toBe('by Ada');
  expect(why({ message: '' })).toBeUndefined();
  const problems = [
    { path: 'spec.image', message: 'is missing', line: 3 },
    { message: 'x' },
    { message: 'y' },
  ];
  expect(why({ problems, message: '3 problems' })).toBe(
    'line 3, column 1: spec.image: is missing; and 2 more',
  );
  expect(why({ problems: problems.slice(1, 2) })).toBe('x');
  expect(problemText({ message: 'x', line: 2, column: 5 })).toBe('line 2, column 5: x');
});

test('of two NodeOps of one run the older is its own, the other is shown by its name', () => {
  const [older, younger] = [
    aNodeOp('b', {}, { run: 'runs/a.yaml' }),
    aNodeOp('a', {}, { run: 'runs/a.yaml' }),
  ];
  younger.metadata.creationTimestamp = stamp(NOW);
  const ids = [...nodeOpsOf([younger, older], facts().layout)].map(([id, { metadata }]) => [
    id,
    metadata.name,
  ]);
  expect(ids).toEqual([
    ['a.yaml', 'b'],
    ['~ops/a', 'a'],
  ]);
});

test('a run is as old as it is known to be, and open until it is over', () => {
  const begun = aNodeOp('a', { phase: 'Running', startedAt: stamp(NOW) });
  const [card] = facts({ reports: [aReport('runs/a.yaml', { phase: 'Waiting' })] }).reports.cards;
  const run = (it: Partial<Run>): Run => ({ id: 'a.yaml', ...it });
  const waiting = { run: 'runs/a.yaml', reason: 'Queued', message: 'waits' };
  expect(ageOf(run({ nodeOp: begun, card }))).toBe(NOW);
  expect(ageOf(run({ nodeOp: aNodeOp('a', {}) }))).toBe(Date.parse('2030-01-31T21:59:00Z'));
  expect(ageOf(run({ card }))).toBe(Date.parse('2030-01-31T21:00:00Z'));
  expect(ageOf(run({ waiting }))).toBe(Number.MAX_SAFE_INTEGER);
  expect([run({ nodeOp: begun }), run({ card }), run({ waiting })].map(isOpen)).toEqual([true, true, true]);
  const over = aNodeOp('a', { phase: 'Failed' });
  expect([run({ nodeOp: over, card }), run({})].map(isOpen)).toEqual([false, false]);
});

test('how a NodeOp stands is told as its report has it', () => {
  const state = (phase: 'Pending' | 'Running' | undefined, suspend: boolean, reason = 'Progressing') => {
    const conditions = [{ type: 'Ready', status: 'False' as const, reason }];
    const nodeOp = aNodeOp('a', { ...(phase && { phase }), conditions }, { spec: { suspend } });
    return rowOf({ id: '~ops/a', nodeOp }, facts({ nodeOps: [nodeOp] })).state;
  };
  expect(state(undefined, false)).toBe('Pending');
  expect(state('Pending', true)).toBe('Waiting');
  expect(state('Running', true)).toBe('Running');
  expect(state('Pending', false, 'DefinitionLacksFields')).toBe('Waiting');
});

test('a run that began is not told as one that waits, whatever the record still says', () => {
  const record = {
    waiting: ['a', 'b'].map((it) => ({ run: `runs/${it}.yaml`, reason: 'Queued', message: 'waits' })),
    waitingCount: 2,
    passedOver: 0,
    passedOverRuns: [],
    misnamed: [],
  };
  const runs = runsOf(facts({ nodeOps: [aNodeOp('a', {}, { run: 'runs/a.yaml' })], record }));
  expect([...runs].map(([id, { waiting }]) => [id, waiting?.run])).toEqual([
    ['a.yaml', undefined],
    ['b.yaml', 'runs/b.yaml'],
  ]);
});

test('groups that say the same without what containers said become one', () => {
  const group = (text: string, ...nodes: string[]) => ({ text, count: nodes.length, nodes });
  expect(
    quietGroups([group('exit code 3: a', 'x'), group('exit code 3: b', 'y', 'z'), group('gone', 'w')]),
  ).toEqual([group('exit code 3', 'x', 'y', 'z'), group('gone', 'w')]);
});

test('a row of a node has what is known, and a time of its phase only while that goes on', () => {
  const entry = {
    name: 'a',
    phase: 'Rebooting' as const,
    message: '',
    rebootStatus: 'not-requested',
    cordoned: false,
    startedAt: stamp(NOW),
    phaseStartedAt: stamp(NOW + 1000),
  };
  expect(nodeRow(entry, { isLoud: true })).toEqual({
    key: 'a',
    phase: 'Rebooting',
    startedAt: NOW,
    since: NOW + 1000,
  });
  const done = {
    ...entry,
    phase: 'Failed' as const,
    cordoned: true,
    rebootStatus: 'pending',
    message: 'exit code 1: x',
  };
  expect(nodeRow({ ...done, attempts: 2, exitCode: 1 }, { isLoud: false, zone: 'north' })).toEqual({
    key: 'a',
    phase: 'Failed',
    zone: 'north',
    message: 'exit code 1',
    attempts: 2,
    exitCode: 1,
    reboot: 'pending',
    cordoned: true,
    startedAt: NOW,
  });
});

test('a run with steps: what is watched and until when, its links, warnings and problems', () => {
  const git = {
    provider: 'github' as const,
    apiUrl: 'https://api.github.com',
    project: 'a/b',
    branch: 'main',
  };
  const spec = {
    command: ['x'],
    image: 'x',
    steps: [{ name: 'one', nodeSelector: {}, upTo: 1, soakSeconds: 60 }],
  };
  const step = { name: 'one', phase: 'Soaking', nodes: 1, finished: 1, failed: 0 } as const;
  const report = aReport(
    'runs/a.yaml',
    {
      phase: 'Running',
      steps: [
        {
          ...step,
          since: stamp(NOW),
          checks: [
            {
              name: 'up',
              phase: 'Passed',
              tries: 1,
              attempt: 1,
              message: 'is up',
              changedAt: stamp(NOW + 1),
            },
          ],
        },
      ],
      problems: [{ message: 'odd' }],
      observedChange: { blob: 'c', message: 'was edited' },
    },
    { spec, nodeOp: { name: 'a-1' } },
  );
  const seen = facts({ reports: [report], git, gitOfResults: { ...git, branch: 'results' } });
  const [card] = seen.reports.cards;
  const { head } = atOnce(runView({ id: 'a.yaml', card, report }, seen));
  expect(head).toMatchObject({
    nodeOp: '/a-1',
    groupedBy: [],
    steps: [
      {
        ...step,
        since: NOW,
        soakEnds: NOW + 60_000,
        checks: [{ name: 'up', phase: 'Passed', saw: 'is up', since: NOW + 1 }],
      },
    ],
    problems: ['odd'],
    warnings: ['was edited'],
    links: [
      { label: 'Run file', url: 'https://github.com/a/b/blob/main/runs/a.yaml' },
      { label: 'Report', url: 'https://github.com/a/b/blob/results/results/a.yaml' },
    ],
    commands: [],
  });
  expect(atOnce(runView({ id: 'a.yaml', card, report }, facts())).head.links).toEqual([]);
});

test('stretches between a step and the next are for what the step was about', () => {
  const run = { key: 'a', name: 'a', state: 'Completed', startedAt: 0, finishedAt: DAY } as RunRow;
  const rows = [
    { key: 'a', phase: 'Completed', step: 'one', startedAt: 0, finishedAt: 1000 },
    { key: 'b', phase: 'Completed', step: 'two', startedAt: DAY / 2, finishedAt: DAY },
  ] as NodeRow[];
  const step = (phase: StepView['phase'], since?: number) =>
    [
      { name: 'one', phase, text: '', nodes: 1, finished: 1, failed: 0, checks: [], ...(since && { since }) },
    ] as StepView[];
  const told = (steps: readonly StepView[]) =>
    pausesIn(run, { nodeOp: undefined, rows, steps, now: DAY }).map(({ from, to, text }) => [from, to, text]);
  const pause = (text: string) => [[1000, DAY / 2, text]];
  expect(told(step('Passed', DAY / 2))).toEqual(pause('step one was watched'));
  expect(told(step('Failed', DAY / 2))).toEqual(pause('step one was watched'));
  expect(told(step('Soaking', DAY / 2))).toEqual(pause('step one was watched'));
  expect(told(step('Checking', DAY / 2))).toEqual(pause('step one was checked'));
  for (const steps of [step('Running', DAY / 2), step('Pending', DAY / 2), step('Passed'), []])
    expect(told(steps)).toEqual(pause('no node was in flight'));
  expect(
    pausesIn({ ...run, startedAt: undefined } as unknown as RunRow, {
      nodeOp: undefined,
      rows,
      steps: [],
      now: DAY,
    }),
  ).toEqual([]);
});

test('a window that was closed accounts for a stretch; one that cannot be read for none', () => {
  const at = (hour: number) => Date.parse('2030-01-01T00:00:00Z') + hour * 3_600_000;
  const run = { key: 'a', name: 'a', state: 'Running', startedAt: at(0), why: 'waits now' } as RunRow;
  const rows = [
    { key: 'a', phase: 'Completed', startedAt: at(0), finishedAt: at(1) },
    { key: 'b', phase: 'Completed', startedAt: at(24), finishedAt: at(25) },
  ] as NodeRow[];
  const told = (annotation: string) => {
    const nodeOp = aNodeOp('a', { phase: 'Running' });
    nodeOp.metadata.annotations = { [ANNOTATION_WINDOW]: annotation };
    return pausesIn(run, { nodeOp, rows, steps: [], now: at(30) }).map(({ text }) => text);
  };
  const window = JSON.stringify({ schedule: '0 0 * * *', duration: '2h', timeZone: 'UTC' });
  expect(told(window)).toEqual(['the window was closed', 'waits now']);
  expect(told('nonsense')).toEqual(['no node was in flight', 'waits now']);
});

test('what needs somebody: runs that failed of late, waits, what is wrong with files and with the agent', () => {
  const ago = (days: number) => stamp(NOW - days * DAY);
  const reports = [
    aReport('runs/failed.yaml', { phase: 'Failed', finishedAt: ago(6), message: 'no node matches' }),
    aReport('runs/long-ago.yaml', { phase: 'Failed', finishedAt: ago(8) }),
    aReport('runs/invalid.yaml', { phase: 'Invalid' }),
    aReport('runs/waits.yaml', { phase: 'Waiting', message: 'for noon' }),
    aReport('runs/done.yaml', { phase: 'Completed', finishedAt: ago(1) }),
  ];
  const nodes = [
    aNode('node-10', { by: 'ops/gone@uid-gone' }),
    aNode('node-2', { by: 'ops/gone@uid-gone' }),
    aNode('node-3'),
  ];
  const seen = facts({
    reports,
    nodes,
    agent: { servedBy: 'leader', version: '1', problems: ['no rights'] },
  });
  const found = atOnce(needsYou(runsOf(seen).values(), new Cordons([]), seen));
  expect(found.map(({ key, kind, since }) => [key, kind, since])).toEqual([
    ['agent 0', 'agent', undefined],
    ['run failed.yaml', 'failed', NOW - 6 * DAY],
    ['node node-2', 'cordoned', undefined],
    ['node node-10', 'cordoned', undefined],
    ['run invalid.yaml', 'invalid', Date.parse('2030-01-31T21:00:00Z')],
    ['run waits.yaml', 'waiting', Date.parse('2030-01-31T21:00:00Z')],
  ]);
  expect(found.map(({ text }) => text)).toEqual(
    expect.arrayContaining(['no rights', 'runs/failed.yaml: no node matches', 'runs/waits.yaml: for noon']),
  );
});

test('of all nodes: which are Ready since when, where they are, and what began on them last', () => {
  const began = (at: string): NodeStatus => ({
    phase: 'Running',
    jobName: 'j',
    startedAt: at,
    message: 'exit code 1: secret',
  });
  const old = aNodeOp('old', {
    phase: 'Running',
    nodeStatuses: { a: began('2030-01-31T22:00:00Z'), b: { phase: 'Pending' } },
  });
  const young = aNodeOp('young', { phase: 'Running', nodeStatuses: { a: began('2030-01-31T22:05:00Z') } });
  young.metadata.creationTimestamp = stamp(NOW);
  const master = aNode('b', { zone: 'north', ready: false });
  master.metadata.labels = { ...master.metadata.labels, 'node-role.kubernetes.io/control-plane': '' };
  const sees = { namespace: 'ops', nodeOps: 'all', logs: 'none' } as const;
  const { head, rows } = atOnce(
    nodesView(facts({ nodeOps: [young, old], nodes: [aNode('a'), master], sees })),
  );
  expect(head).toMatchObject({ total: 2, ready: 1, cordoned: 0, leftCordoned: 0 });
  const readySince = Date.parse('2030-01-01T00:00:00Z');
  expect(rows).toEqual([
    {
      key: 'a',
      ready: true,
      readySince,
      cordoned: false,
      zone: 'zone-a',
      last: {
        run: '~ops/young',
        name: 'ops/young',
        phase: 'Running',
        at: Date.parse('2030-01-31T22:05:00Z'),
        message: 'exit code 1',
      },
    },
    { key: 'b', ready: false, readySince, cordoned: false, zone: 'north', controlPlane: true },
  ]);
});
