import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { InvalidError } from '../../src/api/errors.ts';
import { entriesOf, entryOf, withEntries } from '../../src/core/runs/ledger.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import { systemClock } from '../../src/time/clock.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const INITIAL = { runs: { initial: 'execute' } };

/** An agent that starts on a machine without a clone, unless it goes on with the one there is. */
function agent(repository: TestRepository, store = new MemoryStore(), changes: object = INITIAL) {
  let ms = 0;
  const errors: string[] = [];
  const logger = {
    ...silent,
    child: () => logger,
    error: (fields: object, text: string) => errors.push(`${text}: ${JSON.stringify(fields)}`),
  };
  const clock = { ...systemClock, steady: () => systemClock.steady() + ms };
  const loop = new RepositoryLoop({ config: repository.config(changes), store, logger, clock });
  return { loop, store, errors, pass: (more: number) => (ms += more) };
}

function loseClone(repository: TestRepository): void {
  rmSync(join(repository.root, 'agent.git'), { recursive: true, force: true });
}

const begun = (store: MemoryStore) => [...entriesOf(store.ledger.parts.values())];
const phaseOf = (repository: TestRepository, name: string) =>
  /^ {2}phase: (\w+)$/m.exec(repository.read(`results/${name}.yaml`) ?? '')?.[1];

test('a run begins in this order: its report is on the remote, its NodeOp is made, that is on record', async () => {
  using repository = new TestRepository();
  const store = new MemoryStore();
  const order: string[] = [];
  const { loop } = agent(repository, store);
  const create = store.create.bind(store);
  store.create = (manifest) => {
    order.push(`create, report ${phaseOf(repository, 'a')}, on record ${begun(store).length}`);
    return create(manifest);
  };
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(order).toEqual(['create, report Pending, on record 0']);
  expect(begun(store)).toEqual([entryOf('runs/a.yaml')]);
});

test.each(['the agent goes on', 'the agent starts anew, without its clone'])(
  'nothing begins while the remote takes no reports, and all of it when it does (%s)',
  async (how) => {
    using repository = new TestRepository();
    const first = agent(repository);
    await first.loop.pollNow();
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    const hook = join(repository.bare, 'hooks/pre-receive');
    writeFileSync(hook, '#!/bin/sh\nexit 1\n');
    chmodSync(hook, 0o755);
    await first.loop.pollNow();
    await first.loop.pollNow();
    expect(first.store.creations).toBe(0);
    rmSync(hook);
    if (how !== 'the agent goes on') {
      await first.loop.stop();
      loseClone(repository);
    }
    const { loop } = how === 'the agent goes on' ? first : agent(repository, first.store);
    await loop.pollNow();
    expect(first.store.creations).toBe(1);
  },
);

test('an agent that ended after its announcement begins the run, and after the creation puts it on record', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const create = store.create.bind(store);
  store.create = () => Promise.reject(new ApiError(0, { message: 'no answer' }));
  await loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Pending');
  await loop.stop();

  store.create = create;
  const write = store.ledger.write.bind(store.ledger);
  store.ledger.write = () => Promise.reject(new ApiError(0, { message: 'no answer' }));
  const second = agent(repository, store);
  await second.loop.pollNow();
  expect(store.creations).toBe(0);
  store.ledger.write = write;
  await second.loop.pollNow();
  expect(store.creations).toBe(1);
  await second.loop.stop();
  store.ledger.parts.clear();

  const third = agent(repository, store);
  await third.loop.pollNow();
  expect(store.creations).toBe(1);
  expect(begun(store)).toEqual([entryOf('runs/a.yaml')]);
});

test('a run whose reports a force-push took away is not carried out again, also without NodeOp and clone', async () => {
  using repository = new TestRepository();
  const first = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const tip = repository.git(repository.bare, 'rev-parse', 'main').trim();
  await first.loop.pollNow();
  first.store.finish('Completed');
  await first.loop.pollNow();
  await first.loop.stop();
  repository.git(repository.bare, 'update-ref', 'refs/heads/main', tip);
  first.store.objects.clear();
  loseClone(repository);
  const second = agent(repository, first.store);
  await second.loop.pollNow();
  await second.loop.pollNow();
  expect(first.store.creations).toBe(1);
  expect(first.store.list()).toEqual([]);
});

