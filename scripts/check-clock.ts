import { globSync, readFileSync } from 'node:fs';

/**
 * Time and chance come from the Clock that is passed along: what asks the machine for them by itself jumps when somebody sets
 * the clock, and cannot be run on another time. Ends with status 1 and the places that do.
 */

/** They own it: the port to the machine, processes of the machine, and programs of their own with people in front of them. */
const OWNERS = [
  'src/time/clock.ts',
  'src/time/breather.ts',
  'src/git/command.ts',
  'src/git/objects.ts',
  'src/cli/',
  'src/sim/',
  'src/page/browser/clock.ts',
];

const FORBIDDEN =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.(?:now|timeOrigin)\b|\bset(?:Timeout|Interval|Immediate)\b|\bMath\.random\b|node:timers|\bAbortSignal\.timeout\b/;

const found = globSync('src/**/*.{ts,tsx}')
  .filter((file) => !OWNERS.some((owner) => file.startsWith(owner)))
  .flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, i) => {
        const what = FORBIDDEN.exec(line)?.[0];
        return what === undefined
          ? []
          : [`${file}:${i + 1}: ${what}: take a Clock (src/core/ports.ts) instead`];
      }),
  );

if (found.length > 0) {
  process.stderr.write(`${found.join('\n')}\n`);
  process.exitCode = 1;
}
