import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestRepository } from '../runs/support.ts';

/** A pair of ssh keys in the repository's folder, and its line for a file of allowed signers. */
export function sshKey({ root }: TestRepository, name: string, passphrase = '') {
  const file = join(root, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file]);
  const [type, key] = readFileSync(`${file}.pub`, 'utf8').split(' ');
  return { file, allowed: `${name}@example.org namespaces="git" ${type} ${key}\n` };
}

/** OpenPGP keys in a home folder of their own, whose agent goes away with `dispose`. */
export class GpgKeys implements Disposable {
  // The path of a socket in it may not be long.
  readonly home = mkdtempSync(join(tmpdir(), 'gpg-'));

  /** @param expires as gpg has it, from `at` (`20200101T000000`) on */
  make(name: string, { passphrase = '', expires = 'never', at }: Record<string, string | undefined> = {}) {
    const back = at === undefined ? [] : ['--faked-system-time', at];
    const user = `${name} <${name}@example.org>`;
    const secret = ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
    this.gpg(...back, ...secret, '--quick-generate-key', user, 'ed25519', 'sign', expires);
    const list = this.gpg('--list-keys', '--with-colons', `=${user}`);
    const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(list)?.[1] ?? '';
    const file = (suffix: string, text: string) => {
      writeFileSync(join(this.home, name + suffix), text);
      return join(this.home, name + suffix);
    };
    return {
      fingerprint,
      publicFile: file('.asc', this.gpg('--armor', '--export', fingerprint)),
      secretFile: file('.secret', this.gpg('--armor', ...secret, '--export-secret-keys', fingerprint)),
    };
  }

  gpg(...args: string[]): string {
    const env = { PATH: process.env['PATH'], GNUPGHOME: this.home };
    return execFileSync('gpg', ['--batch', '--quiet', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
  }

  [Symbol.dispose](): void {
    execFileSync('gpgconf', ['--homedir', this.home, '--kill', 'all'], { stdio: 'ignore' });
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** From now on people sign what they commit with this ssh key; without one they do not. */
export function signAs(repository: TestRepository, file?: string): void {
  const set = (key: string, value: string) => repository.git(repository.clone, 'config', key, value);
  set('commit.gpgSign', String(file !== undefined));
  if (file === undefined) return;
  set('gpg.format', 'ssh');
  set('user.signingKey', file);
}

/** A file in the repository's folder; gives its path. */
export function writeKeys({ root }: TestRepository, name: string, text: string): string {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
