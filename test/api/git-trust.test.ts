import { expect, test } from 'vitest';
import { AgentConfigSchema } from '../../src/api/config.ts';

const commit = 'a'.repeat(40);

test.each([
  [{ verify: { allowedSignersFile: '/keys' } }, []],
  [{ verify: { keyringFile: '/keys', everyCommitSince: commit }, signing: { gpgKeyFile: '/key' } }, []],
  [{ verify: { keyringFile: '/keys', everyCommitSince: commit }, results: { branch: 'results' } }, []],
  [{ signing: { sshKeyFile: '/key', passphraseFile: '/word' } }, []],
  [{ verify: {} }, ['git.verify: needs allowedSignersFile, keyringFile, or both']],
  [
    { verify: { allowedSignersFile: '/keys', everyCommitSince: commit } },
    [
      'git.verify.everyCommitSince: needs git.signing or git.results: the reports are commits of the branch, too',
    ],
  ],
  [
    { verify: { allowedSignersFile: '/keys', everyCommitSince: 'main' }, signing: { sshKeyFile: '/key' } },
    ['git.verify.everyCommitSince: expected the whole id of a commit'],
  ],
  [{ signing: {} }, ['git.signing: needs sshKeyFile or gpgKeyFile']],
  [
    { signing: { sshKeyFile: '/key', gpgKeyFile: '/key' } },
    ['git.signing.gpgKeyFile: there is sshKeyFile already'],
  ],
])('git %j: %j', (git, problems) => {
  const config = {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'AgentConfig',
    git: { url: '/srv/repository.git', ...git },
  };
  const parsed = AgentConfigSchema.safeParse(config);
  expect((parsed.error?.issues ?? []).map((it) => `${it.path.join('.')}: ${it.message}`)).toEqual(problems);
});
