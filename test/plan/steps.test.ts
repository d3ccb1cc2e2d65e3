import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { previewMarkdown } from '../../src/core/preview/markdown.ts';
import { previewOrder, shortestSeconds } from '../../src/core/preview/order.ts';
import { assemble } from '../../src/core/preview/preview.ts';
import { previewTable } from '../../src/core/preview/text.ts';
import type { NodeFacts } from '../../src/core/rollout/facts.ts';
import type { Manifest } from '../../src/core/runs/prepare.ts';

function preview(
  spec: object,
  { notReady = [], nodeSeconds = 0 }: { notReady?: string[]; nodeSeconds?: number } = {},
) {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  const nodes = new Map(
    names.map((name): [string, NodeFacts] => {
      const labels = name === 'd' ? { canary: 'true' } : {};
      return [name, { name, labels, ready: !notReady.includes(name) } as unknown as NodeFacts];
    }),
  );
  const facts = { nodes, claims: new Map<string, string>(), agentNode: undefined, agentPod: undefined };
  const full = NodeOpSpecSchema.parse({ command: ['x'], image: 'x', ...spec });
  const places = previewOrder(full, facts);
  const manifest = { metadata: { name: 'x', namespace: 'ops' }, spec: full } as Manifest;
  const more = { run: 'runs/x.yaml', cluster: undefined, drains: new Map(), blockers: [], notes: [] };
  return { places, spec: full, it: assemble({ ...more, manifest, facts, places, nodeSeconds }) };
}

const CANARY = {
  concurrency: '50%',
  steps: [
    {
      name: 'canary',
      nodeSelector: { matchLabels: { canary: 'true' } },
      upTo: 1,
      soakSeconds: 3600,
      checks: [
        { name: 'healthy', http: { url: 'https://health.example.org/', expect: { expression: 'body.ok' } } },
        {
          prometheus: { url: 'https://prometheus.example.org', query: 'up' },
          attempts: 1,
          intervalSeconds: 60,
        },
        { command: { command: ['check', 'it'] } },
      ],
    },
    { name: 'none', nodeSelector: { matchLabels: { no: 'where' } } },
    { name: 'half', upTo: '50%', concurrency: 2, maxFailures: '25%', soakSeconds: 600 },
  ],
};

test('nodes come step by step, each with the batches it has by itself', () => {
  const { places, it } = preview(CANARY);
  const order = places.map(({ name, batch, step }) => `${step} ${batch} ${name}`);
  expect(order).toEqual([
    'canary 1 d',
    'half 2 a',
    'half 2 b',
    'half 3 c',
    'half 3 e',
    'rest 4 f',
    'rest 4 g',
    'rest 5 h',
    'rest 5 i',
    'rest 6 j',
  ]);
  expect(it.batches).toBe(6);
});

test('steps, their checks and what shares come to are told', () => {
  const { it } = preview(CANARY);
  const text = previewTable(it);
  expect(text.split('\n').slice(0, 11)).toEqual([
    'runs/x.yaml: Creates NodeOp ops/x: 10 nodes in 6 batches of 4 steps, each: command; takes at least 1h10m, soaks of steps included.',
    '- a failure in step rest does not stop it: neither stopOnFailure nor maxFailures is set',
    '- step none takes no node: it is passed at once',
    '- step canary: 1 node (d); none may fail; soaks 1 h',
    '  - check healthy: GET https://health.example.org/ is answered 200 and body.ok (3 tries)',
    '  - check prometheus (checks[1]): size(result) > 0 of up at https://prometheus.example.org (1 try, also every 60 s of the soak)',
    '  - check command (checks[2]): check it ends with 0 (3 tries)',
    '- step none: no node',
    '- step half: 4 nodes (a, b, c, e); 2 at a time; 1 may fail; soaks 10 min',
    '- step rest: 5 nodes (f, g, h, i, j); 2 at a time',
    '',
  ]);
  expect(text).toMatch(/^#\s+STEP\s+BATCH\s+NODE/m);
  const markdown = previewMarkdown(it, 60_000);
  expect(markdown).toContain('- step canary: 1 node (d); none may fail; soaks 1 h\n');
  expect(markdown).toContain(
    '  - check `healthy: GET https://health.example.org/ is answered 200 and body.ok (3 tries)`\n',
  );
  expect(JSON.parse(JSON.stringify(it))).toMatchObject({
    steps: [
      { name: 'canary', nodes: ['d'], concurrency: 1, maxFailures: 0 },
      { name: 'none' },
      {},
      { name: 'rest' },
    ],
    nodes: [{ name: 'd', step: 'canary' }, ...Array.from({ length: 9 }, () => ({}))],
  });
});

test('the least time has the soaks of nodes and of steps in it', () => {
  const { places, spec } = preview({ ...CANARY, soakSeconds: 5 }, { nodeSeconds: 10 });
  // canary 10 + 3600; half 10 + 5 + 10 + 600; rest 10 + 2 × (5 + 10).
  expect(shortestSeconds(places, spec, 10)).toBe(10 + 3600 + 25 + 600 + 40);
});

test('a node that is not Ready comes last in its step, not of all', () => {
  const { places } = preview({ ...CANARY, concurrency: 0 }, { notReady: ['d', 'a'] });
  expect(places.map(({ name, batch, step }) => `${step} ${batch ?? '-'} ${name}`).slice(0, 5)).toEqual([
    'canary - d',
    'half 1 b',
    'half 1 c',
    'half 2 e',
    'half - a',
  ]);
});

test('without steps nothing is said of them, but what shares come to', () => {
  const { it, places } = preview({ concurrency: '25%', maxFailures: '19%' });
  expect(it).not.toHaveProperty('steps');
  expect(places[0]).not.toHaveProperty('step');
  expect(it.notes).toEqual(['concurrency: 25% of 10 nodes is 2', 'maxFailures: 19% of 10 nodes is 1']);
  expect(previewTable(it)).not.toContain('STEP');
});

test('an interval without a soak, or as long as it, is told', () => {
  const often = { name: 'often', http: { url: 'https://health.example.org/' }, intervalSeconds: 60 };
  const notes = (soakSeconds: number) =>
    preview({ steps: [{ name: 'canary', upTo: 1, soakSeconds, checks: [often] }] }).it.notes.filter((it) =>
      it.includes('often'),
    );
  expect(notes(0)).toEqual([
    'check often of step canary is evaluated after the soak alone: intervalSeconds is 60, and the step does not soak',
  ]);
  expect(notes(60)[0]).toMatch(/intervalSeconds is 60, and the step soaks for 60 s only$/);
  expect(notes(61)).toEqual([]);
});
