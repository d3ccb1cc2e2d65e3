import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { GpgKeys, sshKey, writeKeys } from './support.ts';

/** People and agents who sign with OpenPGP keys, by the real gpg. */
class OpenPgp implements Disposable {
  readonly repository = new TestRepository();
  readonly keys = new GpgKeys();
  readonly store = new MemoryStore();
  readonly warnings: string[] = [];

  keyring(name: string, ...fingerprints: string[]): string {
    return writeKeys(this.repository, name, this.keys.gpg('--armor', '--export', ...fingerprints));
  }

  agent(git: object): RepositoryLoop {
    const warn = (fields: object, message: string) =>
      this.warnings.push(`${message} ${JSON.stringify(fields)}`);
    const logger = { ...silent, child: () => logger, warn };
    const config = this.repository.config({ git, runs: { initial: 'execute', maxConcurrent: 9 } });
    return new RepositoryLoop({ config, store: this.store, logger });
  }

  started(): string[] {
    return this.store.list().map((it) => it.metadata.name ?? '');
  }

  [Symbol.dispose](): void {
    this.keys[Symbol.dispose]();
    this.repository[Symbol.dispose]();
  }
}

test('a revoked key lets nothing start any more, whenever it signed', async () => {
  using it = new OpenPgp();
  const bob = it.keys.make('bob');
  const eve = it.keys.make('eve');
  const keyringFile = it.keyring('keyring', bob.fingerprint);
  const loop = it.agent({ verify: { keyringFile } });
  it.keys.signAs(it.repository, bob.fingerprint);
  it.repository.push({ 'runs/a.yaml': nodeOp('a') });
  it.keys.signAs(it.repository, eve.fingerprint);
  it.repository.push({ 'runs/e.yaml': nodeOp('e') });
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read('results/a.yaml')).toContain(`signer: bob <bob@example.org> ${bob.fingerprint}`);
  expect(it.repository.read('results/e.yaml')).toContain('is signed by a key that is not allowed');

  // Signed before, and not looked at before.
  it.keys.signAs(it.repository, bob.fingerprint);
  it.repository.push({ 'runs/b.yaml': nodeOp('b') });
  it.keys.revoke(bob.fingerprint);
  writeFileSync(keyringFile, it.keys.gpg('--armor', '--export', bob.fingerprint));
  await loop.pollNow();
  expect(it.started()).toEqual(['a']);
  expect(it.repository.read('results/b.yaml')).toContain('is signed by a key that was revoked: bob');
  await loop.stop();

  // A fresh agent says the same.
  const fresh = it.agent({ verify: { keyringFile } });
  await fresh.pollNow();
  await fresh.stop();
  expect(it.started()).toEqual(['a']);
});

const report = (name: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: ${name}}
run: {path: runs/${name}.yaml}
nodeOp: {namespace: default, name: ${name}, uid: uid-77}
status: {phase: Completed, startedAt: "2030-01-01T00:00:00Z", finishedAt: "2030-01-01T00:00:00Z"}
`;

test('reports of another agent count while its OpenPGP key is named, and not after it was revoked', async () => {
  using it = new OpenPgp();
  const friend = it.keys.make('friend');
  const stranger = it.keys.make('stranger');
  const keyringFile = it.keyring('agents', friend.fingerprint);
  const robot = sshKey(it.repository, 'robot');
  it.repository.push({ 'README.md': 'x' });
  const loop = it.agent({ signing: { sshKeyFile: robot.file, keyringFile } });
  await loop.pollNow();
  const say = (name: string, fingerprint: string) => {
    it.keys.signAs(it.repository, fingerprint);
    it.repository.push({ [`runs/${name}.yaml`]: nodeOp(name), [`results/${name}.yaml`]: report(name) });
  };
  say('a', friend.fingerprint);
  await loop.pollNow();
  expect(it.started()).toEqual([]);
  say('b', stranger.fingerprint);
  await loop.pollNow();
  expect(it.started()).toEqual(['b']);
  // Signed before, and not looked at before.
  say('c', friend.fingerprint);
  it.keys.revoke(friend.fingerprint);
  writeFileSync(keyringFile, it.keys.gpg('--armor', '--export', friend.fingerprint));
  await loop.pollNow();
  expect(it.started()).toEqual(['b', 'c']);
  await loop.stop();
});
