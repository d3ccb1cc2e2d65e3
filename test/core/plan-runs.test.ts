import { describe, expect, test } from 'vitest';
import {
  ANNOTATION_CANCEL,
  ANNOTATION_RUN,
  ANNOTATION_SERIES,
  ANNOTATION_UID,
} from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import {
  type PlanOptions,
  planRuns,
  type RunAction,
  type RunFacts,
  saysStarted,
  settled,
} from '../../src/core/runs/plan.ts';
import type { Preparation } from '../../src/core/runs/prepare.ts';

const NOW = new Date('2030-01-01T12:00:00Z');
const DAY_MS = 86_400_000;

const report = (status: object, of?: object) => ({ status, nodeOp: of }) as unknown as NodeOpReport;
const prepared = (more: object = {}, spec: object = {}, annotations: Record<string, string> = {}) =>
  ({
    ok: true,
    here: true,
    manifest: { metadata: { name: 'op', annotations }, spec },
    ...more,
  }) as unknown as Preparation;
const file = (preparation: Preparation = prepared(), order = 0) => ({
  blob: 'b',
  order,
  prepare: () => preparation,
});
const run = (facts: Partial<RunFacts> = {}): RunFacts => ({
  path: 'runs/a.yaml',
  passedOver: false,
  judged: false,
  ...facts,
});

function nodeOp(status: object, annotations: Record<string, string> = {}, spec: object = {}): NodeOp {
  const marks = { [ANNOTATION_RUN]: 'runs/a.yaml', [ANNOTATION_UID]: 'uid-1', ...annotations };
  return { metadata: { name: 'op', uid: 'uid-1', annotations: marks }, spec, status } as unknown as NodeOp;
}

function brief(action: RunAction): string {
  if (action.type === 'wait') return `wait ${action.reason}`;
  if (action.type === 'conclude') return `conclude ${action.verdict.phase} ${action.verdict.reason}`;
  return action.type === 'suspend' ? `suspend ${action.suspend}` : action.type;
}

const plan = (runs: readonly RunFacts[], options: Partial<PlanOptions> = {}) =>
  planRuns(runs, NOW, { maxConcurrent: 1, ...options });
const does = (facts: Partial<RunFacts>, options: Partial<PlanOptions> = {}) =>
  plan([run(facts)], options).map(brief);

describe('a new run file', () => {
  test('begins', () => {
    expect(does({ file: file() })).toEqual(['create']);
  });

  test('of another cluster is none of ours', () => {
    expect(does({ file: file(prepared({ here: false })) })).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['before its time', { notBefore: '2030-01-01T12:00:01Z' }, 'wait NotBefore'],
    ['at its time', { notBefore: '2030-01-01T12:00:00Z' }, 'create'],
    ['at its last moment', { notAfter: '2030-01-01T12:00:00Z' }, 'create'],
    ['too late', { notAfter: '2030-01-01T11:59:59Z' }, 'conclude Cancelled TooLate'],
    [
      'too late, though before its time',
      { notAfter: '2030-01-01T11:59:59Z', notBefore: '2031-01-01T00:00:00Z' },
      'conclude Cancelled TooLate',
    ],
    ['in its window', { window: { schedule: '0 12 * * *', duration: '1h' } }, 'create'],
    ['outside of its window', { window: { schedule: '0 13 * * *', duration: '1h' } }, 'wait WindowClosed'],
  ])('%s: %j: %s', (_, more, expected) => {
    expect(does({ file: file(prepared(more)) })).toEqual([expected]);
  });

  test('waits until a time that is told', () => {
    const [early] = plan([run({ file: file(prepared({ notBefore: '2030-01-02T00:00:00Z' })) })]);
    expect(early).toMatchObject({
      until: Date.parse('2030-01-02T00:00:00Z'),
      message: 'not before 2030-01-02T00:00:00Z',
    });
    const window = { schedule: '0 13 * * *', duration: '1h', timeZone: 'UTC' };
    const [shut] = plan([run({ file: file(prepared({ window })) })]);
    expect(shut).toMatchObject({ until: Date.parse('2030-01-01T13:00:00Z') });
  });

  test('whose signature cannot be checked now waits, and is not even read', () => {
    const unread = { blob: 'b', order: 0, prepare: () => expect.unreachable('it is not to be prepared') };
    expect(does({ file: unread, held: 'away' })).toEqual(['wait SignaturesUnknown']);
  });

  test('that is invalid says why', () => {
    const problems = [{ path: ['spec'], message: 'is missing' }];
    const [plain] = plan([run({ file: file({ ok: false, problems }) })]);
    expect(plain).toMatchObject({ verdict: { phase: 'Invalid', reason: 'InvalidRunFile', problems } });
    const [named] = plan([
      run({ file: file({ ok: false, problems, reason: 'NotSigned', definition: 'flash' }) }),
    ]);
    expect(named).toMatchObject({ verdict: { phase: 'Invalid', reason: 'NotSigned', definition: 'flash' } });
  });

  test('that is valid only long after it was added does not begin', () => {
    const addedAt = NOW.getTime() - 31.9 * DAY_MS;
    const maxAgeMs = 30 * DAY_MS;
    const [old] = plan([run({ file: file(prepared({ definition: { name: 'flash' } })), addedAt })], {
      maxAgeMs,
    });
    expect(old).toMatchObject({
      verdict: {
        phase: 'Invalid',
        reason: 'TooOld',
        definition: 'flash',
        problems: [{ message: expect.stringMatching(/^the file was added 31 days ago/) as string }],
      },
    });
    expect(does({ file: file(), addedAt: NOW.getTime() - maxAgeMs }, { maxAgeMs })).toEqual(['create']);
    expect(does({ file: file(), addedAt })).toEqual(['create']);
  });

  test.each<[string, object, string]>([
    ['is tried again later', { isLasting: false, retryInMs: 1 }, 'wait NotCreated'],
    ['is tried again now', { isLasting: false, retryInMs: 0 }, 'create'],
    ['is given up', { isLasting: true, retryInMs: 1 }, 'conclude Failed NotCreated'],
  ])('whose NodeOp is refused %s', (_, refused, expected) => {
    expect(does({ file: file(), refused: { message: 'a policy', ...refused } as never })).toEqual([expected]);
  });
});

