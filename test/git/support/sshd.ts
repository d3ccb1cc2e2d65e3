import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export const SSHD = '/usr/sbin/sshd';

/** What OpenSSH's server needs to be started with a host key of its own, open for some keys, in one folder. */
export class SshServer {
  readonly port: number;
  readonly #folder: string;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  makeKey(name: string, passphrase = ''): void {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', this.file(name)]);
  }

  publicKey(name: string): string {
    return readFileSync(this.file(`${name}.pub`), 'utf8');
  }

  /** @param authorized names of keys @returns the arguments of sshd */
  configure(authorized: readonly string[]): string[] {
    this.makeKey('host');
    writeFileSync(this.file('authorized'), authorized.map((name) => this.publicKey(name)).join(''));
    const settings = [
      `Port ${this.port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${this.file('host')}`,
      `AuthorizedKeysFile ${this.file('authorized')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'PidFile none',
      // What the shell of this machine's user reads at its start is none of these tests' business.
      `SetEnv HOME=${this.#folder}`,
    ];
    writeFileSync(this.file('sshd_config'), `${settings.join('\n')}\n`);
    // Where a privileged sshd locks itself in before a key is accepted.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    return ['-D', '-e', '-f', this.file('sshd_config')];
  }

  /** A file of known hosts that has the key of that name for the port. */
  knownHosts(name: string, port = this.port): string {
    const file = this.file(`known_${name}`);
    writeFileSync(file, `[127.0.0.1]:${port} ${this.publicKey(name)}`);
    return file;
  }

  url(path: string, port = this.port): string {
    return `ssh://${userInfo().username}@127.0.0.1:${port}${path}`;
  }
}
