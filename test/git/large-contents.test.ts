import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { Contents } from '../../src/git/contents.ts';
import { TestRepository } from '../runs/support.ts';

const MIB = 1024 * 1024;

test('of a content of any size git holds little, and a stand-in is given', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': 'a', 'runs/large.yaml': Buffer.alloc(300 * MIB) });
  const bin = join(repository.root, 'bin');
  mkdirSync(bin);
  // As it is in a pod with little memory, for git alone.
  const script = `#!/bin/sh\nulimit -v ${200 * 1024}\nPATH="\${PATH#*:}" exec git "$@"\n`;
  writeFileSync(join(bin, 'git'), script, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000, env });
  const ids = ['large', 'a'].map((it) =>
    repository.git(repository.bare, 'rev-parse', `main:runs/${it}.yaml`).trim(),
  );
  const found = await new Contents(git).read(ids, MIB);
  expect(ids.map((id) => found.get(id)?.length)).toEqual([MIB + 1, 1]);
});
