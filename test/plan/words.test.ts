import { describe, expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { previewMarkdown, problemsMarkdown } from '../../src/core/preview/markdown.ts';
import { type ClusterFacts, previewOrder } from '../../src/core/preview/order.ts';
import type { DrainPreview } from '../../src/core/preview/drain.ts';
import { assemble, isBlocked, type PreviewInput } from '../../src/core/preview/preview.ts';
import { headline, parameterText, previewTable, previewText } from '../../src/core/preview/text.ts';
import type { NodeFacts } from '../../src/core/rollout/facts.ts';

const specOf = (spec: object = {}) =>
  NodeOpSpecSchema.parse({ command: ['x'], image: 'x', concurrency: 1, stopOnFailure: true, ...spec });
const node = (name: string, more: Partial<NodeFacts> = {}) =>
  [name, { name, labels: {}, ready: true, unschedulable: false, ...more } as unknown as NodeFacts] as const;
const facts = (...nodes: (readonly [string, NodeFacts])[]): ClusterFacts => ({
  nodes: new Map(nodes),
  claims: new Map(),
  agentNode: undefined,
  agentPod: undefined,
});
const THREE = facts(node('a'), node('b'), node('c'));
const drain = (more: Partial<DrainPreview> = {}): DrainPreview => ({
  evict: [],
  blockers: [],
  notes: [],
  shares: [],
  ...more,
});

function preview(spec: object = {}, cluster = THREE, more: Partial<PreviewInput> = {}) {
  const full = specOf(spec);
  return assemble({
    run: 'runs/x.yaml',
    manifest: { metadata: { name: 'x', namespace: 'ops' }, spec: full },
    cluster: undefined,
    facts: cluster,
    places: previewOrder(full, cluster),
    drains: new Map(),
    nodeSeconds: 0,
    blockers: [],
    notes: [],
    ...more,
  });
}

describe('what else a reviewer should know', () => {
  test('nothing of a run that stops at the first failure, one node after the other', () => {
    expect(preview().notes).toEqual([]);
    expect(isBlocked(preview())).toBe(false);
  });

  test.each<[object, string]>([
    [{ suspend: true }, 'suspended: no node is started before suspend is taken out'],
    [{ rebootOnSuccess: true }, 'nodes reboot without a drain: their pods go down with them'],
    [
      { drainOptions: { enabled: true, timeoutSeconds: 60 } },
      'a drain that is held up for 60 s fails its node',
    ],
    [
      { drainOptions: { enabled: true, force: true } },
      'pods without a controller are evicted too, and are gone for good',
    ],
    [
      { drainOptions: { enabled: true, deleteEmptyDirData: true } },
      'data in emptyDir volumes of evicted pods is lost',
    ],
    [{ concurrency: 0 }, 'all 3 nodes at once: concurrency is not set'],
    [{ concurrency: '50%' }, 'concurrency: 50% of 3 nodes is 1'],
    [{ maxFailures: '67%' }, 'maxFailures: 67% of 3 nodes is 2'],
    [{ stopOnFailure: false }, 'a failure does not stop it: neither stopOnFailure nor maxFailures is set'],
  ])('%j', (spec, note) => {
    const quiet = { timeoutSeconds: 0, force: false, deleteEmptyDirData: false };
    const { drainOptions, ...rest } = spec as { drainOptions?: object };
    const given = drainOptions ? { ...rest, drainOptions: { ...quiet, ...drainOptions } } : rest;
    expect(preview(given).notes).toEqual([note]);
  });

  test('a drain before the reboot, or bounds that are there, need no words', () => {
    const drained = { enabled: true, timeoutSeconds: 0, force: false, deleteEmptyDirData: false };
    expect(preview({ rebootOnSuccess: true, drainOptions: drained }).notes).toEqual([]);
    expect(preview({ stopOnFailure: false, maxFailures: 0 }).notes).toEqual([]);
    // One node has none beside it, and none after it.
    expect(preview({ concurrency: 0, stopOnFailure: false }, facts(node('a'))).notes).toEqual([]);
  });

  test('no node is a reason why it would fail', () => {
    const it = preview({ nodeSelector: { matchLabels: { disk: 'ssd' } } });
    expect(it.blockers).toEqual([
      expect.stringMatching(/^no node matches the selector: the run would fail; .+/) as string,
    ]);
    expect(isBlocked(it)).toBe(true);
    expect(it.batches).toBe(0);
  });

  test('a node that is cordoned stays so, whoever did it', () => {
    const it = preview(
      {},
      facts(
        node('a', { unschedulable: true, cordonedBy: 'ops/other@uid-1' }),
        node('b', { unschedulable: true }),
      ),
    );
    expect(it.nodes.map(({ notes }) => notes)).toEqual([
      ['already cordoned by ops/other, stays so afterwards'],
      ['already cordoned, stays so afterwards'],
    ]);
  });

  test('what a drain of its node is held up by blocks it', () => {
    const it = preview({ drainOptions: { enabled: true } }, THREE, {
      drains: new Map([['b', drain({ blockers: ['budget x allows no disruption'], evict: ['ops/p'] })]]),
    });
    expect(it.nodes.map(({ evict }) => evict)).toEqual([undefined, ['ops/p'], undefined]);
    expect(isBlocked(it)).toBe(true);
  });
});

describe('nodes of one batch that draw on one budget', () => {
  const shared = (concurrency: number, pods: number[], allowed = 1) =>
    preview({ concurrency, drainOptions: { enabled: true, timeoutSeconds: 0 } }, THREE, {
      drains: new Map(
        pods.map((count, i) => [
          ['a', 'b', 'c'][i] ?? '',
          drain({ shares: count > 0 ? [{ budget: 'ops/web', allowed, pods: count }] : [] }),
        ]),
      ),
    }).notes.filter((it) => it.startsWith('budget'));

  test('wait for each other, and are told so by the batch that asks for most', () => {
    expect(shared(2, [1, 1, 3])).toEqual([
      'budget ops/web allows 1 at a time, and 2 nodes drained side by side evict 2 of its pods: they wait for each other',
    ]);
    expect(shared(3, [1, 1, 3])).toEqual([
      'budget ops/web allows 1 at a time, and 3 nodes drained side by side evict 5 of its pods: they wait for each other',
    ]);
  });

  test('have none to wait for when it allows as many, or they come one after the other', () => {
    expect(shared(2, [1, 1, 0], 2)).toEqual([]);
    expect(shared(1, [3, 3, 3])).toEqual([]);
    expect(shared(3, [3, 0, 0])).toEqual([]);
  });
});

describe('why a node comes where it does', () => {
  const reasons = (cluster: ClusterFacts, spec: object = {}) =>
    previewOrder(specOf(spec), cluster).map(({ name, batch, reason, waitsFor }) => [
      name,
      batch,
      reason,
      waitsFor,
    ]);
  const MASTER = { 'node-role.kubernetes.io/control-plane': '' };

  test('control planes come first, the node of the agent last', () => {
    const cluster = facts(node('a'), node('b'), node('c', { labels: MASTER }));
    expect(reasons({ ...cluster, agentNode: 'a' })).toEqual([
      ['c', 1, 'control plane first', undefined],
      ['b', 2, 'by name', undefined],
      ['a', 3, 'the agent runs here, so last of all', undefined],
    ]);
  });

  test('nodes of one place come together', () => {
    const cluster = facts(node('a', { labels: { zone: 'north' } }), node('b'));
    expect(
      reasons(cluster, { topologyKey: 'zone', concurrency: 2 })
        .map(([name, , reason]) => `${name}: ${reason}`)
        .toSorted(),
    ).toEqual(['a: north, by name', 'b: no zone, by name']);
  });

  test('those that cannot begin come when they can, without a place', () => {
    const cluster = {
      ...facts(node('a'), node('b', { ready: false }), node('c')),
      claims: new Map([['a', 'ops/other']]),
    };
    expect(reasons(cluster, { nodeReadyTimeoutSeconds: 120 })).toEqual([
      ['c', 1, 'by name', undefined],
      ['a', undefined, 'comes when it is free', 'busy with NodeOp ops/other'],
      ['b', undefined, 'not Ready, so last', 'not Ready; fails when it is still so 2 min after the others'],
    ]);
  });
});

describe('the whole in one sentence', () => {
  test('names the phases of a node in their order', () => {
    const phases = (spec: object) => /each: (.*)\.$/.exec(headline(preview(spec)))?.[1];
    expect(phases({})).toBe('command');
    expect(phases({ cordon: true })).toBe('cordon, command');
    expect(
      phases({
        preflight: { command: ['a'] },
        drainOptions: { enabled: true },
        rebootOnSuccess: true,
        postflight: { command: ['b'] },
      }),
    ).toBe('preflight, cordon, drain, command, reboot, postflight');
  });

  test('tells how many, where, and how long at least', () => {
    expect(headline(preview({ concurrency: 3 }))).toBe(
      'Creates NodeOp ops/x: 3 nodes in 1 batch, each: command.',
    );
    const more = { cluster: 'berlin', nodeSeconds: 60 };
    expect(headline(preview({ soakSeconds: 600 }, THREE, more))).toBe(
      'Creates NodeOp ops/x on cluster berlin: 3 nodes in 3 batches, each: command; takes at least 23m, soak of 10m included.',
    );
  });
});

test('parameters are told with their values, and which of them nobody gave', () => {
  expect(parameterText({ name: 'VERSION', value: 'v2', isDefault: false })).toBe('VERSION="v2"');
  expect(parameterText({ name: 'COUNT', value: 3, isDefault: true })).toBe('COUNT=3 (default)');
});

const DRAINED = preview(
  { drainOptions: { enabled: true, timeoutSeconds: 0 } },
  facts(node('a'), node('b'), node('c', { ready: false })),
  {
    drains: new Map([
      ['a', drain({ evict: ['ops/p', 'ops/q'], notes: ['is slow'] })],
      ['b', drain()],
    ]),
    parameters: [{ name: 'VERSION', value: 'v2', isDefault: true }],
  },
);

describe('on a terminal', () => {
  test('it is a table with what would be evicted', () => {
    expect(previewTable(DRAINED).split('\n').slice(1)).toEqual([
      '- parameter VERSION="v2" (default)',
      '',
      '#  BATCH  NODE  EVICTS  WHY HERE            REMARKS',
      '1  1      a     2       by name             is slow',
      '2  2      b     0       by name',
      '3  -      c     ?       not Ready, so last  BLOCKED: not Ready; fails when it is still so 10 min after the others',
      '',
      'Pods that would be evicted:',
      '  a: ops/p, ops/q',
    ]);
    expect(previewTable(preview())).not.toMatch(/REMARKS|evicted/);
  });

  test('and the spec under it, as wide as there is room', () => {
    const long = preview({ command: ['sh', '-c', 'word '.repeat(60).trim()] });
    const [, spec = ''] = previewText(long, 60).split('\n\nThe spec as it would be carried out:\n');
    expect(spec.split('\n').slice(0, 3)).toEqual(['  image: x', '  command:', '    - sh']);
    const width = (text: string) => Math.max(...text.split('\n').map((it) => it.length));
    expect(width(spec)).toBeGreaterThan(50);
    expect(width(spec)).toBeLessThanOrEqual(60);
    // Wider than that nobody reads lines.
    expect(width(previewText(long, 300))).toBeLessThanOrEqual(120);
    expect(width(previewText(long))).toBeGreaterThan(100);
  });
});

describe('for a pull request', () => {
  test('it is a list of what to know, a table, and what would be evicted', () => {
    const lines = previewMarkdown(DRAINED, 60_000).split('\n');
    expect(lines[0]).toBe('### ⚠️ `runs/x.yaml`');
    expect(previewMarkdown(preview(), 60_000)).toMatch(/^### ✅ /);
    expect(lines).toContain('| 1 | 1 | `a` | by name | 2 | is slow |');
    expect(lines.filter((it) => it.startsWith('| 3'))).toEqual([
      expect.stringMatching(/^\| 3 \| {2}\| `c` \| not Ready, so last \| \? \| ⚠️ /),
    ]);
    expect(lines).toContain('- `a`: `ops/p`, `ops/q`');
  });

  test('what is left out of one that is too long is counted', () => {
    const many = preview({}, facts(...Array.from({ length: 120 }, (_, i) => node(`node-${i}`))));
    const all = previewMarkdown(many, Infinity);
    expect(all).toContain('| 120 |');
    expect(all).not.toContain('more nodes');
    const cut = previewMarkdown(many, all.length - 1);
    expect(cut).toContain('… and 20 more nodes.');
    expect(cut).toContain('| 100 |');
    expect(cut).not.toContain('| 101 |');
  });

  test('what is wrong with a file has its places', () => {
    const problems = [
      { path: ['spec'], message: 'is missing' },
      { path: [], message: 'is odd', line: 3 },
      { path: [], message: 'is odd', line: 3, column: 7 },
    ];
    expect(problemsMarkdown('runs/a.yaml', problems).split('\n')).toEqual([
      '### ⛔ `runs/a.yaml` is not valid',
      '',
      'Nothing would be executed.',
      '',
      '- spec: is missing',
      '- line 3, column 1: is odd',
      '- line 3, column 7: is odd',
      '',
    ]);
  });
});
