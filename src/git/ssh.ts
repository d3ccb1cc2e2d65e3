import type { GitAccess } from '../api/git-access.ts';
import { askpass } from './askpass.ts';
import { readNamed } from './credentials.ts';

/** Whatever is configured: only hosts that are known, and no question that nobody would answer. */
const ALWAYS = [
  'StrictHostKeyChecking=yes',
  'PasswordAuthentication=no',
  'KbdInteractiveAuthentication=no',
  'ConnectTimeout=30',
  'ServerAliveInterval=15',
];
const KEEP_SILENT = ['BatchMode=yes'];

/** The environment in which git uses ssh with the configured key; `dispose` takes away what was made for it. */
export async function sshEnvironment(
  ssh: GitAccess['ssh'],
  field: string,
): Promise<{ env: Record<string, string>; dispose: () => Promise<void> }> {
  if (!ssh)
    return { env: { GIT_SSH_COMMAND: command([...ALWAYS, ...KEEP_SILENT]) }, dispose: async () => {} };
  const { keyFile, knownHostsFile, passphraseFile } = ssh;
  await readNamed(`${field}.keyFile`, keyFile);
  await readNamed(`${field}.knownHostsFile`, knownHostsFile);
  const options = [
    `IdentityFile=${path(keyFile)}`,
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    `UserKnownHostsFile=${path(knownHostsFile)}`,
    'GlobalKnownHostsFile=none',
    ...ALWAYS,
  ];
  if (passphraseFile === undefined) {
    const silent = command([...options, ...KEEP_SILENT], ['-F', 'none']);
    return { env: { GIT_SSH_COMMAND: silent }, dispose: async () => {} };
  }
  const { env, dispose } = await askpass(`${field}.passphraseFile`, passphraseFile);
  const asking = command([...options, 'NumberOfPasswordPrompts=1'], ['-F', 'none']);
  return { env: { GIT_SSH_COMMAND: asking, ...env }, dispose };
}

function command(options: readonly string[], first: readonly string[] = []): string {
  const words = ['ssh', ...first, ...options.flatMap((it) => ['-o', it])];
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** A file name as ssh's configuration has it, where blanks part words and % begins a token. */
function path(file: string): string {
  return `"${file.replaceAll('%', '%%')}"`;
}
