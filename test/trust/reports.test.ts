import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { secretFile } from '../git/support/mirror.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from '../runs/support.ts';
import { GpgKeys, signAs, sshKey, writeKeys } from './support.ts';

const REPORT = 'results/a.yaml';
const TOLD = 'reports were changed without a signature that counts';

/** An agent that signs what it writes, and people who do not unless told. */
class Signing implements Disposable {
  readonly repository = new TestRepository();
  readonly robot = sshKey(this.repository, 'robot');
  readonly locked = sshKey(this.repository, 'locked', 'correct horse');
  readonly store = new MemoryStore();
  readonly warnings: string[] = [];
  now = new Date('2030-01-01T12:30:00Z');

  constructor() {
    this.repository.date = '2030-01-01T12:00:00Z';
    this.repository.push({ 'README.md': 'hello', 'nodeops/d.yaml': nodeOp('d') });
  }

  agent(signing: object | undefined = { sshKeyFile: this.robot.file }): RepositoryLoop {
    const logger = { ...silent, child: () => logger, warn: this.warn };
    const config = this.repository.config({
      git: { ...(signing && { signing }) },
      runs: { maxConcurrent: 9 },
    });
    return new RepositoryLoop({ config, store: this.store, logger, now: () => this.now });
  }

  started(): string[] {
    return this.store.list().map((it) => it.metadata.name ?? '');
  }

  told(): string[] {
    return this.warnings.filter((it) => it.includes(TOLD));
  }

