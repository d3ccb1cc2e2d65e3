import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Definition } from '../../src/core/definition.ts';
import type { Obj } from '../../src/sim/index.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { nodeOp } from './support.ts';

/** A run in a cluster whose definition of NodeOps drops what a rollout has to remember. */

const DEFINITION = 'nodeops.operator.kairos.io';
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
const own = () => load(readFileSync(`manifests/crd/${DEFINITION}.yaml`, 'utf8')) as Obj & Definition;

let operations: Operations;
let crds: string;

function poor(): Obj & Definition {
  const definition = own();
  const { status } = definition.spec?.versions?.[0]?.schema?.openAPIV3Schema?.properties ?? {};
  delete status?.properties?.['conditions'];
  return definition;
}

beforeEach(async () => {
  crds = mkdtempSync(join(tmpdir(), 'nodeop-crds-'));
  writeFileSync(join(crds, 'nodeops.yaml'), dump(poor()));
  operations = await startOperations({ nodes: 1, crds }, { 'runs/flash.yaml': nodeOp('flash') });
});

afterEach(async () => {
  await operations.stop();
  rmSync(crds, { recursive: true });
});

const reported = (pattern: RegExp) =>
  vi.waitFor(() => expect(operations.repository.read('results/flash.yaml') ?? '').toMatch(pattern), {
    timeout: 30_000,
    interval: 50,
  });

test('its report says that it waits and why, until the definition is mended', async () => {
  const { sim, agent } = operations;
  await reported(
    /phase: Waiting\n {2}reason: DefinitionLacksFields\n {2}message: [^]*status\.conditions[^]*apply\s+manifests\/crd/,
  );
  expect(sim.store.all('nodeops.operator.kairos.io')).toEqual([]);
  expect(agent.repository.state().waiting).toMatchObject([
    { run: 'runs/flash.yaml', reason: 'DefinitionLacksFields' },
  ]);
  sim.store.update(CRDS, {
    ...sim.store.read(CRDS, DEFINITION),
    spec: own().spec as Record<string, unknown>,
  });
  await reported(/phase: Completed/);
});
