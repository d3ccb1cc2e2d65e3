import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a node's own programs lie; `chroot` looks here. */
const BIN = 'usr/bin';

/**
 * Gives a node's root what commands that `chroot` into it find on a host: some of the machine's own programs with their libraries, and
 * scripts that stand in for others.
 */
export function hostTools(root: string, programs: readonly string[], scripts: Record<string, string>): void {
  mkdirSync(join(root, BIN), { recursive: true });
  for (const program of programs) {
    const path = realpathSync(
      execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(),
    );
    copyFileSync(path, join(root, BIN, program));
    for (const library of librariesOf(path)) {
      const to = join(root, library);
      mkdirSync(dirname(to), { recursive: true });
      if (!existsSync(to)) copyFileSync(realpathSync(library), to);
    }
  }
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync(join(root, BIN, 'sh'), join(root, 'bin/sh'));
  for (const [name, text] of Object.entries(scripts)) {
    const path = join(root, name.includes('/') ? name : join(BIN, name));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }
}

/** None of one that is linked statically. */
function librariesOf(program: string): string[] {
  try {
    const text = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...text.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  } catch {
    return [];
  }
}
