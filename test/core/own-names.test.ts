import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { foreignKind } from '../../src/api/foreign.ts';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { resourcesProblems } from '../../src/api/resource-rules.ts';
import { claimant, type Holder, letsGo } from '../../src/core/rollout/cordons.ts';
import type { NodeFacts } from '../../src/core/rollout/facts.ts';
import { whyNoMatch } from '../../src/core/rollout/near-labels.ts';
import { matches, topologyValue } from '../../src/core/rollout/targets.ts';
import { statusPatch } from '../../src/kube/status-patch.ts';
import { runToEnd, World } from '../support/world.ts';

/** Names that people choose may be those that every object of JavaScript has: they mean nothing else for that. */

/** `constructor` is the name of a node by the rules of Kubernetes; labels may have capitals, keys of others anything. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);
const inherited = fc.constantFrom(...INHERITED);

test('a node that is called constructor goes its way like any other', () => {
  const spec = { cordon: true, rebootOnSuccess: true, concurrency: 1, postflight: { command: ['x'] } };
  const run = (name: string) => {
    const world = new World(spec, { [name]: {}, 'node-2': {} });
    runToEnd(world);
    return [
      world.status.phase,
      world.commandRuns.get(name),
      world.reboots.get(name),
      world.nodes.get(name)?.unschedulable,
    ];
  };
  expect(run('constructor')).toEqual(run('node-1'));
  expect(run('constructor')).toEqual(['Completed', 1, 1, false]);
});

test('a node of that name is claimed by nobody who does not work on it', () => {
  const working: NodeOpStatus = { phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running' } } };
  fc.assert(
    fc.property(inherited, fc.boolean(), (name, hasNone) => {
      const status = hasNone ? {} : working;
      const world = new World({}, {});
      const holder: Holder = {
        ...world.facts(),
        name: 'other',
        uid: 'u2',
        status,
        persisted: status,
        deleted: false,
      };
      const nobody = { running: () => [], work: () => undefined, byUid: () => undefined };
      const holders = { ...nobody, all: () => [holder], unfinished: [holder] };
      expect(claimant({ name, cordonedBy: undefined }, 'self', holders)).toBeUndefined();
      expect(letsGo(working, working)).toBe(false);
    }),
  );
});

test('a label of that name is there only where somebody has set it', () => {
  fc.assert(
    fc.property(inherited, (key) => {
      const selector = (operator: 'Exists' | 'DoesNotExist') => ({ matchExpressions: [{ key, operator }] });
      expect(matches(selector('Exists'), {})).toBe(false);
      expect(matches(selector('DoesNotExist'), {})).toBe(true);
      const labels = JSON.parse(`{${JSON.stringify(key)}: "x"}`) as Record<string, string>;
      expect(matches({ matchLabels: labels }, labels)).toBe(true);
      const spec = { ...new World({}, {}).spec, topologyKey: key };
      expect(topologyValue(spec, { labels: {} } as unknown as NodeFacts)).toBe('');
      expect(topologyValue(spec, { labels } as unknown as NodeFacts)).toBe('x');
      expect(whyNoMatch(selector('Exists'), [{ a: 'b' }])).toBe(`no node has the label ${key}`);
    }),
  );
});

test('kinds, resources and entries of that name are nothing special', () => {
  fc.assert(
    fc.property(inherited, (name) => {
      expect(foreignKind(name, 'v1')).toBeUndefined();
      const requests = JSON.parse(`{${JSON.stringify(name)}: "1"}`) as Record<string, string>;
      const told = resourcesProblems({ requests, limits: {} });
      expect(told).toMatchObject([
        { path: ['requests', name], message: expect.stringMatching(/^expected cpu/) as string },
      ]);
      const entries = JSON.parse(`{${JSON.stringify(name)}: {"phase": "Pending"}}`) as NonNullable<
        NodeOpStatus['nodeStatuses']
      >;
      const patch = statusPatch({ nodeStatuses: {} }, { nodeStatuses: entries });
      expect(Object.keys(patch?.nodeStatuses ?? {})).toEqual(name === '__proto__' ? [] : [name]);
    }),
  );
});

test('nodes that are called by numbers are in the step that is on record, whatever the order of their entries', () => {
  const steps = [{ name: 'first', upTo: 1 }];
  const world = new World({ steps, concurrency: 1 }, { 9: {}, 10: {}, a: {} });
  runToEnd(world);
  expect(world.status.stepOf).toBe('011');
  const started = Object.entries(world.status.nodeStatuses ?? {}).toSorted(([, a], [, b]) =>
    (a.startedAt ?? '').localeCompare(b.startedAt ?? ''),
  );
  expect(started.map(([name]) => name)).toEqual(['10', '9', 'a']);
});
