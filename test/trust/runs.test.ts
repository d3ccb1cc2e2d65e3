import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from '../runs/support.ts';
import { sshKey, signAs, writeKeys } from './support.ts';

/** A repository whose people sign as ada unless told, and an agent that lets only her runs start. */
class Trusted implements Disposable {
  readonly repository = new TestRepository();
  readonly ada = sshKey(this.repository, 'ada');
  readonly eve = sshKey(this.repository, 'eve');
  readonly robot = sshKey(this.repository, 'robot');
  readonly allowedSignersFile = writeKeys(this.repository, 'allowed', this.ada.allowed);
  readonly store = new MemoryStore();
  readonly warnings: string[] = [];
  now = new Date('2030-01-01T12:30:00Z');

  constructor() {
    this.repository.date = '2030-01-01T12:00:00Z';
    signAs(this.repository, this.ada.file);
  }

  agent(git: object = {}): RepositoryLoop {
    const logger = { ...silent, child: () => logger, warn: this.warn };
    const verify = { allowedSignersFile: this.allowedSignersFile };
    const config = this.repository.config({
      git: { verify, ...git },
      runs: { initial: 'execute', maxConcurrent: 9 },
    });
    return new RepositoryLoop({ config, store: this.store, logger, now: () => this.now });
  }

  pushUnsigned(files: Record<string, string>): void {
    signAs(this.repository);
    this.repository.push(files);
    signAs(this.repository, this.ada.file);
  }

  started(): string[] {
    return this.store.list().map((it) => it.metadata.name ?? '');
  }

  private readonly warn = (fields: object, message: string) => {
    this.warnings.push(`${message} ${JSON.stringify(fields)}`);
  };

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

test('a signed run starts, and its report says who signed it', async () => {
  using it = new Trusted();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await it.agent().pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read('results/a.yaml')).toMatch(/signer: ada@example\.org SHA256:/);
});

test('a run without a signature that counts is refused by a report, and stops no other', async () => {
  using it = new Trusted();
  const loop = it.agent();
  it.pushUnsigned({ 'runs/a.yaml': nodeOp('a') });
  signAs(it.repository, it.eve.file);
  it.repository.push({ 'runs/b.yaml': nodeOp('b') });
  signAs(it.repository, it.ada.file);
  it.repository.push({ 'runs/c.yaml': nodeOp('c') });
  await loop.pollNow();
  expect(it.started()).toEqual(['c']);
  const a = it.repository.read('results/a.yaml') ?? '';
  expect(a).toContain('phase: Invalid');
  expect(a).toContain('reason: NotSigned');
  expect(a.replaceAll(/\s+/g, ' ')).toMatch(/commit [0-9a-f]{12} by Ada <ada@example.org> is not signed/);
  expect(it.repository.read('results/b.yaml')).toContain('is signed by a key that is not allowed');

  // An edit that is signed is another chance; a signed commit elsewhere is none.
  it.repository.push({ 'README.md': 'signed' });
  await loop.pollNow();
  expect(it.started()).toEqual(['c']);
  it.repository.push({ 'runs/a.yaml': `${nodeOp('a')}# looked at\n` });
  await loop.pollNow();
  expect(it.started()).toEqual(['c', 'a']);
});

test('an edit before the start has to be signed as well, and a signed merge vouches for nothing under it', async () => {
  using it = new Trusted();
  const { repository } = it;
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  it.pushUnsigned({ 'runs/a.yaml': nodeOp('a', '  cordon: true\n') });
  repository.git(repository.clone, 'checkout', '-q', '-b', 'branch');
  signAs(repository);
  repository.write({ 'runs/b.yaml': nodeOp('b') });
  repository.git(repository.clone, 'add', '-A');
  repository.git(repository.clone, 'commit', '-q', '-m', 'unsigned, under a signed merge');
  signAs(repository, it.ada.file);
  repository.git(repository.clone, 'checkout', '-q', 'main');
  repository.git(repository.clone, 'merge', '-q', '-S', '--no-ff', '-m', 'merge', 'branch');
  repository.git(repository.clone, 'push', '-q', 'origin', 'main');
  await it.agent().pollNow();
  expect(it.started()).toEqual([]);
  for (const name of ['a', 'b']) expect(repository.read(`results/${name}.yaml`)).toContain('NotSigned');
});

