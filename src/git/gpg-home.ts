import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidError } from '../api/errors.ts';
import { readNamed } from './credentials.ts';

const run = promisify(execFile);

/** Whatever is configured: no question that nobody would answer, no key fetched from anywhere. */
const ALWAYS = ['batch', 'no-tty', 'no-auto-key-retrieve'];

export interface GpgHome {
  dir: string;
  dispose: () => Promise<void>;
}

/**
 * A home folder of GnuPG that holds the keys of one file and nothing of the user's own.
 * Throws InvalidError when the file cannot be read or holds no key, or GnuPG is not installed.
 * @param field where `file` stands in the configuration
 * @param options lines of `gpg.conf`
 */
export async function gpgHome(field: string, file: string, options: readonly string[]): Promise<GpgHome> {
  await readNamed(field, file);
  // The agent's socket lies in it, whose path may not be long.
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-gpg-'));
  const env = environment(dir);
  const dispose = async () => {
    // A secret key starts an agent, which would stay.
    await run('gpgconf', ['--kill', 'all'], { env }).catch(() => undefined);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await writeFile(join(dir, 'gpg.conf'), `${[...ALWAYS, ...options].join('\n')}\n`);
    await run('gpg', ['--quiet', '--import', file], { env });
    return { dir, dispose };
  } catch (error) {
    await dispose();
    throw new InvalidError(`${field}: ${importProblem(file, error)}`);
  }
}

function environment(dir: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], GNUPGHOME: dir, LC_ALL: 'C.UTF-8' };
}

/** Fingerprint of the first secret key. Throws InvalidError when there is none. */
export async function firstSecretKey(field: string, { dir }: GpgHome): Promise<string> {
  const { stdout } = await run('gpg', ['--list-secret-keys', '--with-colons'], { env: environment(dir) });
  const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(stdout)?.[1];
  if (fingerprint === undefined) throw new InvalidError(`${field}: the file holds no secret key`);
  return fingerprint;
}

/** Public halves, armored: of these fingerprints, or of all keys there are. */
export async function exportKeys({ dir }: GpgHome, fingerprints: readonly string[]): Promise<string> {
  const { stdout } = await run('gpg', ['--armor', '--export', ...fingerprints], { env: environment(dir) });
  return stdout;
}

function importProblem(file: string, error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'gpg is not installed';
  const said = 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : error.message;
  return `gpg takes no key from ${file}: ${said ?? ''}`;
}
