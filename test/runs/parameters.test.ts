import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { parseReport } from '../../src/api/report.ts';
import { Cluster } from '../support/cluster.ts';
import { MemoryStore, nodeOpRun, silent, TestRepository } from './support.ts';

const FLASH = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: busybox
  command: [sh, -c, 'echo "$VERSION/$FORCE" > "$HOST_DIR/main"']
  preflight: {command: [sh, -c, 'test "$VERSION" = "\\$(reboot) \\$HOST_DIR"']}
  parameters:
    - {name: VERSION, required: true}
    - {name: FORCE, type: boolean, default: false}
`;

function agent(repository: TestRepository) {
  const store = new MemoryStore();
  const config = repository.config({ runs: { initial: 'execute' } });
  return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

test('a value reaches the containers as it was written, and stands in the report', async () => {
  using repository = new TestRepository();
  const value = '$(reboot) $HOST_DIR';
  repository.push({
    'nodeops/flash.yaml': FLASH,
    'runs/a.yaml': nodeOpRun(`  nodeOp: flash\n  parameters: {VERSION: ${value}}\n`),
  });
  const { store, loop } = agent(repository);
  await loop.pollNow();
  const [made] = store.list();
  if (!made) throw new Error(repository.read('results/a.yaml'));
  const report = parseReport(Buffer.from(repository.read('results/a.yaml') ?? ''));
  expect(report?.parameters).toEqual({ VERSION: value, FORCE: false });
  expect(report?.status.phase).toBe('Pending');

  cluster = await Cluster.start({ nodes: 1 });
  await cluster.create({ ...made, metadata: { name: 'flash', namespace: 'default' } });
  expect((await cluster.ended('flash')).status?.phase).toBe('Completed');
  expect(readFileSync(join(cluster.sim.dir, 'node-1', 'root', 'main'), 'utf8')).toBe(`${value}/false\n`);
});

test('a run that gives what does not fit never begins, and its report says where', async () => {
  using repository = new TestRepository();
  repository.push({
    'nodeops/flash.yaml': FLASH,
    'runs/a.yaml': nodeOpRun('  nodeOp: flash\n  parameters:\n    VERSION: 007\n    FORCE: "yes"\n'),
  });
  const { store, loop } = agent(repository);
  await loop.pollNow();
  expect(store.list()).toEqual([]);
  expect(parseReport(Buffer.from(repository.read('results/a.yaml') ?? ''))?.status).toMatchObject({
    phase: 'Invalid',
    problems: [
      { path: 'spec.parameters.VERSION', line: 6, column: 5 },
      { path: 'spec.parameters.FORCE', line: 7, column: 5 },
    ],
  });
  // Another content of the definition is another chance.
  repository.push({ 'nodeops/flash.yaml': FLASH.replace(/ {2}parameters:[^]*/, '') });
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('it declares none');
});
