import { z } from 'zod';
import { file, object, type Problem } from './schema.ts';

/** Whose signatures a run needs to be carried out. */
export const GitVerify = object({
  allowedSignersFile: file(
    'ssh keys whose signatures count, in the format of ssh-keygen(1), ALLOWED SIGNERS.',
  ).optional(),
  keyringFile: file('OpenPGP public keys whose signatures count.').optional(),
  revocationFile: file(
    'ssh keys that count no more, whatever the date of the commit: public keys, one a line, or a KRL.',
  ).optional(),
  repository: z
    .string()
    .regex(/^[^\s\p{C}]{1,200}$/u, 'expected a name without blanks, such as "platform/node-operations"')
    .optional()
    .describe(
      'Name that the file .nodeop/repository has to hold in every signed commit that counts: one of another repository is of no use here.',
    ),
  everyCommitSince: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'expected the whole id of a commit')
    .optional()
    .describe('No run starts unless every commit after this one is signed as well.'),
});
export type GitVerify = z.infer<typeof GitVerify>;

/** The key of the agent's own commits. */
export const GitSigning = object({
  sshKeyFile: file('ssh private key.').optional(),
  gpgKeyFile: file('OpenPGP secret key, of which the first one that can sign is used.').optional(),
  passphraseFile: file('Passphrase of the key.').optional(),
  allowedSignersFile: file(
    'ssh keys whose reports are believed beside those of the key itself, in the format of ssh-keygen(1), ALLOWED SIGNERS.',
  ).optional(),
  keyringFile: file(
    'OpenPGP public keys whose reports are believed beside those of the key itself.',
  ).optional(),
});
export type GitSigning = z.infer<typeof GitSigning>;

/** What is wrong with the two together; paths begin in `git`. */
export function trustFlaws(git: {
  verify?: GitVerify | undefined;
  signing?: GitSigning | undefined;
  results?: unknown;
}): Problem[] {
  const { verify, signing, results } = git;
  const flaws: Problem[] = [];
  if (verify && verify.allowedSignersFile === undefined && verify.keyringFile === undefined) {
    flaws.push({ path: ['verify'], message: 'needs allowedSignersFile, keyringFile, or both' });
  }
  if (verify?.revocationFile !== undefined && verify.allowedSignersFile === undefined) {
    const message =
      'is for ssh keys, of which allowedSignersFile names none; revoke OpenPGP keys in the keyring';
    flaws.push({ path: ['verify', 'revocationFile'], message });
  }
  if (verify?.everyCommitSince !== undefined && !signing && results === undefined) {
    const message = 'needs git.signing or git.results: the reports are commits of the branch, too';
    flaws.push({ path: ['verify', 'everyCommitSince'], message });
  }
  const { sshKeyFile, gpgKeyFile } = signing ?? {};
  if (signing && sshKeyFile === undefined && gpgKeyFile === undefined) {
    flaws.push({ path: ['signing'], message: 'needs sshKeyFile or gpgKeyFile' });
  }
  if (sshKeyFile !== undefined && gpgKeyFile !== undefined) {
    flaws.push({ path: ['signing', 'gpgKeyFile'], message: 'there is sshKeyFile already' });
  }
  return flaws;
}
