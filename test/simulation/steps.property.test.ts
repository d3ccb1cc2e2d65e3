import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFinalNodePhase, type NodeOpStatus } from '../../src/api/nodeop.ts';
import { readStepOf } from '../../src/core/rollout/steps/split.ts';
import { type NodeScript, runToEnd, World } from '../support/world.ts';

/** What holds of rollouts in steps, however often the agent is killed and whatever becomes of nodes and labels. */

const amount = fc.constantFrom<number | string>(1, 2, 3, '10%', '34%', '50%', '100%');

const step = fc.record({
  upTo: fc.option(amount, { nil: undefined }),
  zone: fc.option(fc.constantFrom('zone-0', 'zone-1', 'none'), { nil: undefined }),
  concurrency: fc.option(amount, { nil: undefined }),
  maxFailures: fc.constantFrom<number | string>(0, 0, 1, '50%'),
  soakSeconds: fc.constantFrom(0, 0, 5, 90),
  soakGraceSeconds: fc.constantFrom(0, 3, 60),
});

/** Bounds of one kind must not go down. */
function growing<T extends { upTo: number | string | undefined }>(steps: T[]): T[] {
  const sizeOf = (it: T) => Number.parseInt(String(it.upTo), 10);
  const of = (kind: string) =>
    steps.filter((it) => typeof it.upTo === kind).toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const sorted = { number: of('number'), string: of('string') };
  return steps.map((it) => {
    const kind = typeof it.upTo;
    return kind === 'number' || kind === 'string' ? { ...it, upTo: sorted[kind].shift()?.upTo } : it;
  });
}

const scenario = fc.record({
  scripts: fc.array(
    fc.record({
      command: fc.constantFrom('succeed' as const, 'succeed' as const, 'succeed' as const, 'fail' as const),
      preflight: fc.constantFrom('skip' as const, 'proceed' as const, 'fail' as const),
      postflight: fc.constantFrom('pass' as const, 'pass' as const, 'fail' as const),
      ready: fc.constantFrom(true, true, true, false),
      ms: fc.integer({ min: 1, max: 5000 }),
      zone: fc.constantFrom('zone-0', 'zone-1'),
    }),
    { minLength: 1, maxLength: 9 },
  ),
  steps: fc.array(step, { minLength: 1, maxLength: 4 }).map(growing),
  concurrency: fc.constantFrom<number | string>(0, 1, 2, '50%'),
  maxFailures: fc.option(amount, { nil: undefined }),
  topologyKey: fc.constantFrom(undefined, 'zone'),
  soakSeconds: fc.constantFrom(0, 0, 5),
  checks: fc.record({ preflight: fc.boolean(), postflight: fc.boolean() }),
  restarts: fc.array(fc.record({ after: fc.integer({ min: 0, max: 8 }), written: fc.boolean() }), {
    maxLength: 6,
  }),
  /** Nodes that go away for a while, are relabelled or are gone. */
  mishaps: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 30_000 }),
      node: fc.nat(8),
      what: fc.constantFrom('away' as const, 'relabelled' as const, 'gone' as const),
      ms: fc.integer({ min: 1, max: 100_000 }),
    }),
    { maxLength: 3 },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function worldOf(it: Scenario): World {
  const scripts = it.scripts.map(({ zone, ...script }, i): [string, NodeScript] => [
    `node-${i}`,
    { ...script, labels: { zone } },
  ]);
  const steps = it.steps.map(({ zone, upTo, concurrency, ...rest }, i) => ({
    name: `step-${i}`,
    ...rest,
    ...(upTo !== undefined && { upTo }),
    ...(concurrency !== undefined && { concurrency }),
    ...(zone !== undefined && { nodeSelector: { matchLabels: { zone } } }),
  }));
  const { concurrency, maxFailures, topologyKey, soakSeconds, checks } = it;
  const world = new World(
    {
      steps,
      concurrency,
      soakSeconds,
      nodeReadyTimeoutSeconds: 60,
      ...(maxFailures !== undefined && { maxFailures }),
      ...(topologyKey !== undefined && { topologyKey }),
      ...(checks.preflight && { preflight: { command: ['check'] } }),
      ...(checks.postflight && { postflight: { command: ['verify'] } }),
    },
    Object.fromEntries(scripts),
  );
  for (const { at, node, what, ms } of it.mishaps)
    world.later(at, () => mishap(world, `node-${node}`, what, ms));
  // Nodes that never come back would hold the world up for good.
  world.later(1_000_000, () => {
    for (const name of world.nodes.keys()) world.change(name, { ready: true, readySince: world.now });
  });
  return world;
}

