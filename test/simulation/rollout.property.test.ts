import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFinalNodePhase } from '../../src/api/nodeop.ts';
import { MARK, type NodeScript, runToEnd, World } from '../support/world.ts';

const nodeScript: fc.Arbitrary<NodeScript> = fc.record({
  preflight: fc.constantFrom('skip' as const, 'proceed' as const, 'proceed' as const, 'fail' as const),
  command: fc.constantFrom('succeed' as const, 'succeed' as const, 'succeed' as const, 'fail' as const),
  reboots: fc.constantFrom(true, true, true, false),
  ms: fc.integer({ min: 1, max: 5000 }),
  cordonedByOthers: fc.constantFrom(false, false, false, true),
});

const scenario = fc.record({
  scripts: fc.array(nodeScript, { minLength: 1, maxLength: 9 }),
  concurrency: fc.integer({ min: 0, max: 4 }),
  stopOnFailure: fc.boolean(),
  maxFailures: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  cordon: fc.boolean(),
  drain: fc.boolean(),
  reboot: fc.boolean(),
  preflight: fc.boolean(),
  uncordonOnFailure: fc.boolean(),
  soakSeconds: fc.constantFrom(0, 0, 5),
  topologyKey: fc.constantFrom(undefined, 'zone'),
  /** After how many looks the agent is killed, again and again; and whether its last status got through. */
  restarts: fc.array(fc.record({ after: fc.integer({ min: 0, max: 6 }), written: fc.boolean() }), {
    maxLength: 6,
  }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function worldOf(it: Scenario): World {
  const scripts = Object.fromEntries(it.scripts.map((script, i) => [`node-${i}`, script]));
  return new World(
    {
      concurrency: it.concurrency,
      stopOnFailure: it.stopOnFailure,
      cordon: it.cordon,
      rebootOnSuccess: it.reboot,
      uncordonOnFailure: it.uncordonOnFailure,
      soakSeconds: it.soakSeconds,
      rebootTimeoutSeconds: 60,
      nodeReadyTimeoutSeconds: 60,
      drainOptions: { enabled: it.drain },
      ...(it.maxFailures === undefined ? {} : { maxFailures: it.maxFailures }),
      ...(it.topologyKey === undefined ? {} : { topologyKey: it.topologyKey }),
      ...(it.preflight ? { preflight: { command: ['check'] } } : {}),
    },
    scripts,
  );
}

/** Nodes between their first and last step, those among them whose verdict a kill took back. */
function inFlight(world: World): number {
  const statuses = Object.values(world.status.nodeStatuses ?? {});
  return statuses.filter(({ phase }) => phase !== 'Pending' && !isFinalNodePhase(phase)).length;
}

/** What the watches tell at each look: bits pick the objects, so that they lag, overtake each other and repeat. */
const deliveries = fc.array(fc.bigInt({ min: 0n, max: 2n ** 36n - 1n }), { maxLength: 60 });

function someOf(bits: bigint): (node: string) => boolean {
  let i = 0n;
  return () => ((bits >> (i++ % 36n)) & 1n) === 1n;
}

test('every rollout keeps its promises, however often the agent is killed and whatever its watches miss', () => {
  fc.assert(
    fc.property(scenario, fc.option(deliveries, { nil: undefined }), (it, told) => {
      const world = worldOf(it);
      if (told) world.lag();
      const news = [...(told ?? [])];
      const limit = it.concurrency === 0 ? Infinity : it.concurrency;
      const finals = new Map<string, string>();
      const kills = [...it.restarts];
      let untilKill = kills[0]?.after;
      runToEnd(world, () => {
        expect(inFlight(world)).toBeLessThanOrEqual(limit);
        // In the end every change is told.
        world.deliver(news.length > 0 ? someOf(news.shift() ?? 0n) : () => true);
        if (untilKill !== undefined && untilKill-- <= 0) {
          if (kills.shift()?.written) world.persist();
          world.restart();
          untilKill = kills[0]?.after;
        }
        for (const [node, { phase }] of Object.entries(world.persisted.nodeStatuses ?? {})) {
          const known = finals.get(node);
          if (known !== undefined) expect(phase, `${node} had ended`).toBe(known);
          if (isFinalNodePhase(phase)) finals.set(node, phase);
        }
      });
      const statuses = Object.entries(world.status.nodeStatuses ?? {});
      expect(['Completed', 'Failed', 'Cancelled']).toContain(world.status.phase);
      expect(statuses).toHaveLength(it.scripts.length);
      for (const [node, status] of statuses) {
        expect(isFinalNodePhase(status.phase), `${node} has ended`).toBe(true);
        expect(world.commandRuns.get(node) ?? 0, `${node} ran the command`).toBeLessThanOrEqual(1);
        expect(world.reboots.get(node) ?? 0, `${node} rebooted`).toBeLessThanOrEqual(1);
        const facts = world.nodes.get(node);
        if (facts?.cordonedBy === MARK) {
          expect(status.phase, `${node} is left cordoned`).toBe('Failed');
          expect(it.uncordonOnFailure).toBe(false);
          expect(status.message).toMatch(/; the node stays cordoned$/);
        }
        const others = it.scripts[Number(node.slice(5))]?.cordonedByOthers === true;
        if (others) expect(facts?.unschedulable, `${node} was cordoned by others`).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('a restart changes nothing of what is decided: same status at every moment after', () => {
  fc.assert(
    fc.property(scenario, fc.nat(30), (it, killAt) => {
      const [undisturbed, killed] = [worldOf(it), worldOf(it)];
      runToEnd(undisturbed);
      let looks = 0;
      runToEnd(killed, () => {
        if (looks++ === killAt) {
          killed.persist();
          killed.restart();
        }
      });
      expect(killed.status).toEqual(undisturbed.status);
      expect(moments(killed)).toEqual(moments(undisturbed));
    }),
    { numRuns: 200 },
  );
});

/** The phases nodes entered, and when. */
const moments = (world: World) =>
  world.log.filter((line) => / is \w+/.test(line) && !line.includes(' do ')).toSorted();

test('nothing starts after the tolerated number of failures', () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const world = worldOf({ ...it, restarts: [] });
      const tolerated = it.maxFailures ?? (it.stopOnFailure ? 0 : Infinity);
      let startedWhenStopped: number | undefined;
      runToEnd(world, () => {
        const statuses = Object.values(world.status.nodeStatuses ?? {});
        const started = statuses.filter(({ startedAt }) => startedAt !== undefined).length;
        if (startedWhenStopped !== undefined) expect(started).toBe(startedWhenStopped);
        const failed = statuses.filter(({ phase }) => phase === 'Failed').length;
        if (failed > tolerated) startedWhenStopped = started;
      });
    }),
    { numRuns: 150 },
  );
});
