import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { previewOrder, shortestSeconds } from '../../src/core/preview/order.ts';
import { stepsByNode } from '../../src/core/rollout/steps/split.ts';
import { runToEnd, World } from '../support/world.ts';

const scenario = fc.record({
  nodes: fc.array(fc.record({ zone: fc.integer({ min: 0, max: 2 }), controlPlane: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  }),
  concurrency: fc.integer({ min: 0, max: 5 }),
  soakSeconds: fc.constantFrom(0, 7),
  drain: fc.boolean(),
  byZone: fc.boolean(),
  home: fc.option(fc.integer({ min: 0, max: 11 }), { nil: undefined }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function worldOf(it: Scenario, more: object = {}): World {
  const names = it.nodes.map((_, i) => `node-${i}`);
  const scripts = Object.fromEntries(names.map((name) => [name, { ms: 3000 }]));
  const world = new World(
    {
      concurrency: it.concurrency,
      soakSeconds: it.soakSeconds,
      drainOptions: { enabled: it.drain },
      ...(it.byZone ? { topologyKey: 'zone' } : {}),
      ...more,
    },
    scripts,
  );
  for (const [i, { zone, controlPlane }] of it.nodes.entries()) {
    const facts = world.nodes.get(`node-${i}`);
    const role = controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {};
    if (facts) world.nodes.set(facts.name, { ...facts, labels: { zone: `zone-${zone}`, ...role } });
  }
  world.agentNode = it.home === undefined ? undefined : `node-${it.home}`;
  return world;
}

test('a plan has the batches, in their order, in which the rollout then starts the nodes', () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const world = worldOf(it);
      const { nodes, agentNode, spec } = world;
      const places = previewOrder(spec, {
        nodes: new Map(nodes),
        claims: new Map(),
        agentNode,
        agentPod: undefined,
      });
      runToEnd(world);
      const statuses = Object.entries(world.status.nodeStatuses ?? {});
      expect(places.map(({ name }) => name).toSorted()).toEqual(statuses.map(([name]) => name).toSorted());
      expect(batchesOf(places)).toEqual(startedTogether(statuses));

      const end = Math.max(...statuses.map(([, { finishedAt = '' }]) => Date.parse(finishedAt)));
      const began = Math.min(...statuses.map(([, { startedAt = '' }]) => Date.parse(startedAt)));
      expect((end - began) / 1000).toBe(shortestSeconds(places, spec, 3));
    }),
    { numRuns: 300 },
  );
});

const amount = fc.oneof(
  fc.integer({ min: 1, max: 12 }),
  fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
);
const stepsOf = fc
  .uniqueArray(
    fc.record(
      {
        name: fc.constantFrom('a', 'b', 'c', 'd'),
        nodeSelector: fc
          .integer({ min: 0, max: 2 })
          .map((zone) => ({ matchLabels: { zone: `zone-${zone}` } })),
        upTo: amount,
        concurrency: fc.oneof(fc.integer({ min: 0, max: 5 }), amount),
        soakSeconds: fc.constantFrom(0, 4, 11),
      },
      { requiredKeys: ['name'] },
    ),
    { minLength: 1, maxLength: 4, selector: ({ name }) => name },
  )
  .filter((steps) => NodeOpSpecSchema.safeParse({ command: ['a'], steps }).success);

test('with steps too: their nodes, their batches and the time with all soaks are those of the rollout', () => {
  fc.assert(
    fc.property(scenario, stepsOf, (base, steps) => {
      const world = worldOf(base, { steps });
      const { nodes, agentNode, spec } = world;
      const facts = { nodes: new Map(nodes), claims: new Map(), agentNode, agentPod: undefined };
      const places = previewOrder(spec, facts);
      runToEnd(world);
      const { status } = world;
      expect(status.phase).toBe('Completed');
      const byStep = stepsByNode(status);
      expect(Object.fromEntries(places.map(({ name, step }) => [name, step]))).toEqual(
        Object.fromEntries(byStep),
      );
      const statuses = Object.entries(status.nodeStatuses ?? {});
      const began = Math.min(...statuses.map(([, { startedAt = '' }]) => Date.parse(startedAt)));
      const took = (Date.parse(status.completedAt ?? '') - began) / 1000;
      const shortest = shortestSeconds(places, spec, 3);
      // Slots that soak while the next step begins leave it a part of its own: then it takes longer than it could.
      expect(took).toBeGreaterThanOrEqual(shortest);
      const isOneByOne = spec.concurrency === 1 && steps.every((it) => it.concurrency === undefined);
      if (spec.soakSeconds > 0 && !isOneByOne) return;
      expect(took).toBe(shortest);
      expect(batchesOf(places)).toEqual(startedTogether(statuses));
    }),
    { numRuns: 200 },
  );
});

/** Names of the nodes that a plan begins together, in its order. */
function batchesOf(places: readonly { name: string; batch?: number | undefined }[]): string[][] {
  const planned = Map.groupBy(places, ({ batch = 0 }) => batch);
  return [...planned.values()].map((members) => members.map(({ name }) => name).toSorted());
}

/** Names of the nodes that a rollout began together, in time. */
function startedTogether(
  statuses: readonly (readonly [name: string, status: { startedAt?: string | undefined }])[],
): string[][] {
  const started = Map.groupBy(statuses, ([, { startedAt = '' }]) => startedAt);
  const inTime = [...started].toSorted(([a], [b]) => a.localeCompare(b));
  return inTime.map(([, members]) => members.map(([name]) => name).toSorted());
}
