import { describe, expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { parseHead } from '../../src/core/runs/ledger.ts';
import { Holds } from '../../src/agent/holds.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const INITIAL = { runs: { initial: 'execute' } };

function agent(repository: TestRepository, changes: object = INITIAL) {
  const store = new MemoryStore();
  const holds = new Holds(silent, 'hold.yaml');
  const loop = new RepositoryLoop({ config: repository.config(changes), store, holds, logger: silent });
  return { store, holds, loop };
}

describe('hold.yaml', () => {
  test.each([
    ['reason: a change freeze\n', 'a change freeze'],
    ['a change freeze\n', 'a change freeze'],
    ['', ''],
    ['{}', ''],
    ['reason: [a, b]\n', ''],
    [': : {{{\n', 'the file cannot be read'],
    ['\u0000\u0001', 'the file cannot be read'],
  ])('holds whatever it contains: %j', async (content, reason) => {
    using repository = new TestRepository();
    const { store, holds, loop } = agent(repository);
    repository.push({ 'hold.yaml': content, 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    expect(holds.current.repository).toBe(reason);
    expect(store.list()).toEqual([]);
    repository.remove('hold.yaml');
    await loop.pollNow();
    expect(holds.current.repository).toBeUndefined();
    expect(store.list()).toHaveLength(1);
    await loop.stop();
  });

  test('is heard though nothing else can be told of the branch, since the baseline is damaged', async () => {
    using repository = new TestRepository();
    const { holds, loop } = agent(repository);
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    repository.push({ 'results/.baseline.yaml': 'runs: [' });
    await loop.pollNow();
    expect(loop.state().problem).toBeDefined();
    repository.push({ 'hold.yaml': 'reason: stop all\n' });
    await loop.pollNow();
    expect(holds.current.repository).toBe('stop all');
    await loop.stop();
  });

  test('under another name holds nothing, which is told once in the log and on record until it is put right', async () => {
    using repository = new TestRepository();
    const store = new MemoryStore();
    const warnings: string[] = [];
    const logger = { ...silent, warn: (_: object, text: string) => warnings.push(text), child: () => logger };
    const holds = new Holds(silent, 'hold.yaml');
    const loop = new RepositoryLoop({ config: repository.config(INITIAL), store, holds, logger });
    repository.push({ 'hold.yml': 'reason: stop\n', 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    repository.push({ 'README.md': '' });
    await loop.pollNow();
    expect(holds.current.repository).toBeUndefined();
    const text =
      'hold.yml is not hold.yaml, which holds all clusters, and holds nothing; rename or remove it';
    expect(warnings.filter((it) => it === text)).toHaveLength(1);
    const told = async () =>
      parseHead((await store.ledger.read()).find(({ name }) => name === 'head')?.data).misnamed;
    expect(await told()).toEqual([text]);
    repository.remove('hold.yml');
    await loop.pollNow();
    expect(await told()).toEqual([]);
    await loop.stop();
  });

  test('is told in the report of a run that waits for it', async () => {
    using repository = new TestRepository();
    const { loop } = agent(repository);
    repository.push({ 'hold.yaml': 'reason: audit\n', 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    expect(repository.read('results/a.yaml')).toMatch(
      /reason: Held\n.*all clusters are held by hold.yaml: audit/,
    );
    await loop.stop();
  });

  test.each([
    [{ paths: { runs: 'ops/runs' } }, 'ops/hold.yaml'],
    [{ paths: { hold: 'BRAKE' } }, 'BRAKE'],
  ])('lies beside the run files, or where it is said to: %j', async (git, path) => {
    using repository = new TestRepository();
    const { holds, loop } = agent(repository, { ...INITIAL, git });
    repository.push({ [path]: 'reason: here\n' });
    await loop.pollNow();
    expect(holds.current.repository).toBe('here');
    await loop.stop();
  });

  test('a lease that is held lets no run begin either, and all goes on by itself', async () => {
    using repository = new TestRepository();
    const { store, holds, loop } = agent(repository);
    holds.set('lease', 'call me first');
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    expect(store.list()).toEqual([]);
    holds.set('lease', undefined);
    await loop.pollNow();
    expect(store.list()).toHaveLength(1);
    await loop.stop();
  });
});