test('a signed run under an unsigned merge starts', async () => {
  using it = new Trusted();
  const { repository } = it;
  const loop = it.agent();
  repository.push({ 'README.md': 'hello' });
  await loop.pollNow();
  repository.git(repository.clone, 'checkout', '-q', '-b', 'branch');
  repository.write({ 'runs/a.yaml': nodeOp('a') });
  repository.git(repository.clone, 'add', '-A');
  repository.git(repository.clone, 'commit', '-q', '-m', 'signed');
  signAs(repository);
  repository.git(repository.clone, 'checkout', '-q', 'main');
  repository.pull();
  repository.git(repository.clone, 'merge', '-q', '--no-ff', '-m', 'merge', 'branch');
  repository.git(repository.clone, 'push', '-q', 'origin', 'main');
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
});

test('the definition has to be signed, and is another chance when it is', async () => {
  using it = new Trusted();
  const loop = it.agent();
  it.pushUnsigned({ 'nodeops/d.yaml': nodeOp('d') });
  it.repository.push({ 'runs/a.yaml': nodeOpRun('  nodeOp: d\n') });
  await loop.pollNow();
  expect(it.started()).toEqual([]);
  const report = it.repository.read('results/a.yaml') ?? '';
  expect(report).toContain('path: spec.nodeOp');
  expect(report.replaceAll(/\s+/g, ' ')).toContain('and it made definition "d" what it is');
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d', '  cordon: true\n') });
  await loop.pollNow();
  expect(it.started()).toHaveLength(1);
});

test('an unsigned edit of a run that goes on neither pauses nor resumes it; removing its file cancels it', async () => {
  using it = new Trusted();
  const loop = it.agent();
  const run = (suspend: boolean) => nodeOp('a', `  suspend: ${suspend}\n`);
  it.repository.push({ 'runs/a.yaml': run(true) });
  await loop.pollNow();
  it.pushUnsigned({ 'runs/a.yaml': run(false) });
  await loop.pollNow();
  expect(it.store.list()[0]?.spec.suspend).toBe(true);
  it.repository.push({ 'runs/a.yaml': `${run(false)}# signed\n` });
  await loop.pollNow();
  expect(it.store.list()[0]?.spec.suspend).toBe(false);
  signAs(it.repository);
  it.repository.remove('runs/a.yaml');
  await loop.pollNow();
  expect(it.store.list()[0]?.metadata.annotations).toHaveProperty([ANNOTATION_CANCEL]);
});

test('without its keys the agent starts nothing, and goes on with what runs', async () => {
  using it = new Trusted();
  const loop = it.agent();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  rmSync(it.allowedSignersFile);
  it.repository.push({ 'runs/b.yaml': nodeOp('b') });
  it.store.finish('Completed');
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read('results/a.yaml')).toContain('phase: Completed');
  expect(it.repository.read('results/b.yaml')).toMatch(/phase: Waiting\n {2}reason: SignaturesUnknown/);
  expect(it.warnings.join('\n')).toContain('git.verify.allowedSignersFile: cannot read');
  // A key that is withdrawn counts no more, one that is added does at once.
  writeFileSync(it.allowedSignersFile, it.ada.allowed);
  await loop.pollNow();
  expect(it.started()).toEqual(['a', 'b']);
});