  private readonly warn = (fields: object, message: string) => {
    this.warnings.push(`${message} ${JSON.stringify(fields)}`);
  };

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

/** As the agent would write it, yet of nothing that happened. */
const forged = (name: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: ${name}}
run: {path: runs/${name}.yaml}
nodeOp: {namespace: default, name: ${name}, uid: uid-77}
status: {phase: Completed, startedAt: "2030-01-01T00:00:00Z", finishedAt: "2030-01-01T00:00:00Z"}
`;

const waiting = nodeOpRun('  nodeOp: d\n  notBefore: "2030-01-01T13:00:00Z"\n');

test('without git.signing such a report is believed', async () => {
  using it = new Signing();
  const plain = new RepositoryLoop({
    config: it.repository.config({}),
    store: it.store,
    logger: silent,
    now: () => it.now,
  });
  await plain.pollNow();
  it.repository.push({ 'runs/a.yaml': nodeOp('a'), [REPORT]: forged('a') });
  await plain.pollNow();
  expect(it.started()).toEqual([]);
});

test('a report that somebody else wrote suppresses no run, whether the agent was there or comes later', async () => {
  using it = new Signing();
  const loop = it.agent();
  await loop.pollNow();
  it.repository.push({ 'runs/a.yaml': nodeOp('a'), [REPORT]: forged('a') });
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read(REPORT)).toContain('phase: Pending');
  expect(it.told()).toEqual([expect.stringContaining(REPORT)]);
  await loop.stop();

  it.repository.push({ 'runs/b.yaml': nodeOp('b'), 'results/b.yaml': forged('b') });
  rmSync(`${it.repository.root}/agent.git`, { recursive: true });
  const fresh = it.agent();
  await fresh.pollNow();
  await fresh.pollNow();
  await fresh.stop();
  expect(it.started()).toEqual(['a', 'b']);
  expect(it.told()).toHaveLength(2);
});

test('of a run that waits the agent says again what it said, and begins it when it is time', async () => {
  using it = new Signing();
  const loop = it.agent();
  await loop.pollNow();
  it.repository.push({ 'runs/a.yaml': waiting });
  await loop.pollNow();
  const said = it.repository.read(REPORT);
  expect(said).toContain('reason: NotBefore');
  it.repository.pull();
  it.repository.push({ [REPORT]: forged('a') });
  await loop.pollNow();
  expect(it.repository.read(REPORT)).toBe(said);
  it.now = new Date('2030-01-01T13:30:00Z');
  await loop.pollNow();
  expect(it.started()).toHaveLength(1);
});

test.each(['edited', 'removed', 'taken back'])(
  'a result that was %s is put back, and its run is not carried out again',
  async (how) => {
    using it = new Signing();
    const loop = it.agent();
    await loop.pollNow();
    it.repository.push({ 'runs/a.yaml': nodeOp('a') });
    await loop.pollNow();
    const pending = it.repository.read(REPORT) ?? '';
    it.store.finish('Completed');
    await loop.pollNow();
    const result = it.repository.read(REPORT) ?? '';
    expect(result).toContain('phase: Completed');
    await loop.pollNow();
    it.store.objects.clear();
    it.repository.pull();
    const edit = result.replace('phase: Completed', 'phase: Invalid').replace(/ {2}blob: .*/, '  blob: "1"');
    if (how === 'removed') it.repository.remove(REPORT);
    else it.repository.push({ [REPORT]: how === 'edited' ? edit : pending });
    await loop.pollNow();
    expect(it.repository.read(REPORT)).toBe(result);
    await loop.stop();
    const fresh = it.agent();
    await fresh.pollNow();
    await fresh.stop();
    expect(it.repository.read(REPORT)).toBe(result);
    expect(it.store.creations).toBe(1);
    expect(it.told()).toHaveLength(1);
  },
);

test('neither may others take a run off, or put one on, the list of those that are passed over', async () => {
  using it = new Signing();
  it.repository.push({ 'runs/old.yaml': nodeOp('old') });
  const loop = it.agent();
  await loop.pollNow();
  await loop.pollNow();
  const file = 'results/.baseline.yaml';
  const said = it.repository.read(file) ?? '';
  expect(said).toContain('runs/old.yaml');
  it.repository.pull();
  it.repository.push({ 'runs/a.yaml': nodeOp('a'), [file]: said.replace('runs/old.yaml', 'runs/a.yaml') });
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read(file)).toBe(said);
  it.repository.pull();
  it.repository.push({ [file]: '{' });
  await loop.pollNow();
  expect(it.repository.read(file)).toBe(said);
  await loop.stop();
});

test('what is there when signing begins, or the key changes, is believed', async () => {
  using it = new Signing();
  const config = it.repository.config({});
  const before = new RepositoryLoop({ config, store: it.store, logger: silent, now: () => it.now });
  await before.pollNow();
  const late = nodeOpRun('  nodeOp: d\n  notAfter: "2030-01-01T12:00:00Z"\n');
  it.repository.push({ 'runs/a.yaml': late, 'runs/b.yaml': nodeOp('b') });
  await before.pollNow();
  it.store.finish('Completed');
  await before.pollNow();
  await before.stop();
  it.store.objects.clear();
  // It would be valid now, and never had a NodeOp.
  it.now = new Date('2030-01-01T11:00:00Z');
  const reports = () => [it.repository.read(REPORT), it.repository.read('results/b.yaml')];
  const said = reports();
  expect(said[0]).toContain('reason: TooLate');
  const other = sshKey(it.repository, 'other');
  for (const { file } of [it.robot, other]) {
    const loop = it.agent({ sshKeyFile: file });
    await loop.pollNow();
    await loop.pollNow();
    await loop.stop();
  }
  expect(reports()).toEqual(said);
  expect(it.store.creations).toBe(1);
  expect(it.told()).toEqual([]);
});

test('another agent that is allowed is believed, by an ssh key or an OpenPGP key', async () => {
  using it = new Signing();
  using keys = new GpgKeys();
  const other = sshKey(it.repository, 'other');
  const own = keys.make('agent');
  const allowedSignersFile = writeKeys(it.repository, 'allowed', other.allowed);
  const friend = keys.make('friend');
  const signing = { gpgKeyFile: own.secretFile, allowedSignersFile, keyringFile: friend.publicFile };
  const loop = it.agent(signing);
  await loop.pollNow();
  signAs(it.repository, other.file);
  it.repository.push({ 'runs/a.yaml': nodeOp('a'), [REPORT]: forged('a') });
  await loop.pollNow();
  expect(it.started()).toEqual([]);
  expect(it.told()).toEqual([]);
  signAs(it.repository);
  it.repository.push({ 'runs/b.yaml': nodeOp('b'), 'results/b.yaml': forged('b') });
  await loop.pollNow();
  await loop.stop();
  expect(it.started()).toEqual(['b']);
  // Its own reports carry a signature that counts.
  const again = it.agent(signing);
  await again.pollNow();
  await again.stop();
  expect(it.told()).toHaveLength(1);
});

test('what other clusters write beside it is theirs', async () => {
  using it = new Signing();
  const loop = it.agent();
  await loop.pollNow();
  it.repository.push({ 'results/berlin/a.yaml': forged('a'), 'results/notes.txt': 'note\n' });
  await loop.pollNow();
  await loop.pollNow();
  const edited = forged('a').replace('Completed', 'Failed');
  it.repository.push({ 'results/berlin/a.yaml': edited, 'results/notes.txt': 'other\n' });
  await loop.pollNow();
  await loop.stop();
  expect(it.repository.read('results/berlin/a.yaml')).toBe(edited);
  expect(it.repository.read('results/notes.txt')).toBe('other\n');
});

test('without its key the agent starts nothing, and people can still stop what is under way', async () => {
  using it = new Signing();
  const allowedSignersFile = writeKeys(it.repository, 'allowed', '# nobody else\n');
  const passphraseFile = secretFile(it.repository, 'passphrase', 'correct horse\n');
  const loop = it.agent({ sshKeyFile: it.locked.file, passphraseFile, allowedSignersFile });
  await loop.pollNow();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  rmSync(allowedSignersFile);
  it.repository.remove('runs/a.yaml');
  it.repository.push({ 'runs/b.yaml': nodeOp('b'), 'results/b.yaml': forged('b') });
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.store.list()[0]?.metadata.annotations).toHaveProperty([ANNOTATION_CANCEL]);
  writeFileSync(allowedSignersFile, '# nobody else\n');
  await loop.pollNow();
  await loop.stop();
  expect(it.started()).toEqual(['a', 'b']);
});