describe('what holds all runs back', () => {
  const all = {
    blocked: 'the cluster is another one',
    obstacle: 'fields would be dropped',
    held: 'held by people',
  };

  test.each<[Partial<PlanOptions>, string, string]>([
    [all, 'wait Blocked', all.blocked],
    [{ obstacle: all.obstacle, held: all.held }, 'wait DefinitionLacksFields', all.obstacle],
    [{ held: all.held }, 'wait Held', all.held],
    [{ maxConcurrent: 0 }, 'wait Queued', 'other runs come first'],
  ])('%j: %s', (options, expected, message) => {
    const [action, ...more] = plan([run({ file: file() })], options);
    expect(action).toMatchObject({ message });
    expect([action, ...more].map((it) => brief(it as RunAction))).toEqual([expected]);
  });

  test('keeps none from being told that it is invalid, cancelled, or early', () => {
    expect(does({ file: file({ ok: false, problems: [] }) }, all)).toEqual([
      'conclude Invalid InvalidRunFile',
    ]);
    expect(does({ report: report({ phase: 'Pending' }) }, all)).toEqual(['conclude Cancelled Removed']);
    expect(does({ file: file(prepared({ notBefore: '2031-01-01T00:00:00Z' })) }, all)).toEqual([
      'wait NotBefore',
    ]);
  });
});