test('a key that is withdrawn while a run waits lets it start no more', async () => {
  using it = new Trusted();
  const loop = it.agent();
  const waiting = nodeOpRun('  nodeOp: d\n  notBefore: "2030-01-01T13:00:00Z"\n');
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d'), 'runs/a.yaml': waiting });
  await loop.pollNow();
  expect(it.repository.read('results/a.yaml')).toMatch(/phase: Waiting\n {2}reason: NotBefore/);
  writeFileSync(it.allowedSignersFile, it.eve.allowed);
  it.now = new Date('2030-01-01T13:30:00Z');
  await loop.pollNow();
  expect(it.started()).toEqual([]);
  expect(it.repository.read('results/a.yaml')).toContain('NotSigned');
});

const nightly = `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
metadata: {name: nightly}
spec: {nodeOp: d, schedule: 0 22 * * *}
`;

test('a schedule adds runs when it is signed and the agent signs what it adds', async () => {
  using it = new Trusted();
  writeFileSync(it.allowedSignersFile, it.ada.allowed + it.robot.allowed);
  const loop = it.agent({ signing: { sshKeyFile: it.robot.file } });
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  it.pushUnsigned({ 'nodeops/nightly.yaml': nightly });
  it.now = new Date('2030-01-01T22:10:00Z');
  await loop.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300101T2200Z.yaml')).toBeUndefined();
  expect(it.warnings.join('\n')).toMatch(/schedule is not followed .*is not signed/);

  it.repository.push({ 'nodeops/nightly.yaml': `${nightly}# signed\n` });
  it.now = new Date('2030-01-02T22:10:00Z');
  await loop.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300102T2200Z.yaml')).toContain('nodeOp: d');
  expect(it.started()).toHaveLength(1);
  const [report] =
    it.repository
      .git(it.repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'results')
      .match(/results\/scheduled\/.*/) ?? [];
  expect(it.repository.read(report ?? '')).toContain('signer: robot@example.org');
});

test('with everyCommitSince one unsigned commit holds up all runs until people have looked at it', async () => {
  using it = new Trusted();
  const { repository } = it;
  writeFileSync(it.allowedSignersFile, it.ada.allowed + it.robot.allowed);
  const signing = { sshKeyFile: it.robot.file };
  const from = (everyCommitSince: string) => ({
    signing,
    verify: { allowedSignersFile: it.allowedSignersFile, everyCommitSince },
  });
  it.pushUnsigned({ 'README.md': 'before anybody signed' });
  const start = repository.git(repository.clone, 'rev-parse', 'HEAD').trim();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const loop = it.agent(from(start));
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);

  it.pushUnsigned({ 'README.md': 'unsigned' });
  const bad = repository.git(repository.bare, 'rev-parse', 'main').trim();
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  await loop.stop();
  expect(it.started()).toEqual(['a']);
  const report = repository.read('results/b.yaml')?.replaceAll(/\s+/g, ' ');
  expect(report).toContain(
    `commit ${bad.slice(0, 12)} by Ada <ada@example.org> is not signed, and every commit since`,
  );

  // A clone made anew comes to the same.
  rmSync(`${repository.root}/agent.git`, { recursive: true });
  repository.push({ 'runs/c.yaml': nodeOp('c') });
  const again = it.agent(from(start));
  await again.pollNow();
  await again.stop();
  expect(it.started()).toEqual(['a']);

  repository.push({ 'runs/d.yaml': nodeOp('d') });
  const later = it.agent(from(bad));
  await later.pollNow();
  expect(it.started()).toEqual(['a', 'd']);
});

test('a commit to begin with that does not exist starts nothing, and is told', async () => {
  using it = new Trusted();
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  const verify = { allowedSignersFile: it.allowedSignersFile, everyCommitSince: 'f'.repeat(40) };
  await it.agent({ verify, signing: { sshKeyFile: it.robot.file } }).pollNow();
  expect(it.started()).toEqual([]);
  expect(it.warnings.join('\n')).toContain('git.verify.everyCommitSince: the branch has no commit ffff');
});

test('a run file cannot claim a signature, nor a spec that nobody sees', async () => {
  using it = new Trusted();
  const claim = nodeOp('a').replace(
    'name: a',
    'name: a\n  annotations: {agent.nodeop.dev/executed-spec: "{}"}',
  );
  it.repository.push({ 'runs/a.yaml': claim });
  await it.agent().pollNow();
  expect(it.started()).toEqual([]);
  expect(it.repository.read('results/a.yaml')).toContain('is for the agent alone to write');
});

