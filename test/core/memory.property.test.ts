import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../src/core/rollout/decide.ts';
import type { RolloutFacts } from '../../src/core/rollout/facts.ts';
import { Memory } from '../../src/core/rollout/memory.ts';
import { World } from '../support/world.ts';

/**
 * Whatever concerns one node is touched when it changes, and nothing else is: a look with a memory decides the same as one at
 * everything all the same, down to the status and when to look again, and with no look at everything in between.
 */

const NODES = ['a', 'b', 'c'];
const OTHERS = 'ops/other@uid-2';

const nodeEvent = fc.record({
  node: fc.constantFrom(...NODES),
  what: fc.constantFrom(
    'away',
    'back',
    'relabelled',
    'uncordoned',
    'rebooted',
    'late work',
    'confirmed',
    'refused',
    'troubled',
    'busy',
    'idle',
  ),
});
const otherEvent = fc.record({
  node: fc.constantFrom(...NODES),
  what: fc.constantFrom(
    'claimed',
    'unclaimed',
    'heir',
    'no heir',
    'held',
    'suspended',
    'window',
    'free',
    'no place',
    'clock',
    'no answers',
    'answers',
    'answers',
  ),
});
/** After these there is less to see. */
const rareEvent = fc.record({
  node: fc.constantFrom(...NODES),
  what: fc.constantFrom('gone', 'another', 'stolen', 'cancelled', 'deleted'),
});
const event = fc.oneof(
  { arbitrary: nodeEvent, weight: 30 },
  { arbitrary: otherEvent, weight: 30 },
  { arbitrary: rareEvent, weight: 1 },
);
const moves = fc.array(
  fc.record({
    ms: fc.constantFrom(0, 0, 1, 700, 1000, 4000, 61_000, 130_000),
    events: fc.array(event, { maxLength: 2 }),
    persists: fc.boolean(),
  }),
  { minLength: 20, maxLength: 120 },
);
const spec = fc.record({
  concurrency: fc.constantFrom(1, 2, '50%', 0),
  cordon: fc.boolean(),
  drainOptions: fc.constantFrom(undefined, { enabled: true, timeoutSeconds: 30 }),
  rebootOnSuccess: fc.boolean(),
  soakSeconds: fc.constantFrom(0, 5),
  nodeReadyTimeoutSeconds: fc.constantFrom(30, 120),
  maxFailures: fc.constantFrom(0, 2, '100%'),
  uncordonOnFailure: fc.boolean(),
  topologyKey: fc.constantFrom(undefined, 'zone'),
  preflight: fc.constantFrom(undefined, { command: ['check'] }),
  postflight: fc.constantFrom(undefined, { command: ['verify'] }),
  steps: fc.constantFrom(undefined, undefined, [
    { name: 'one', upTo: 2, soakSeconds: 5, soakGraceSeconds: 3, maxFailures: 1 },
    { name: 'two', maxFailures: 1 },
  ]),
});
const script = fc.record({
  command: fc.constantFrom('succeed' as const, 'succeed' as const, 'fail' as const),
  startsAfter: fc.constantFrom(0, 0, 5000, 'never' as const),
  helpersWait: fc.constantFrom(false, false, true),
  refused: fc.constantFrom(false, false, true),
  ready: fc.constantFrom(true, true, false),
  ms: fc.constantFrom(10, 1000, 20_000),
});

/** What is beside a `World`. */
class Beside {
  readonly claims = new Map<string, string>();
  readonly heirs = new Map<string, string>();
  readonly refusals = new Map<string, NonNullable<ReturnType<RolloutFacts['refusal']>>>();
  readonly troubles = new Map<string, string>();
  readonly busy = new Set<string>();
  hold: RolloutFacts['hold'];
  placeHeld: string | undefined;
  suspend = false;
  ahead = 0;
  /** The API server takes what is asked for. */
  answers = true;
}

const MADE = ['create-preflight', 'create-job', 'create-reboot', 'create-postflight', 'cordon', 'uncordon'];

