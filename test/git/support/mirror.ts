import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirrorOf, type Mirror } from '../../../src/git/mirror.ts';
import { writeFiles, type WriteOptions } from '../../../src/git/write.ts';
import type { TestRepository } from '../../runs/support.ts';

export const WRITE: WriteOptions = {
  author: { name: 'agent', email: 'agent@example.org' },
  now: () => new Date(0),
  delayMs: () => 0,
};

/** A clone with a configuration of its own; `git` is put over the repository's. */
export function mirrorWith(repository: TestRepository, git: object = {}): Mirror {
  return mirrorOf(repository.config({ git }).git, new AbortController().signal);
}

/** Writes one file through a clone and gives the commit. */
export function writeOne(mirror: Mirror, path: string, text = `${path}\n`): Promise<string> {
  return writeFiles(mirror, new Map([[path, text]]), `write ${path}`, WRITE);
}

/** A file that only its owner reads, as a mounted Secret has them. */
export function secretFile(repository: TestRepository, name: string, text: string): string {
  const file = join(repository.root, name);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}