test('a report that people changed to Invalid is no new chance', async () => {
  using repository = new TestRepository();
  const first = agent(repository);
  await carryOut(repository, first, 'a');
  first.store.objects.clear();
  repository.pull();
  const report = repository.read('results/a.yaml') ?? '';
  repository.push({
    'results/a.yaml': report
      .replace('phase: Completed', 'phase: Invalid')
      .replace(/^ {2}blob: .*$/m, `  blob: ${'f'.repeat(40)}`)
      .replace(/^nodeOp:\n(?: {2}.*\n)+/m, ''),
  });
  await first.loop.pollNow();
  expect(first.store.creations).toBe(1);
  expect(phaseOf(repository, 'a')).toBe('Cancelled');
  expect(repository.read('results/a.yaml')).toContain('reason: NodeOpDeleted');
});

test('without a right to the record nothing begins, it is told, and what is under way goes on', async () => {
  using repository = new TestRepository();
  const first = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await first.loop.pollNow();
  await first.loop.stop();
  const { store } = first;
  const read = store.ledger.read.bind(store.ledger);
  store.ledger.read = () => Promise.reject(new InvalidError('the agent may not keep its record'));
  const second = agent(repository, store);
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  store.finish('Completed');
  await second.loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Completed');
  expect(phaseOf(repository, 'b')).toBe('Waiting');
  expect(repository.read('results/b.yaml')).toContain('the agent may not keep its record');
  expect(second.loop.state().blocked).toContain('the agent may not keep its record');
  expect(second.errors).toHaveLength(1);
  expect(store.creations).toBe(1);
  store.ledger.read = read;
  await second.loop.pollNow();
  expect(second.loop.state().blocked).toBeUndefined();
  expect(store.creations).toBe(2);
});

test('a NodeOp that is refused is told, lets others go first, and is given up in the end', async () => {
  using repository = new TestRepository();
  const { loop, store, pass } = agent(repository);
  const create = store.create.bind(store);
  let refusals = 0;
  store.create = (manifest) => {
    if (manifest.metadata.name !== 'a') return create(manifest);
    refusals += 1;
    return Promise.reject(new ApiError(404, { message: 'namespaces "mars" not found' }));
  };
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Pending');
  expect(repository.read('results/a.yaml')).toContain('namespaces "mars" not found');
  await loop.pollNow();
  expect(store.list().map((it) => it.metadata.name)).toEqual(['b']);
  expect(refusals).toBe(1);
  const commits = repository.commits();
  for (let i = 0; i < 4; i++) {
    pass(61_000);
    await loop.pollNow();
  }
  // b has the only place.
  expect(refusals).toBe(1);
  store.finish('Completed');
  await loop.pollNow();
  pass(61_000);
  await loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Failed');
  expect(repository.read('results/a.yaml')).toContain('reason: NotCreated');
  expect(repository.commits()).toBeLessThan(commits + 5);
  pass(600_000);
  await loop.pollNow();
  expect(store.creations).toBe(1);
});

test('an end that Git cannot take is kept in the cluster, and told when Git is back, without the NodeOp', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  await loop.pollNow();
  const hook = join(repository.bare, 'hooks/pre-receive');
  writeFileSync(hook, '#!/bin/sh\nexit 1\n');
  chmodSync(hook, 0o755);
  store.finish('Failed');
  const [op] = store.list();
  expect(loop.mayGo(op as never)).toBe(false);
  await loop.pollNow();
  expect(loop.mayGo(op as never)).toBe(true);
  await loop.stop();
  store.objects.clear();
  rmSync(hook);
  loseClone(repository);
  const second = agent(repository, store);
  await second.loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Failed');
  expect(repository.read('results/a.yaml')).toContain('exitCode: 3');
  expect([...store.ledger.parts.keys()].filter((it) => it.startsWith('result-'))).toEqual([]);
});

test.each([
  ['its turn', {}, 'Queued', undefined],
  ['a time', { notBefore: '2190-01-01T00:00:00Z' }, 'NotBefore', '2190-01-01T00:00:00Z'],
  ['its window', { window: { schedule: '0 0 1 1 *', duration: '1s' } }, 'WindowClosed', /-01-01T00:00:00Z/],
])('a run that waits for %s has a report that says so, and no second one', async (_, spec, reason, until) => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ 'nodeops/u.yaml': nodeOp('upgrade'), 'runs/1.yaml': nodeOp('first') });
  const run = { apiVersion: 'agent.nodeop.dev/v1alpha1', kind: 'NodeOpRun' };
  repository.push({ 'runs/2.yaml': JSON.stringify({ ...run, spec: { nodeOp: 'upgrade', ...spec } }) });
  await loop.pollNow();
  const report = repository.read('results/2.yaml') ?? '';
  expect(report).toMatch(new RegExp(`phase: Waiting\\n {2}reason: ${reason}\\n`));
  if (until === undefined) expect(report).not.toContain('until:');
  else expect(/until: '(.*)'/.exec(report)?.[1]).toMatch(until);
  expect(repository.read('results/README.md')).toMatch(new RegExp(`2\\.yaml.*Waiting.*${reason}`));
  const commits = repository.commits();
  await loop.pollNow();
  // The first one's NodeOp has a UID now.
  expect(repository.commits()).toBeLessThanOrEqual(commits + 1);
  expect(repository.read('results/2.yaml')).toBe(report);
  repository.remove('runs/2.yaml');
  await loop.pollNow();
  expect(phaseOf(repository, '2')).toBe('Cancelled');
  expect(repository.read('results/2.yaml')).toContain('reason: Removed');
  expect(store.creations).toBe(1);
});

