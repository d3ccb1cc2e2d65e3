import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterEach, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition.ts';
import type { Obj } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';

/** A cluster whose definition of NodeOps is another controller's. */

const DEFINITION = 'nodeops.operator.kairos.io';
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
const own = () => load(readFileSync(`manifests/crd/${DEFINITION}.yaml`, 'utf8')) as Obj & Definition;

let cluster: Cluster;
let dir: string;
afterEach(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

/** Without what a rollout needs to remember. */
function poor(): Obj {
  const definition = own();
  const schema = definition.spec?.versions?.[0]?.schema?.openAPIV3Schema;
  const status = schema?.properties?.['status'];
  const nodes = status?.properties?.['nodeStatuses']?.additionalProperties;
  if (typeof nodes !== 'object' || !status?.properties) throw new Error('no such schema');
  delete nodes.properties?.['bootID'];
  delete nodes.properties?.['phaseStartedAt'];
  delete status.properties['conditions'];
  return definition;
}

const events = () =>
  cluster.sim.store.all('events').map(({ reason, message }) => `${reason as string}: ${message as string}`);

test('nothing begins, which is told, until the definition is mended', async () => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-crd-'));
  writeFileSync(join(dir, 'crd.yaml'), dump(poor()));
  cluster = await Cluster.virtual({ nodes: 1, crds: dir, script: () => ({ durationMs: 1 }) });
  await cluster.create({
    metadata: { name: 'flash' },
    spec: { image: 'busybox', command: ['flash'], cordon: true },
  });
  await cluster.eventually(() =>
    expect(events()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^DefinitionLacksFields: .*status\.conditions.*bootID/)]),
    ),
  );
  await cluster.eventually(() => expect(events().length).toBe(2));
  expect(cluster.sim.store.all('jobs.batch')).toEqual([]);
  expect(cluster.sim.store.read('nodes', 'node-1').spec).toEqual({});
  const known = cluster.sim.store.read(CRDS, DEFINITION);
  cluster.sim.store.update(CRDS, { ...known, spec: own().spec as Record<string, unknown> });
  expect((await cluster.ended('flash')).status?.phase).toBe('Completed');
});

test('what keeps a NodeOp from being marked is told, and has a bound', async () => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-crd-'));
  const refuse = ({ verb, resource }: { verb: string; resource: string }) =>
    verb === 'patch' && resource === 'nodeops' ? 'a policy forbids it' : undefined;
  cluster = await Cluster.virtual({ nodes: 1, script: () => ({ durationMs: 1 }), refuse });
  await cluster.create({
    metadata: { name: 'flash' },
    spec: { image: 'busybox', command: ['flash'], startTimeoutSeconds: 20 },
  });
  const { status } = await cluster.ended('flash');
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'Stalled',
      status: 'True',
      reason: 'NotAdopted',
      message: expect.stringContaining('a policy forbids it') as unknown,
    }),
  );
  await cluster.eventually(() =>
    expect(events()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^NotAdopted: .*a policy forbids it/)]),
    ),
  );
});
