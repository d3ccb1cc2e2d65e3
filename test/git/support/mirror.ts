import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirrorOf } from '../../../src/git/mirror.ts';
import type { Branch } from '../../../src/git/branch.ts';
import { writeFiles, type WriteOptions } from '../../../src/git/write.ts';
import type { TestRepository } from '../../runs/support.ts';

export const WRITE: WriteOptions = {
  author: { name: 'agent', email: 'agent@example.org' },
  now: () => new Date(0),
  delayMs: () => 0,
};

/** The followed branch, in a clone with a configuration of its own; `git` is put over the repository's. */
export function branchWith(repository: TestRepository, git: object = {}): Branch {
  return mirrorOf(repository.config({ git }).git, new AbortController().signal).runs;
}

/** Writes one file through a clone and gives the commit. */
export function writeOne(branch: Branch, path: string, text = `${path}\n`): Promise<string> {
  return writeFiles(branch, new Map([[path, text]]), `write ${path}`, WRITE);
}

/** A file that only its owner reads, as a mounted Secret has them. */
export function secretFile(repository: TestRepository, name: string, text: string): string {
  const file = join(repository.root, name);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}
