import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TestRepository } from '../runs/support.ts';
import { branchWith, secretFile, writeOne } from './support/mirror.ts';
import { SSHD, SshServer } from './support/sshd.ts';
import { freePort } from '../support/free-port.ts';

const PASSPHRASE = 'correct horse';
const missing = existsSync(SSHD) ? '' : ` (skipped: ${SSHD} is not installed)`;

/** OpenSSH's server, open for the keys `plain` and `locked`. */
async function startSshd(repository: TestRepository) {
  const ssh = new SshServer(repository.root, await freePort());
  ssh.makeKey('stranger');
  ssh.makeKey('plain');
  ssh.makeKey('locked', PASSPHRASE);
  const server = spawn(SSHD, ssh.configure(['plain', 'locked']), { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.on('exit', () => reject(new Error(log)));
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Server listening')) resolve();
    });
  });
  server.removeAllListeners('exit');
  return {
    url: ssh.url(repository.bare),
    knownHostsFile: ssh.knownHosts('host'),
    wrongHostsFile: ssh.knownHosts('stranger'),
    plain: ssh.file('plain'),
    locked: ssh.file('locked'),
    stranger: ssh.file('stranger'),
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
