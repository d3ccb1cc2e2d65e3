import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { previewOrder, shortestSeconds } from '../../src/core/preview/order.ts';
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

function worldOf(it: Scenario): World {
  const names = it.nodes.map((_, i) => `node-${i}`);
  const scripts = Object.fromEntries(names.map((name) => [name, { ms: 3000 }]));
  const world = new World(
    {
      concurrency: it.concurrency,
      soakSeconds: it.soakSeconds,
      drainOptions: { enabled: it.drain },
      ...(it.byZone ? { topologyKey: 'zone' } : {}),
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
      const started = Map.groupBy(statuses, ([, { startedAt = '' }]) => startedAt);
      const real = [...started]
        .toSorted(([a], [b]) => a.localeCompare(b))
        .map(([, members]) => members.map(([name]) => name).toSorted());
      const planned = Map.groupBy(places, ({ batch = 0 }) => batch);
      expect([...planned.values()].map((members) => members.map(({ name }) => name).toSorted())).toEqual(
        real,
      );

      const end = Math.max(...statuses.map(([, { finishedAt = '' }]) => Date.parse(finishedAt)));
      const began = Math.min(...statuses.map(([, { startedAt = '' }]) => Date.parse(startedAt)));
      expect((end - began) / 1000).toBe(shortestSeconds(places, spec, 3));
    }),
    { numRuns: 300 },
  );
});