function mishap(world: World, node: string, what: 'away' | 'relabelled' | 'gone', ms: number): void {
  if (what === 'gone') world.nodes.delete(node);
  if (what === 'relabelled') world.change(node, { labels: { zone: 'none' } });
  if (what !== 'away') return;
  world.change(node, { ready: false, readySince: world.now });
  world.later(ms, () => world.change(node, { ready: true, readySince: world.now }));
}

/** What is on record must never change: which node is in which step, and that a step is passed. */
class Record {
  private stepOf: string | undefined;
  private readonly passed = new Set<number>();

  /** What has changed of it. */
  broken({ stepOf, steps = [] }: NodeOpStatus): string[] {
    const moved = this.stepOf !== undefined && stepOf !== this.stepOf ? [`stepOf is ${stepOf}`] : [];
    this.stepOf = stepOf;
    const undone = [...this.passed].filter((i) => steps[i]?.phase !== 'Passed');
    for (const [i, { phase }] of steps.entries()) if (phase === 'Passed') this.passed.add(i);
    return [...moved, ...undone.map((i) => `step ${i} was passed`)];
  }
}

test('no node of a step begins before all steps before it are passed on record, whatever happens', () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const world = worldOf(it);
      const record = new Record();
      const kills = [...it.restarts];
      let untilKill = kills[0]?.after;
      const names = [...world.nodes.keys()];
      runToEnd(world, () => {
        const { nodeStatuses = {}, steps = [] } = world.status;
        const stepOf = readStepOf(world.status.stepOf, names) ?? [];
        for (const [i, name] of names.entries()) {
          if (nodeStatuses[name]?.startedAt === undefined) continue;
          const before = world.persisted.steps?.slice(0, stepOf[i] ?? 0) ?? [];
          expect(
            before.every(({ phase }) => phase === 'Passed'),
            `${name} began too early`,
          ).toBe(true);
        }
        expect(steps.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(steps.length === 0 ? 0 : names.length);
        expect(record.broken(world.persisted)).toEqual([]);
        if (untilKill !== undefined && untilKill-- <= 0) {
          if (kills.shift()?.written) world.persist();
          world.restart();
          untilKill = kills[0]?.after;
        }
      });
      expect(record.broken(world.status)).toEqual([]);
      const { phase, steps = [], nodeStatuses = {} } = world.status;
      expect(['Completed', 'Failed']).toContain(phase);
      expect(Object.values(nodeStatuses).every((node) => isFinalNodePhase(node.phase))).toBe(true);
      if (phase === 'Completed') expect(steps.every((one) => one.phase === 'Passed')).toBe(true);
      const failed = steps.findIndex((one) => one.phase === 'Failed');
      if (failed >= 0) {
        expect(phase).toBe('Failed');
        expect(steps.slice(failed + 1).every((one) => one.phase === 'Pending')).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});

test('a soak lasts as long however often the agent is killed in it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 8 }), (kills) => {
      const world = new World(
        { steps: [{ name: 'one', upTo: 1, soakSeconds: 100 }] },
        { 'node-1': {}, 'node-2': {} },
      );
      for (const at of kills) {
        world.later(at * 1000, () => {
          world.persist();
          world.restart();
        });
      }
      runToEnd(world);
      const [first, second] = ['node-1', 'node-2'].map((name) => world.status.nodeStatuses?.[name]);
      const gap = Date.parse(second?.startedAt ?? '') - Date.parse(first?.finishedAt ?? '');
      expect(gap).toBe(100_000);
    }),
    { numRuns: 50 },
  );
});