test.each(['Invalid', 'Waiting', 'Pending'])(
  'a report of a former version that people changed to %s, and removed in between, is no new chance',
  async (phase) => {
    using repository = new TestRepository();
    const first = agent(repository);
    await carryOut(repository, first, 'a');
    await first.loop.stop();
    // As it was before there was a record.
    const store = new MemoryStore();
    repository.pull();
    const report = (repository.read('results/a.yaml') ?? '')
      .replace('phase: Completed', `phase: ${phase}`)
      .replace(/^ {2}(blob|startedAt|finishedAt): .*\n/gm, '')
      .replace(/^nodeOp:\n(?: {2}.*\n)+/m, '');
    repository.push({ 'results/a.yaml': report });
    repository.remove('results/a.yaml');
    repository.push({ 'results/a.yaml': report });
    loseClone(repository);
    const second = agent(repository, store);
    await second.loop.pollNow();
    await second.loop.pollNow();
    expect(store.creations).toBe(0);
    expect(repository.read('results/a.yaml')).toContain('reason: NodeOpDeleted');
  },
);

/** Nothing more goes into the record. */
function fill({ ledger: { parts } }: MemoryStore): void {
  for (let i = 0; ; i++) {
    const entries = Array.from({ length: 31 * 1024 }, (_, n) => ({
      entry: String(i * 100_000 + n).padStart(16, '0'),
    }));
    const next = withEntries(parts, entries);
    if (!next) return;
    const { name, data } = next.part;
    parts.set(name, { name, version: 'full', data: { ...parts.get(name)?.data, ...data } });
  }
}

test('while the record is full nothing begins, and no NodeOp goes before its result is in Git', async () => {
  using repository = new TestRepository();
  const first = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await first.loop.pollNow();
  await first.loop.stop();
  fill(first.store);
  const { loop, store } = agent(repository, first.store);
  await loop.pollNow();
  expect(loop.state().blocked).toContain('is full');
  store.finish('Completed');
  const [op] = store.list();
  expect(loop.mayGo(op as never)).toBe(false);
  await loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe('Completed');
  expect(loop.mayGo(op as never)).toBe(true);
  await loop.stop();
});

test('what a running agent knows to have begun is put back when people removed the record', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  await carryOut(repository, { loop, store }, 'a');
  store.objects.clear();
  store.ledger.parts.clear();
  await carryOut(repository, { loop, store }, 'b');
  await loop.pollNow();
  expect(begun(store).toSorted()).toEqual([entryOf('runs/a.yaml'), entryOf('runs/b.yaml')].toSorted());
  await loop.stop();
});

test.each([
  ['removes the run file', 'Cancelled', 'Removed'],
  ['holds all clusters', 'Waiting', 'Held'],
  ['edits the run file', 'Pending', 'cordon: true'],
])('what is pushed just before the announcement of a run counts: it %s', async (what, phase, told) => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ README: 'operations' });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const { bare, clone } = repository;
  repository.pull();
  if (what.startsWith('removes')) repository.git(clone, 'rm', '-q', 'runs/a.yaml');
  else if (what.startsWith('holds')) repository.write({ 'hold.yaml': 'reason: audit' });
  else repository.write({ 'runs/a.yaml': nodeOp('a', '  cordon: true\n') });
  repository.git(clone, 'add', '-A');
  repository.git(clone, 'commit', '-q', '-m', 'late');
  repository.git(clone, 'push', '-q', 'origin', 'HEAD:refs/heads/late');
  const hook = join(bare, 'hooks/pre-receive');
  const first = 'unset GIT_QUARANTINE_PATH; rm "$0"; git update-ref refs/heads/main refs/heads/late';
  writeFileSync(hook, `#!/bin/sh\n${first}\n`);
  chmodSync(hook, 0o755);
  await loop.pollNow();
  expect(store.creations).toBe(0);
  await loop.pollNow();
  expect(phaseOf(repository, 'a')).toBe(phase);
  expect(repository.read('results/a.yaml')).toContain(told);
  expect(store.creations).toBe(phase === 'Pending' ? 1 : 0);
  await loop.stop();
});