test('the signed runs of one push all start at the first look', async () => {
  using it = new Trusted();
  writeFileSync(it.allowedSignersFile, it.ada.allowed + it.robot.allowed);
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  const everyCommitSince = it.repository.git(it.repository.clone, 'rev-parse', 'HEAD').trim();
  const names = ['a', 'b', 'c', 'e', 'f', 'g'];
  const files = names.map((name) => [`runs/${name}.yaml`, nodeOpRun('  nodeOp: d\n')]);
  it.repository.push(Object.fromEntries(files));
  const verify = { allowedSignersFile: it.allowedSignersFile, everyCommitSince };
  await it.agent({ verify, signing: { sshKeyFile: it.robot.file } }).pollNow();
  expect(it.started()).toHaveLength(names.length);
  expect(it.warnings).toEqual([]);
});

test('an unsigned edit of the definition neither pauses nor resumes a run that goes on', async () => {
  using it = new Trusted();
  const loop = it.agent();
  const definition = (suspend: boolean) => nodeOp('d', `  suspend: ${suspend}\n`);
  it.repository.push({ 'nodeops/d.yaml': definition(true), 'runs/a.yaml': nodeOpRun('  nodeOp: d\n') });
  await loop.pollNow();
  await loop.pollNow();
  expect(it.store.list()[0]?.spec.suspend).toBe(true);
  it.pushUnsigned({ 'nodeops/d.yaml': definition(false) });
  await loop.pollNow();
  expect(it.store.list()[0]?.spec.suspend).toBe(true);
  it.repository.push({ 'nodeops/d.yaml': `${definition(false)}# signed\n` });
  await loop.pollNow();
  expect(it.store.list()[0]?.spec.suspend).toBe(false);
});

test.each(['runs/a.yaml', 'nodeops/d.yaml'])(
  '%s that its signer withdrew does not count when somebody puts it back, whoever looks',
  async (path) => {
    using it = new Trusted();
    const loop = it.agent();
    const waiting = nodeOpRun('  nodeOp: d\n  notBefore: "2030-01-01T13:00:00Z"\n');
    const files: Record<string, string> = { 'nodeops/d.yaml': nodeOp('d'), 'runs/a.yaml': waiting };
    it.repository.push(files);
    await loop.pollNow();
    it.repository.remove(path);
    it.pushUnsigned({ [path]: files[path] ?? '' });
    await loop.pollNow();
    it.now = new Date('2030-01-01T13:30:00Z');
    await loop.pollNow();
    expect(it.started()).toEqual([]);
    expect(it.repository.read('results/a.yaml')).toContain('NotSigned');
    await loop.stop();
    const fresh = it.agent();
    await fresh.pollNow();
    expect(it.started()).toEqual([]);
  },
);

test('a schedule that was taken away and put back as it was counts from then on, also for an agent that saw it before', async () => {
  using it = new Trusted();
  writeFileSync(it.allowedSignersFile, it.ada.allowed + it.robot.allowed);
  const loop = it.agent({ signing: { sshKeyFile: it.robot.file } });
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d'), 'nodeops/nightly.yaml': nightly });
  await loop.pollNow();
  it.repository.remove('nodeops/nightly.yaml');
  it.repository.date = '2030-01-01T22:05:00Z';
  it.repository.push({ 'nodeops/nightly.yaml': nightly });
  it.now = new Date('2030-01-01T22:10:00Z');
  await loop.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300101T2200Z.yaml')).toBeUndefined();
  it.now = new Date('2030-01-02T22:10:00Z');
  await loop.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300102T2200Z.yaml')).toContain('nodeOp: d');
});

