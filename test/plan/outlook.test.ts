import { expect, test } from 'vitest';
import type { NodeOp, NodeOpSpec } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { type Known, outlooks } from '../../src/core/preview/outlook.ts';
import { type Definition, parseDefinition } from '../../src/core/runs/definitions.ts';
import { planRuns, type PlanOptions, type RunFacts } from '../../src/core/runs/plan.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';

const NOW = new Date('2030-01-31T12:00:00Z');
const BLOB = 'a'.repeat(40);
const CONTEXT = {
  layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
  namespace: 'ops',
  definitions: [],
};

function prepared(path: string, more = '') {
  const text = `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: flash}\nspec: {image: busybox, command: [sh]${more}}\n`;
  const result = prepareRun(
    { path, mode: '100644', blob: BLOB, commit: '', content: new TextEncoder().encode(text) },
    CONTEXT,
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

interface Times {
  notBefore?: string;
  notAfter?: string;
  window?: { schedule: string; duration: string; timeZone: string };
}

function known(more: Partial<RunFacts> = {}, times: Times = {}, path = 'runs/a.yaml'): Known {
  const prepare = () => ({ ...prepared(path), ...times });
  const facts = { path, passedOver: false, judged: false, file: { blob: BLOB, order: 9, prepare }, ...more };
  return { facts, report: path.replace('runs', 'results'), nodeOpFrom: 'cluster' };
}

function report(phase: NodeOpReport['status']['phase'], more: object = {}): NodeOpReport {
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: 'a' },
    run: { path: 'runs/a.yaml' },
    status: { phase },
    ...more,
  };
}

function nodeOp(phase: 'Running' | 'Completed', spec: Partial<NodeOpSpec> = {}, run = 'runs/a.yaml'): NodeOp {
  return {
    metadata: { namespace: 'ops', name: 'flash', annotations: { 'agent.nodeop.dev/run': `:${run}` } },
    spec: { ...prepared(run).manifest.spec, ...spec },
    status: { phase },
  };
}

const other = (it: NodeOp): RunFacts => ({
  path: 'runs/0.yaml',
  nodeOp: it,
  passedOver: false,
  judged: false,
});
const NOBODY: NodeOp = { metadata: { namespace: 'ops', name: 'flash' }, spec: {} as NodeOpSpec };

const CASES: Record<
  string,
  [Known, Partial<PlanOptions>, RunFacts[], 'BLOCKED' | 'noted' | 'begins', RegExp]
> = {
  begins: [known(), {}, [], 'begins', /^$/],
  'was completed': [
    known({ report: report('Completed') }),
    {},
    [],
    'BLOCKED',
    /carried out before.*results\/a\.yaml/,
  ],
  'has ended, which the cluster alone knows': [
    known({ kept: report('Failed') }),
    {},
    [],
    'BLOCKED',
    /carried out before/,
  ],
  'began, and nothing else is known of it': [
    known({ begun: true }),
    {},
    [],
    'BLOCKED',
    /Cancelled \(NodeOpDeleted\): it began, and its NodeOp and its report are gone/,
  ],
  'began by its report': [
    known({ report: report('Running') }),
    {},
    [],
    'BLOCKED',
    /NodeOpDeleted.*the NodeOp was deleted before it was finished/,
  ],
  'is announced and has not begun': [known({ report: report('Pending') }), {}, [], 'begins', /^$/],
  waits: [known({ report: report('Waiting') }), {}, [], 'begins', /^$/],
  'is passed over': [
    { ...known({ passedOver: true }), passedOverIn: 'results/.baseline.yaml' },
    {},
    [],
    'BLOCKED',
    /passed over, see results\/\.baseline\.yaml/,
  ],
  'has a report that cannot be read': [
    known({ passedOver: true }),
    {},
    [],
    'BLOCKED',
    /carried out before.*results\/a\.yaml/,
  ],
  'was found invalid as it is': [
    known({ report: report('Invalid'), judged: true }),
    {},
    [],
    'BLOCKED',
    /found invalid as it is, see results\/a\.yaml/,
  ],
  'was invalid and is mended': [known({ report: report('Invalid') }), {}, [], 'begins', /^$/],
  'was invalid for too long': [
    known({ report: report('Invalid'), addedAt: NOW.getTime() - 9 * 86_400_000 }),
    { maxAgeMs: 86_400_000 },
    [],
    'BLOCKED',
    /Invalid \(TooOld\).*9 days ago.*runs\.maxAge/,
  ],
  'is another one, moved': [
    known({ movedFrom: 'runs/old.yaml' }),
    {},
    [],
    'BLOCKED',
    /it is runs\/old\.yaml, moved/,
  ],
  'is too late': [
    known({}, { notAfter: '2030-01-01T00:00:00Z' }),
    {},
    [],
    'BLOCKED',
    /Cancelled \(TooLate\): not started before notAfter/,
  ],
  'is too early': [
    known({}, { notBefore: '2031-01-01T00:00:00Z' }),
    {},
    [],
    'noted',
    /wait \(NotBefore\): not before 2031/,
  ],
  'is outside of its window': [
    known({}, { window: { schedule: '0 2 * * *', duration: '2h', timeZone: 'UTC' } }),
    {},
    [],
    'noted',
    /opens at 2030-02-01T02:00Z/,
  ],
  'has a window that never opens': [
    known({}, { window: { schedule: '0 0 30 2 *', duration: '1h', timeZone: 'UTC' } }),
    {},
    [],
    'BLOCKED',
    /never opens again/,
  ],
  'finds another one at work': [
    known(),
    {},
    [other(nodeOp('Running', {}, 'runs/0.yaml'))],
    'noted',
    /waits for runs under way, of which there may be 1: ops\/flash/,
  ],
  'finds another one suspended': [
    known(),
    {},
    [other({ ...nodeOp('Running', { suspend: true }, 'runs/0.yaml') })],
    'begins',
    /^$/,
  ],
  'finds its name taken': [
    { ...known(), nameHolder: NOBODY },
    {},
    [],
    'BLOCKED',
    /NodeOp ops\/flash is there already/,
  ],
  'meets a definition that forgets': [
    known(),
    { obstacle: 'apply manifests/crd' },
    [],
    'BLOCKED',
    /DefinitionLacksFields\): apply manifests\/crd/,
  ],
  'is under way and as it was': [
    known({ nodeOp: nodeOp('Running') }),
    {},
    [],
    'noted',
    /under way, see NodeOp ops\/flash; merging this changes nothing of it/,
  ],
  'is under way and was suspended': [
    known({ nodeOp: nodeOp('Running', { suspend: true }) }),
    {},
    [],
    'noted',
    /lets it go on/,
  ],
  'is under way and has another image': [
    known({ nodeOp: nodeOp('Running', { image: 'alpine' }) }),
    {},
    [],
    'BLOCKED',
    /suspend alone is acted on, not spec\.image/,
  ],
  'is over by its NodeOp': [
    known({ nodeOp: nodeOp('Completed') }),
    {},
    [],
    'BLOCKED',
    /started before as NodeOp ops\/flash/,
  ],
};

