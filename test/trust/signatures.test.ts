import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidError, TransientError } from '../../src/api/errors.ts';
import type { GitVerify } from '../../src/api/git-trust.ts';
import { GitCommand } from '../../src/git/command.ts';
import { checkSignatures } from '../../src/git/signatures.ts';
import { TestRepository } from '../runs/support.ts';
import { GpgKeys, sshKey, writeKeys } from './support.ts';

/** Commits signed in every way, and the files with keys. */
class Commits implements Disposable {
  readonly repository = new TestRepository();
  readonly keys = new GpgKeys();
  readonly ids = new Map<string, string>();
  readonly allowedSignersFile: string;
  readonly keyringFile: string;

  constructor() {
    const { repository, keys } = this;
    const ada = sshKey(repository, 'ada');
    const eve = sshKey(repository, 'eve');
    this.allowedSignersFile = writeKeys(repository, 'allowed', ada.allowed);
    this.commit('unsigned');
    this.commit('ssh', '-c', 'gpg.format=ssh', '-c', `user.signingKey=${ada.file}`);
    this.commit('ssh of a stranger', '-c', 'gpg.format=ssh', '-c', `user.signingKey=${eve.file}`);
    const bob = keys.make('bob');
    const mallory = keys.make('mallory');
    const past = keys.make('past', { expires: '2020-02-01', at: '20200101T000000' });
    this.keyringFile = writeKeys(
      repository,
      'keyring',
      keys.gpg('--armor', '--export', bob.fingerprint, past.fingerprint),
    );
    this.commit('gpg', '-c', `user.signingKey=${bob.fingerprint}`);
    this.commit('gpg of a stranger', '-c', `user.signingKey=${mallory.fingerprint}`);
    const faked = writeKeys(
      repository,
      'gpg-in-the-past',
      '#!/bin/sh\nexec gpg --faked-system-time 20200115T000000 "$@"\n',
    );
    execFileSync('chmod', ['+x', faked]);
    const expired = ['-c', `gpg.program=${faked}`, '-c', `user.signingKey=${past.fingerprint}`];
    this.commit('gpg of an expired key', ...expired);
    for (const name of ['ssh', 'gpg']) this.forge(`altered ${name}`, name, (it) => `${it}altered\n`);
    const garbage = 'gpgsig -----BEGIN NONSENSE-----\n -----END NONSENSE-----\n\n';
    this.forge('nonsense', 'unsigned', (it) => it.replace('\n\n', `\n${garbage}`));
    const junk = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n';
    this.forge('junk', 'unsigned', (it) => it.replace('\n\n', `\n${junk}`));
    this.forge('ssh for other ids', 'ssh', (it) => it.replace('\ngpgsig ', '\ngpgsig-sha256 '));
    this.forge('words of a signature', 'unsigned', (it) => `${it}\ngpgsig -----BEGIN SSH SIGNATURE-----\n`);
  }

  /** Verdicts by name of the commit. */
  async check(verify: GitVerify, options: { env?: NodeJS.ProcessEnv; only?: string } = {}) {
    const { env = process.env, only } = options;
    const git = new GitCommand({ dir: this.repository.clone, timeoutMs: 60_000, env });
    const ids =
      only === undefined
        ? [...this.ids.keys()]
        : [...this.ids].flatMap(([id, it]) => (it === only ? id : []));
    const found = await checkSignatures(git, ids, verify);
    return Object.fromEntries(
      [...found].map(([id, it]) => [this.ids.get(id), it.ok ? `ok: ${it.signer}` : it.reason]),
    );
  }

  private commit(name: string, ...settings: string[]): void {
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', GNUPGHOME: this.keys.home };
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
    const sign = settings.length > 0 ? ['-S'] : [];
    const args = [...who, ...settings, 'commit', '-q', '--allow-empty', '-m', name, ...sign];
    execFileSync('git', args, { cwd: this.repository.clone, env, stdio: 'pipe' });
    this.ids.set(this.repository.git(this.repository.clone, 'rev-parse', 'HEAD').trim(), name);
  }

  /** The raw text of a commit, changed. */
  private forge(name: string, of: string, change: (text: string) => string): void {
    const { clone } = this.repository;
    const [id = ''] = [...this.ids].find(([, it]) => it === of) ?? [];
    const text = this.repository.git(clone, 'cat-file', 'commit', id);
    const args = ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'];
    const forged = execFileSync('git', args, { cwd: clone, input: change(text), encoding: 'utf8' }).trim();
    this.ids.set(forged, name);
  }

  [Symbol.dispose](): void {
    this.keys[Symbol.dispose]();
    this.repository[Symbol.dispose]();
  }
}

describe('signatures of commits', () => {
  let commits: Commits;
  beforeAll(() => {
    commits = new Commits();
  });
  afterAll(() => commits[Symbol.dispose]());

  test('only those of the given keys count', async () => {
    const { allowedSignersFile, keyringFile } = commits;
    const key = (name: string) => expect.stringMatching(name);
    expect(await commits.check({ allowedSignersFile, keyringFile })).toEqual({
      unsigned: 'is not signed',
      'words of a signature': 'is not signed',
      ssh: key('^ok: ada@example.org SHA256:'),
      'ssh of a stranger': key('^is signed by a key that is not allowed: SHA256:'),
      gpg: key('^ok: bob <bob@example.org> [0-9A-F]{40}$'),
      'gpg of a stranger': key('^is signed by a key that is not allowed: [0-9A-F]+$'),
      'gpg of an expired key': key('^is signed by a key that has expired: past'),
      'altered ssh': 'has a signature that is not of this commit',
      'altered gpg': key('^has a signature that is not of this commit'),
      junk: 'has a signature that cannot be read',
      'ssh for other ids': 'is not signed',
      nonsense: 'is signed in a way that is not supported',
    });
  });

  test('a kind of key that is not configured is told', async () => {
    const { allowedSignersFile, keyringFile } = commits;
    expect(await commits.check({ allowedSignersFile })).toMatchObject({
      ssh: expect.stringMatching(/^ok/),
      gpg: 'is signed with an OpenPGP key, and git.verify names no keyringFile',
    });
    expect(await commits.check({ keyringFile })).toMatchObject({
      gpg: expect.stringMatching(/^ok/),
      ssh: 'is signed with an ssh key, and git.verify names no allowedSignersFile',
    });
  });

  test('files that cannot be used are named', async () => {
    const { allowedSignersFile, keyringFile } = commits;
    const missing = '/nonexistent/keys';
    await expect(commits.check({ allowedSignersFile: missing })).rejects.toThrow(
      new InvalidError(`git.verify.allowedSignersFile: cannot read ${missing}: ENOENT`),
    );
    await expect(commits.check({ keyringFile: missing })).rejects.toThrow(
      new InvalidError(`git.verify.keyringFile: cannot read ${missing}: ENOENT`),
    );
    await expect(commits.check({ keyringFile: allowedSignersFile })).rejects.toThrow(
      /git\.verify\.keyringFile: gpg takes no key from/,
    );
    expect(keyringFile).not.toBe(allowedSignersFile);
  });

  test('without the program that checks it, a signature is neither good nor bad', async () => {
    const bin = writeKeys(commits.repository, 'bin/.keep', '').replace('/.keep', '');
    execFileSync('ln', [
      '-s',
      execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(),
      `${bin}/git`,
    ]);
    const { allowedSignersFile } = commits;
    const check = commits.check({ allowedSignersFile }, { env: { PATH: bin }, only: 'ssh' });
    await expect(check).rejects.toThrow(TransientError);
    await expect(check).rejects.toThrow('could not be checked');
  });
});
