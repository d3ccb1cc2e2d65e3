import { expect, test } from 'vitest';
import type { Logger } from '../../src/agent/logger.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, TestRepository } from './support.ts';

test('the log tells once of a run that waits, and why', async () => {
  using repository = new TestRepository();
  repository.push({
    'nodeops/a.yaml': `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: a}
spec: {image: busybox, command: ['true']}
`,
    'runs/later.yaml': `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec: {nodeOp: a, notBefore: '2099-01-01T00:00:00Z'}
`,
  });
  const told: object[] = [];
  const logger: Logger = {
    debug: () => {},
    info: (fields, message) => void (message === 'run waits' && told.push(fields)),
    warn: () => {},
    error: () => {},
    child: () => logger,
  };
  const config = repository.config({ runs: { initial: 'execute' } });
  const loop = new RepositoryLoop({ config, store: new MemoryStore(), logger });
  await loop.pollNow();
  await loop.pollNow();
  await loop.stop();
  expect(told).toEqual([expect.objectContaining({ reason: 'NotBefore' })]);
});