test.each(Object.entries(CASES))('a plan of a run that %s', (_, [it, options, others, kind, text]) => {
  const all = { maxConcurrent: 1, ...options };
  const { blockers = [], notes = [] } = outlooks([it], others, NOW, all).get('runs/a.yaml') ?? {};
  const found = blockers.length > 0 ? 'BLOCKED' : notes.length > 0 ? 'noted' : 'begins';
  expect([found, [...blockers, ...notes].join('\n')]).toEqual([kind, expect.stringMatching(text)]);
  // What is said is what the agent does: it creates a NodeOp exactly where nothing is in the way.
  const own = planRuns([...others, it.facts], NOW, all).filter(({ run }) => run.path === 'runs/a.yaml');
  const creates = own.some(({ type }) => type === 'create');
  expect(creates).toBe(kind === 'begins' || it.nameHolder !== undefined);
});

test('files that are merged together take their turns by path', () => {
  const files = ['c', 'a', 'b'].map((it) => known({}, {}, `runs/${it}.yaml`));
  const all = outlooks(files, [], NOW, { maxConcurrent: 1 });
  expect([...all].map(([path, { notes }]) => [path, notes])).toEqual([
    ['runs/c.yaml', ['waits for its turn; before it come runs/a.yaml, runs/b.yaml']],
    ['runs/a.yaml', []],
    ['runs/b.yaml', ['waits for its turn; before it comes runs/a.yaml']],
  ]);
});

test.each<[string, PlanFields, PlanFields, string]>([
  ['a value', { version: '1' }, { version: '2' }, 'spec.parameters'],
  [
    'a value, told to a controller that knows no variables',
    { version: '1', executor: 'external' },
    { version: '2', executor: 'external' },
    'spec.parameters',
  ],
  [
    'a variable beside it',
    { version: '1' },
    { version: '1', more: ', env: [{name: B, value: b}]' },
    'spec.env',
  ],
  [
    'both',
    { version: '1' },
    { version: '2', more: ', overrides: {concurrency: 2}' },
    'spec.concurrency, spec.parameters',
  ],
])('of a run under way it names %s that was edited, as people wrote it', (_, before, after, fields) => {
  const prepare = ({ version, more = '', executor = 'agent' }: PlanFields) => {
    const definition =
      '{apiVersion: operator.kairos.io/v1alpha1, kind: NodeOp, metadata: {name: flash}, spec: {image: a, command: [flash], preflight: {command: [look]}, parameters: [{name: VERSION}, {name: CHANNEL, default: beta}]}}';
    const text = `{apiVersion: agent.nodeop.dev/v1alpha1, kind: NodeOpRun, spec: {nodeOp: flash, parameters: {VERSION: "${version}"}${more}}}`;
    const result = prepareRun(
      { path: 'runs/a.yaml', mode: '100644', blob: BLOB, commit: '', content: Buffer.from(text) },
      {
        ...CONTEXT,
        executor,
        definitions: [parseDefinition('nodeops/flash.yaml', Buffer.from(definition)) as Definition],
      },
    );
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result;
  };
  const { metadata, spec } = prepare(before).manifest;
  const it = known({ nodeOp: { metadata, spec, status: { phase: 'Running' } } });
  it.facts.file = { blob: BLOB, order: 9, prepare: () => prepare(after) };
  const [told] = outlooks([it], [], NOW, { maxConcurrent: 1 }).values();
  expect(told?.blockers).toEqual([
    expect.stringMatching(new RegExp(`of edits suspend alone is acted on, not ${fields}$`)),
  ]);
});

interface PlanFields {
  version: string;
  more?: string;
  executor?: 'agent' | 'external';
}
