import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import type { TestRepository } from '../../runs/support.ts';

/** Bytes that sort before and after a slash, and one that is no UTF-8. */
const NAMES = ['a', 'a.b', 'a-', 'a0', 'ab', 'runs', 'é', '\u{1F600}'].map((it) => Buffer.from(it));
const name = fc.constantFrom(...NAMES, Buffer.from([0x61, 0xff]));
const MODES = ['100644', '100755', '120000', '160000'] as const;

export interface File {
  path: Buffer[];
  mode: (typeof MODES)[number];
  text: string;
}

const file: fc.Arbitrary<File> = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 4 }),
  mode: fc.constantFrom(...MODES),
  text: fc.constantFrom('one', 'two', 'three'),
});
/** Files of one tree. */
export const files = fc.array(file, { maxLength: 12 });

/** Commits that hold these files, one on top of the other, by one process; a file in the way of a folder makes room for it. */
export function commits(repository: TestRepository, history: readonly (readonly File[])[]): string[] {
  const { bare, root } = repository;
  const parts = history.flatMap((all, i) => [
    Buffer.from(
      `commit refs/heads/main\nmark :${i + 1}\ncommitter A <a@example.org> ${i} +0000\ndata 0\n${i === 0 ? '' : `from :${i}\n`}deleteall\n`,
    ),
    ...all.flatMap(({ path, mode, text }) => [
      Buffer.from(`M ${mode} ${mode === '160000' ? 'f'.repeat(40) : 'inline'} `),
      ...path.flatMap((it, at) => [Buffer.from(at === 0 ? '' : '/'), it]),
      Buffer.from(mode === '160000' ? '\n' : `\ndata ${text.length}\n${text}\n`),
    ]),
    Buffer.from(`get-mark :${i + 1}\n`),
  ]);
  const input = Buffer.concat([...parts, Buffer.from('done\n')]);
  const env = { PATH: process.env['PATH'], HOME: root };
  const options = ['fast-import', '--quiet', '--force', '--done'];
  return execFileSync('git', options, { cwd: bare, input, env }).toString().trim().split('\n');
}
