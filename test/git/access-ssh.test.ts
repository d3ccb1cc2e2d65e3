import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestRepository } from '../runs/support.ts';
import { branchWith, secretFile, writeOne } from './support/mirror.ts';
import { freePort } from '../support/free-port.ts';

const SSHD = '/usr/sbin/sshd';
const PASSPHRASE = 'correct horse';
const missing = existsSync(SSHD) ? '' : ` (skipped: ${SSHD} is not installed)`;

/** OpenSSH's server with a host key of its own, open for the keys `plain` and `locked`. */
async function startSshd(repository: TestRepository) {
  const file = (name: string) => join(repository.root, name);
  const makeKey = (name: string, passphrase = '') =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file(name)]);
  makeKey('host');
  makeKey('stranger');
  makeKey('plain');
  makeKey('locked', PASSPHRASE);
  const publicKey = (name: string) => readFileSync(file(`${name}.pub`), 'utf8');
  writeFileSync(file('authorized'), publicKey('plain') + publicKey('locked'));
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'StrictModes no',
    'PidFile none',
  ];
  writeFileSync(file('sshd_config'), `${settings.join('\n')}\n`);
  // Where a privileged sshd locks itself in before a key is accepted.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const server = spawn(SSHD, ['-D', '-e', '-f', file('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.on('exit', () => reject(new Error(log)));
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Server listening')) resolve();
    });
  });
  server.removeAllListeners('exit');
  const hosts = (name: string) => {
    writeFileSync(file(`known_${name}`), `[127.0.0.1]:${port} ${publicKey(name)}`);
    return file(`known_${name}`);
  };
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${repository.bare}`,
    knownHostsFile: hosts('host'),
    wrongHostsFile: hosts('stranger'),
    plain: file('plain'),
    locked: file('locked'),
    stranger: file('stranger'),
    async [Symbol.asyncDispose]() {
      const over = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await over;
    },
  };
}

test.skipIf(missing !== '')(
  `ssh with a key, and with a passphrase, to known hosts only${missing}`,
  async () => {
    using repository = new TestRepository();
    repository.push({ 'README.md': 'x' });
    await using sshd = await startSshd(repository);
    const { url, knownHostsFile } = sshd;
    const open = (ssh: object) => branchWith(repository, { url, access: { ssh } });
    const passphraseFile = secretFile(repository, 'passphrase', `${PASSPHRASE}\n`);

    for (const [name, ssh] of Object.entries({
      plain: { keyFile: sshd.plain, knownHostsFile },
      locked: { keyFile: sshd.locked, knownHostsFile, passphraseFile },
    })) {
      const mirror = open(ssh);
      await mirror.fetch();
      await writeOne(mirror, `results/${name}.yaml`);
      expect(repository.read(`results/${name}.yaml`)).toBe(`results/${name}.yaml\n`);
    }

    const wrong = secretFile(repository, 'wrong', 'battery staple');
    const refused = await open({ keyFile: sshd.locked, knownHostsFile, passphraseFile: wrong })
      .fetch()
      .then(String, (error: Error) => error.message);
    expect(refused).toMatch(/incorrect passphrase|Permission denied/);
    expect(refused).not.toContain('battery staple');
    await expect(open({ keyFile: sshd.stranger, knownHostsFile }).fetch()).rejects.toThrow(
      /Permission denied/,
    );
    const unknown = { keyFile: sshd.plain, knownHostsFile: sshd.wrongHostsFile };
    await expect(open(unknown).fetch()).rejects.toThrow(/Host key verification failed/);
    await expect(open({ keyFile: '/nowhere', knownHostsFile }).fetch()).rejects.toThrow(
      'git.access.ssh.keyFile: cannot read /nowhere: ENOENT',
    );
  },
);
