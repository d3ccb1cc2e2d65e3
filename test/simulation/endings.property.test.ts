import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFinalNodePhase, isFinalPhase } from '../../src/api/nodeop.ts';
import { startedOn } from '../../src/core/rollout/node.ts';
import { MARK, runToEnd, World } from '../support/world.ts';

const nodeScript = fc.record({
  preflight: fc.constantFrom('skip' as const, 'proceed' as const, 'proceed' as const, 'fail' as const),
  command: fc.constantFrom('succeed' as const, 'succeed' as const, 'fail' as const),
  reboots: fc.constantFrom(true, true, false, 'never back' as const),
  ms: fc.integer({ min: 1, max: 40_000 }),
  grace: fc.constantFrom(1, 10_000),
  startsAfter: fc.constantFrom(0, 0, 5_000, 'never' as const, 'no pod' as const),
});

const scenario = fc.record({
  scripts: fc.array(nodeScript, { minLength: 1, maxLength: 5 }),
  concurrency: fc.integer({ min: 0, max: 3 }),
  stopOnFailure: fc.boolean(),
  reboot: fc.boolean(),
  preflight: fc.boolean(),
  uncordonOnFailure: fc.boolean(),
  cancelTimeoutSeconds: fc.constantFrom(undefined, 0, 15),
  /** When people end it, and how. */
  end: fc.option(
    fc.record({ at: fc.integer({ min: 0, max: 90_000 }), how: fc.constantFrom('cancel', 'delete') }),
    { nil: undefined },
  ),
  /** Nodes that go down, and come back after a while or never. */
  lost: fc.array(
    fc.record({
      node: fc.nat(4),
      at: fc.integer({ min: 0, max: 90_000 }),
      backAfter: fc.constantFrom(10_000, 200_000, undefined),
    }),
    { maxLength: 2 },
  ),
  restarts: fc.array(fc.record({ after: fc.nat(12), written: fc.boolean() }), { maxLength: 4 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function worldOf(it: Scenario): World {
  const world = new World(
    {
      concurrency: it.concurrency,
      stopOnFailure: it.stopOnFailure,
      cordon: true,
      rebootOnSuccess: it.reboot,
      uncordonOnFailure: it.uncordonOnFailure,
      rebootTimeoutSeconds: 60,
      startTimeoutSeconds: 30,
      nodeReadyTimeoutSeconds: 60,
      ...(it.cancelTimeoutSeconds === undefined ? {} : { cancelTimeoutSeconds: it.cancelTimeoutSeconds }),
      ...(it.preflight ? { preflight: { command: ['check'] } } : {}),
    },
    Object.fromEntries(it.scripts.map((script, i) => [`node-${i}`, script])),
  );
  const { end } = it;
  if (end !== undefined) {
    world.later(end.at, () => {
      world.cancelled = end.how === 'delete' ? 'the NodeOp was deleted' : 'the run file was removed';
      world.deleted = end.how === 'delete';
    });
  }
  for (const { node, at, backAfter } of it.lost) {
    const set = (ready: boolean) => world.change(`node-${node}`, { ready, readySince: world.now });
    world.later(at, () => set(false));
    if (backAfter !== undefined) world.later(at + backAfter, () => set(true));
  }
  return world;
}

/** What may still run on a node, of what was started there; nothing starts any more of what is being deleted on a lost one. */
function alive(world: World, node: string): string[] {
  const isLost = world.nodes.get(node)?.ready === false;
  return startedOn(world.work.get(node) ?? {})
    .filter(({ deleting }) => !(isLost && deleting))
    .map(({ kind, name }) => `${kind} ${name}`);
}

test('nothing that was started outlives the verdict on its node, however a run ends', () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const world = worldOf(it);
      const kills = [...it.restarts];
      let untilKill = kills[0]?.after;
      const unknown = new Set<string>();
      runToEnd(world, () => {
        for (const [node, status] of Object.entries(world.status.nodeStatuses ?? {})) {
          if (status.outcomeUnknown) unknown.add(node);
          // The node is back: what was being deleted there ends now.
          if (!isFinalNodePhase(status.phase) || unknown.has(node)) continue;
          expect(alive(world, node), `${node} is ${status.phase}`).toEqual([]);
        }
        if (isFinalPhase(world.status.phase)) expect(world.status.summary?.inFlight).toBe(0);
        if (untilKill !== undefined && untilKill-- <= 0) {
          if (kills.shift()?.written) world.persist();
          world.restart();
          untilKill = kills[0]?.after;
        }
      });
      for (const [node, count] of world.commandRuns) expect(count, node).toBeLessThanOrEqual(1);
      const isHeld = [...world.nodes.values()].some(({ ready }) => !ready);
      if (!isFinalPhase(world.status.phase)) {
        // Only a node that was done and is not Ready keeps a rollout from its end.
        expect(isHeld).toBe(true);
        return;
      }
      for (const [node, facts] of world.nodes) {
        const { phase, outcomeUnknown } = world.status.nodeStatuses?.[node] ?? {};
        if (facts.cordonedBy !== MARK) continue;
        expect(world.deleted, `${node} stays cordoned though the NodeOp goes`).toBe(false);
        expect(phase, `${node} stays cordoned`).toBe('Failed');
        if (it.uncordonOnFailure) expect(outcomeUnknown).toBe(true);
      }
      if (world.deleted) expect(world.adopted).toBe(false);
    }),
    { numRuns: 300 },
  );
});
