import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestRepository } from '../runs/support.ts';

/** To make a key takes a process; a test that asks for one by the same name as another gets the same. */
const made = new Map<string, { secret: string; open: string }>();

/** A pair of ssh keys in the repository's folder, and its line for a file of allowed signers. */
export function sshKey({ root }: TestRepository, name: string, passphrase = '') {
  const file = join(root, name);
  const known = made.get(`${name}\0${passphrase}`);
  if (known) {
    writeFileSync(file, known.secret, { mode: 0o600 });
    writeFileSync(`${file}.pub`, known.open);
  } else {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file]);
    const [secret, open] = [file, `${file}.pub`].map((it) => readFileSync(it, 'utf8'));
    made.set(`${name}\0${passphrase}`, { secret: secret ?? '', open: open ?? '' });
  }
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

  /** Revokes a key, as its owner does by the certificate that gpg makes along with it. */
  revoke(fingerprint: string): void {
    const file = join(this.home, 'openpgp-revocs.d', `${fingerprint}.rev`);
    // Nobody imports it by mistake: a colon stands before its first line.
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^:-----BEGIN/m, '-----BEGIN'));
    this.gpg('--import', file);
  }

  /** From now on people sign what they commit with this key. */
  signAs(repository: TestRepository, fingerprint: string): void {
    const program = writeKeys(repository, 'gpg', `#!/bin/sh\nGNUPGHOME='${this.home}' exec gpg "$@"\n`);
    chmodSync(program, 0o755);
    const settings = { 'commit.gpgSign': 'true', 'gpg.format': 'openpgp', 'gpg.program': program };
    for (const [key, value] of Object.entries({ ...settings, 'user.signingKey': fingerprint })) {
      repository.git(repository.clone, 'config', key, value);
    }
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
  const ssh = ['commit.gpgSign=true', 'gpg.format=ssh', `user.signingKey=${file}`];
  repository.settings = file === undefined ? [] : ssh;
}

/** A file in the repository's folder; gives its path. */
export function writeKeys({ root }: TestRepository, name: string, text: string): string {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