test('a schedule counts from its signed commit on, whatever history somebody lays over it', async () => {
  using it = new Trusted();
  writeFileSync(it.allowedSignersFile, it.ada.allowed + it.robot.allowed);
  const loop = it.agent({ signing: { sshKeyFile: it.robot.file } });
  it.repository.push({ 'nodeops/d.yaml': nodeOp('d') });
  const old = it.repository.tip() ?? '';
  it.repository.date = '2030-01-01T22:05:00Z';
  it.repository.push({ 'nodeops/nightly.yaml': nightly });
  it.now = new Date('2030-01-01T22:10:00Z');
  await loop.pollNow();
  // By its first parents this merge added the schedule, long before anything was due.
  signAs(it.repository);
  it.repository.date = '2029-12-31T00:00:00Z';
  const { bare } = it.repository;
  const parents = ['-p', old, '-p', 'main', '-m', 'merge', 'main^{tree}'];
  it.repository.git(
    bare,
    'update-ref',
    'refs/heads/main',
    it.repository.git(bare, 'commit-tree', ...parents).trim(),
  );
  await loop.pollNow();
  await loop.stop();
  const anew = it.agent({ signing: { sshKeyFile: it.robot.file } });
  await anew.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300101T2200Z.yaml')).toBeUndefined();
  it.now = new Date('2030-01-02T22:10:00Z');
  await anew.pollNow();
  expect(it.repository.read('runs/scheduled/nightly-20300102T2200Z.yaml')).toContain('nodeOp: d');
  await anew.stop();
});

test('anybody may put hold.yaml there, and only who signs takes it away', async () => {
  using it = new Trusted();
  const agent = it.agent();
  it.pushUnsigned({ 'hold.yaml': 'reason: audit\n' });
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  await agent.pollNow();
  expect(it.started()).toEqual([]);
  signAs(it.repository);
  it.repository.remove('hold.yaml');
  signAs(it.repository, it.ada.file);
  await agent.pollNow();
  expect(it.started()).toEqual([]);
  expect(it.repository.read('results/a.yaml')).toMatch(/is not signed, and it removed the\s+file/);
  await agent.stop();
  // Neither does an agent let go that knows nothing of before.
  rmSync(`${it.repository.root}/agent.git`, { recursive: true });
  const anew = it.agent();
  await anew.pollNow();
  expect(it.started()).toEqual([]);
  it.pushUnsigned({ 'hold.yaml': '' });
  it.repository.remove('hold.yaml');
  await anew.pollNow();
  expect(it.started()).toEqual(['a']);
  await anew.stop();
});

test.each(['the agent goes on', 'the agent starts anew, without its clone'])(
  'a force-push that takes hold.yaml away lets nothing go, whatever was signed before it (%s)',
  async (how) => {
    using it = new Trusted();
    const { repository } = it;
    const first = it.agent();
    repository.push({ 'hold.yaml': 'reason: the first\n' });
    repository.remove('hold.yaml');
    await first.pollNow();
    const free = repository.git(repository.bare, 'rev-parse', 'main').trim();
    it.pushUnsigned({ 'hold.yaml': 'reason: audit\n' });
    await first.pollNow();
    if (how !== 'the agent goes on') {
      await first.stop();
      rmSync(`${repository.root}/agent.git`, { recursive: true });
    }
    repository.git(repository.bare, 'update-ref', 'refs/heads/main', free);
    repository.git(repository.clone, 'fetch', '-q', 'origin');
    repository.git(repository.clone, 'reset', '-q', '--hard', 'origin/main');
    repository.push({ README: 'operations' });
    const agent = how === 'the agent goes on' ? first : it.agent({ rewindGrace: '0s' });
    await agent.pollNow();
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    await agent.pollNow();
    expect(it.started()).toEqual([]);
    expect(repository.read('results/a.yaml')).toContain('history that was rewritten');
    repository.push({ 'hold.yaml': '' });
    await agent.pollNow();
    repository.remove('hold.yaml');
    await agent.pollNow();
    expect(it.started()).toEqual(['a']);
    await agent.stop();
  },
);