describe('several runs', () => {
  const named = (path: string, order: number, more: Partial<RunFacts> = {}) =>
    run({ path, file: file(prepared(), order), ...more });
  const told = (runs: readonly RunFacts[], options: Partial<PlanOptions> = {}) =>
    plan(runs, options).map((action) => `${action.run.path} ${brief(action)}`);

  test('begin in the order of their commits, then by path', () => {
    expect(told([named('runs/c.yaml', 2), named('runs/b.yaml', 1), named('runs/a.yaml', 1)])).toEqual([
      'runs/a.yaml create',
      'runs/b.yaml wait Queued',
      'runs/c.yaml wait Queued',
    ]);
  });

  test('begin as many as there are places; what is under way takes one, what is over or waits none', () => {
    const going = named('runs/a.yaml', 0, { nodeOp: nodeOp({ phase: 'Running' }) });
    const over = named('runs/a.yaml', 0, { nodeOp: nodeOp({ phase: 'Completed' }) });
    const soaks = named('runs/a.yaml', 0, {
      nodeOp: nodeOp({
        phase: 'Running',
        conditions: [{ type: 'Reconciling', status: 'True', reason: 'Waiting' }],
      }),
    });
    const next = [named('runs/b.yaml', 1), named('runs/c.yaml', 2)];
    expect(told([going, ...next]).slice(1)).toEqual(['runs/b.yaml wait Queued', 'runs/c.yaml wait Queued']);
    expect(told([going, ...next], { maxConcurrent: 2 }).slice(1)).toEqual([
      'runs/b.yaml create',
      'runs/c.yaml wait Queued',
    ]);
    for (const first of [over, soaks])
      expect(told([first, ...next]).slice(1)).toEqual(['runs/b.yaml create', 'runs/c.yaml wait Queued']);
  });

  test('one that waits for its time, or is refused, lets others go first', () => {
    const early = run({
      path: 'runs/a.yaml',
      file: file(prepared({ notBefore: '2031-01-01T00:00:00Z' }), 0),
    });
    const refused = named('runs/b.yaml', 1, { refused: { message: 'no', isLasting: false, retryInMs: 5 } });
    expect(told([early, refused, named('runs/c.yaml', 2)])).toEqual([
      'runs/a.yaml wait NotBefore',
      'runs/b.yaml wait NotCreated',
      'runs/c.yaml create',
    ]);
  });

  describe('of one series', () => {
    const of = (path: string, order: number, series = 'nightly') =>
      run({ path, file: file(prepared({}, {}, { [ANNOTATION_SERIES]: series }), order) });

    test('do not begin beside each other: the later one is skipped', () => {
      const runs = [of('runs/a.yaml', 0), of('runs/b.yaml', 1), of('runs/c.yaml', 2, 'weekly')];
      expect(told(runs, { maxConcurrent: 5 })).toEqual([
        'runs/a.yaml create',
        'runs/b.yaml conclude Cancelled Skipped',
        'runs/c.yaml create',
      ]);
      expect(told(runs, { held: 'held' })[1]).toBe('runs/b.yaml conclude Cancelled Skipped');
    });

    test('whose signatures are not known keeps no other from beginning, and is not skipped for one', () => {
      const unknown = { ...of('runs/a.yaml', 0), held: 'away' };
      expect(told([unknown, of('runs/b.yaml', 1)], { maxConcurrent: 5 })).toEqual([
        'runs/a.yaml wait SignaturesUnknown',
        'runs/b.yaml create',
      ]);
      expect(told([of('runs/0.yaml', 0), { ...unknown, file: { ...file(), order: 1 } }])[1]).toBe(
        'runs/a.yaml wait SignaturesUnknown',
      );
    });

    test('are skipped while one is under way, and not once it is over', () => {
      const before = (phase: string) =>
        run({
          path: 'runs/a.yaml',
          file: file(),
          nodeOp: nodeOp({ phase }, { [ANNOTATION_SERIES]: 'nightly' }),
        });
      expect(told([before('Running'), of('runs/b.yaml', 1)], { maxConcurrent: 5 })[1]).toBe(
        'runs/b.yaml conclude Cancelled Skipped',
      );
      expect(told([before('Completed'), of('runs/b.yaml', 1)])).toContain('runs/b.yaml create');
    });
  });
});

describe('a run with a NodeOp', () => {
  const going = nodeOp({ phase: 'Running' });

  test('is followed', () => {
    expect(does({ file: file(), nodeOp: going })).toEqual(['follow']);
  });

  test('is cancelled once, where its file is gone, which says who took it away', () => {
    const removed = { commit: '0123456789abcdef', author: 'Ada' };
    const [cancel, follow] = plan([run({ nodeOp: going, removed })]);
    expect(cancel).toMatchObject({
      type: 'cancel',
      reason: 'the run file was removed by Ada in commit 0123456789ab',
    });
    expect(follow?.type).toBe('follow');
    expect(plan([run({ nodeOp: going })])[0]).toMatchObject({ reason: 'the run file was removed' });
    expect(does({ nodeOp: nodeOp({ phase: 'Running' }, { [ANNOTATION_CANCEL]: 'why' }) })).toEqual([
      'follow',
    ]);
  });

  test.each<[string, object, object, string[]]>([
    ['as the file says', { suspend: true }, { suspend: false }, ['suspend true', 'follow']],
    ['on again', { suspend: false }, { suspend: true }, ['suspend false', 'follow']],
    ['where nothing was said before', { suspend: true }, {}, ['suspend true', 'follow']],
    ['and stays as it is', { suspend: false }, {}, ['follow']],
    ['and is not asked for', {}, { suspend: true }, ['follow']],
  ])('is suspended %s', (_, wanted, is, expected) => {
    expect(does({ file: file(prepared({}, wanted)), nodeOp: nodeOp({ phase: 'Running' }, {}, is) })).toEqual(
      expected,
    );
  });

  test('whose file cannot be read any more goes on as it is', () => {
    expect(does({ file: file({ ok: false, problems: [] }), nodeOp: going })).toEqual(['follow']);
  });

  test('that waits for its run to be found is vouched for, unless the file is gone', () => {
    const waits = {
      metadata: { ...going.metadata, annotations: { [ANNOTATION_RUN]: 'runs/a.yaml' } },
      spec: {},
    } as unknown as NodeOp;
    expect(does({ file: file(), nodeOp: waits })).toEqual(['vouch', 'follow']);
    expect(does({ nodeOp: waits })).toEqual(['cancel', 'follow']);
  });

  const over = nodeOp({ phase: 'Completed' });
  test.each<[string, Partial<RunFacts>, string[]]>([
    ['with no report yet', {}, ['follow']],
    ['whose report says so', { report: report({ phase: 'Completed' }) }, []],
    ['whose report is behind', { report: report({ phase: 'Running' }) }, ['follow']],
    ['whose report people made Invalid', { report: report({ phase: 'Invalid' }) }, ['follow']],
    [
      'whose report says so, and people changed it',
      { report: report({ phase: 'Completed' }), isEdited: true },
      ['follow'],
    ],
    ['whose report people made unreadable', { passedOver: true, isEdited: true }, ['follow']],
    ['whose report was pruned', { passedOver: true }, []],
    [
      'whose pruned report somebody put back as Running',
      { passedOver: true, report: report({ phase: 'Running' }) },
      ['follow'],
    ],
  ])('that is over, %s: %j', (_, facts, expected) => {
    expect(does({ file: file(), nodeOp: over, ...facts })).toEqual(expected);
  });
});

