import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const main = `"${process.execPath}" src/main.ts`;

test.each([
  ['help', `${main} --help 2>&3`],
  ['an error', `${main} nonsense 2>&1 >&3`],
])('%s for a reader that has gone ends with 141 and without a stack trace', (_name, command) => {
  // Nobody reads any more when the writer begins; its status, and what it says besides, go past the pipe.
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `exec 4>&1; { { sleep 0.5; ${command}; echo "status $?" >&3; } | true; } 3>&4`],
    {
      encoding: 'utf8',
    },
  );
  expect([stdout, stderr]).toEqual(['status 141\n', '']);
});
