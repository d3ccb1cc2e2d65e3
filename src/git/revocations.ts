import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidError } from '../api/errors.ts';
import { fingerprintOf } from '../core/runs/allowed-signers.ts';
import { readRevocations, type Revocations } from '../core/runs/revocations.ts';
import { readNamed } from './credentials.ts';

const run = promisify(execFile);
const FIELD = 'git.verify.revocationFile';

/** The keys that were revoked, as far as somebody has to be told of one. */
export interface Revoked {
  has: (key: { type: string; key: string }) => Promise<boolean>;
}

/** Throws InvalidError when the file cannot be read as what it has to be: it would revoke nothing, or every key. */
export async function revokedKeys(file: string): Promise<Revoked> {
  // Git takes a file that is not there for one that revokes nothing.
  await readNamed(FIELD, file);
  const read = readRevocations(await readFile(file));
  if (read.kind === 'neither')
    throw new InvalidError(`${FIELD}: ${file} is neither a KRL nor a list of public keys: ${read.why}`);
  if (read.kind === 'krl') await expectWhole(file);
  return { has: (key) => has(file, read, key) };
}

async function expectWhole(file: string): Promise<void> {
  try {
    await run('ssh-keygen', ['-Q', '-l', '-f', file]);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new InvalidError(`${FIELD}: ${file} is a KRL that cannot be read: ${said.split('\n')[0]}`);
  }
}

async function has(
  file: string,
  read: Revocations,
  { type, key }: { type: string; key: string },
): Promise<boolean> {
  if (read.kind === 'keys') return read.fingerprints.has(fingerprintOf(key));
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-agent-key-'));
  try {
    const open = join(dir, 'key.pub');
    await writeFile(open, `${type} ${key}\n`);
    const { stdout } = await run('ssh-keygen', ['-Q', '-f', file, open]).catch((error: unknown) => ({
      stdout: error instanceof Error && 'stdout' in error ? String(error.stdout) : '',
    }));
    return stdout.includes('REVOKED');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