describe('a run without a NodeOp', () => {
  test.each<[string, Partial<RunFacts>, string[], string | undefined]>([
    ['is over, by its report', { file: file(), report: report({ phase: 'Failed' }) }, [], 'over'],
    [
      'is over, though the cluster has it as begun',
      { file: file(), report: report({ phase: 'Failed' }), begun: true },
      [],
      'over',
    ],
    [
      'ended, which the cluster alone knows',
      { file: file(), kept: report({ phase: 'Completed' }) },
      ['restore'],
      undefined,
    ],
    [
      'ended, which the cluster knows better than an edited report',
      { file: file(), kept: report({ phase: 'Completed' }), report: report({ phase: 'Pending' }) },
      ['restore'],
      undefined,
    ],
    ['is passed over', { file: file(), passedOver: true }, [], 'passedOver'],
    [
      'is invalid as it is',
      { file: file(), judged: true, report: report({ phase: 'Invalid' }) },
      [],
      'judged',
    ],
    [
      'was invalid and is edited',
      { file: file(), report: report({ phase: 'Invalid' }) },
      ['create'],
      undefined,
    ],
    ['was moved here', { file: file(), movedFrom: 'runs/z.yaml' }, [], 'moved'],
    [
      'was taken back before it began',
      { report: report({ phase: 'Waiting' }) },
      ['conclude Cancelled Removed'],
      undefined,
    ],
    ['was invalid and taken away', { report: report({ phase: 'Invalid' }) }, [], undefined],
    ['is not there at all', {}, [], undefined],
    [
      'was announced and never began',
      { file: file(), report: report({ phase: 'Pending' }) },
      ['create'],
      undefined,
    ],
    // What began is never begun again.
    ['began, by the cluster', { file: file(), begun: true }, ['conclude Cancelled NodeOpDeleted'], undefined],
    [
      'began, by the cluster, and its report says it never did',
      { file: file(), begun: true, judged: true, report: report({ phase: 'Invalid' }) },
      ['conclude Cancelled NodeOpDeleted'],
      undefined,
    ],
    [
      'began, by its report',
      { file: file(), report: report({ phase: 'Running' }) },
      ['conclude Cancelled NodeOpDeleted'],
      undefined,
    ],
    [
      'began, by its report, and was moved',
      {
        file: file(),
        movedFrom: 'runs/z.yaml',
        report: report({ phase: 'Pending', startedAt: '2030-01-01T00:00:00Z' }),
      },
      ['conclude Cancelled NodeOpDeleted'],
      undefined,
    ],
    [
      'began, and a node had failed',
      { file: file(), report: report({ phase: 'Running', nodes: [{ name: 'a', phase: 'Failed' }] }) },
      ['conclude Failed NodeOpDeleted'],
      undefined,
    ],
  ])('%s', (_, facts, expected, why) => {
    expect(does(facts)).toEqual(expected);
    expect(settled(run(facts))).toBe(why);
  });
});

test.each<[object, object | undefined, boolean]>([
  [{ phase: 'Pending' }, undefined, false],
  [{ phase: 'Waiting' }, { name: 'op' }, false],
  [{ phase: 'Pending' }, { uid: 'uid-1' }, true],
  [{ phase: 'Pending', startedAt: '2030-01-01T00:00:00Z' }, undefined, true],
  [{ phase: 'Running' }, undefined, true],
])('a report with %j and %j says that its run had begun: %j', (status, of, began) => {
  expect(saysStarted(report(status, of))).toBe(began);
});