function happen(world: World, beside: Beside, what: string, node: string): void {
  const { now } = world;
  const { claims, heirs, refusals, troubles, busy } = beside;
  if (what === 'away') world.change(node, { ready: false, readySince: now });
  if (what === 'back') world.change(node, { ready: true, readySince: now });
  if (what === 'relabelled') world.change(node, { labels: { zone: `zone-${now % 3}` } });
  if (what === 'gone') world.nodes.delete(node);
  if (what === 'another') world.change(node, { uid: `another-${now}`, cordonedBy: undefined });
  if (what === 'uncordoned') world.change(node, { unschedulable: false, cordonedBy: undefined });
  if (what === 'stolen') world.change(node, { cordonedBy: OTHERS });
  if (what === 'rebooted') world.change(node, { bootID: `boot-${now}` });
  if (what === 'late work') world.land(node);
  if (what === 'confirmed') world.work.set(node, { ...world.work.get(node), confirmedAt: now });
  if (what === 'refused')
    for (const type of MADE)
      refusals.set(`${type}/${node}`, {
        since: refusals.get(`${type}/${node}`)?.since ?? now,
        at: now,
        why: 'no',
      });
  if (what === 'troubled') for (const type of MADE) troubles.set(`${type}/${node}`, 'no answer');
  if (what === 'busy') for (const type of MADE) busy.add(`${type}/${node}`);
  if (what === 'idle')
    for (const room of [refusals, troubles, busy]) for (const type of MADE) room.delete(`${type}/${node}`);
  if (what === 'claimed') claims.set(node, 'ops/other');
  if (what === 'unclaimed') claims.delete(node);
  if (what === 'heir') heirs.set(node, OTHERS);
  if (what === 'no heir') heirs.delete(node);
  if (what === 'held') beside.hold = { by: 'Lease', text: 'held' };
  if (what === 'suspended') beside.suspend = true;
  if (what === 'window') world.window = 'Mon-Sun 02:00-04:00 UTC';
  if (what === 'no place') beside.placeHeld = 'others go first';
  if (what === 'cancelled') world.cancelled = 'the run file was removed';
  if (what === 'deleted') [world.cancelled, world.deleted] = ['the NodeOp was deleted', true];
  if (what === 'no answers') beside.answers = false;
  if (what === 'answers') beside.answers = true;
  if (what === 'clock') beside.ahead += 3_600_000;
  if (what === 'free') {
    [beside.hold, beside.placeHeld, beside.suspend, world.window] = [undefined, undefined, false, undefined];
  }
}

test('a look that remembers decides like one that does not', () => {
  fc.assert(
    fc.property(
      spec,
      fc.array(script, { minLength: 3, maxLength: 3 }),
      moves,
      (options, scripts, history) => {
        const world = new World(
          JSON.parse(JSON.stringify(options)) as object,
          Object.fromEntries(NODES.map((name, i) => [name, scripts[i] ?? {}])),
        );
        const beside = new Beside();
        const memory = new Memory(Infinity);
        const specs = [world.spec, { ...world.spec, suspend: true }] as const;
        let { status } = world;
        let known = new Map<string, unknown>();
        const factsNow = (): RolloutFacts => ({
          ...world.facts(),
          spec: specs[beside.suspend ? 1 : 0],
          wall: world.now + beside.ahead,
          hold: beside.hold,
          placeHeld: beside.placeHeld,
          claims: beside.claims,
          heirs: beside.heirs,
          refusal: (key) => beside.refusals.get(key),
          troubles: beside.troubles,
          busy: beside.busy,
        });
        const touch = () => {
          const next = new Map<string, unknown>();
          for (const node of NODES) {
            const own = MADE.map((type) => `${type}/${node}`).map((key) => [
              beside.refusals.get(key),
              beside.troubles.get(key),
              beside.busy.has(key),
            ]);
            const entry = world.persisted.nodeStatuses?.[node];
            const facts = JSON.stringify([world.nodes.get(node), world.work.get(node), entry, own]);
            next.set(node, facts);
            if (known.get(node) !== facts) memory.touch(node);
          }
          known = next;
        };
        for (const { ms, events, persists } of history) {
          world.later(ms, () => {});
          const until = world.now + ms;
          for (let i = 0; i < 50 && world.now < until; i += 1) world.advance();
          for (const { what, node } of events) happen(world, beside, what, node);
          touch();
          const facts = factsNow();
          const fresh = decide({ ...facts, status: structuredClone(status) }, world.now);
          const remembered = decide({ ...facts, status }, world.now, memory);
          const [told, expected] = [remembered, fresh].map((decision) => ({
            actions: decision.actions.map((action) => JSON.stringify(action)).toSorted(),
            status: JSON.stringify(decision.status),
            lookAgainAt: decision.lookAgainAt,
          }));
          expect(told).toEqual(expected);
          ({ status } = remembered);
          world.status = structuredClone(status);
          if (beside.answers) world.carryOut(remembered.actions);
          if (persists) {
            memory.share();
            world.persist();
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
