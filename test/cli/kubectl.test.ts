import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { hasKubectl } from '../support/kubectl.ts';

test.runIf(hasKubectl)('on the path as kubectl-nodeop it is `kubectl nodeop`, and calls itself so', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-kubectl-'));
  const [link, bin] = [join(dir, 'kubectl-nodeop'), join(dir, 'bin')];
  symlinkSync(resolve('src/main.ts'), link);
  mkdirSync(bin);
  const script = `#!/bin/sh\nexec "${process.execPath}" "${link}" "$@"\n`;
  writeFileSync(join(bin, 'kubectl-nodeop'), script, { mode: 0o755 });
  const PATH = [bin, process.env['PATH']].join(delimiter);
  const help = execFileSync('kubectl', ['nodeop', '--help'], {
    encoding: 'utf8',
    env: { ...process.env, PATH },
  });
  expect(help).toContain('Usage: kubectl nodeop [options] [command]');
  expect(help).toContain('kubectl nodeop COMMAND --help');
  rmSync(dir, { recursive: true });
});
