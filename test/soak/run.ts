/**
 * Load and leaks: `node test/soak/run.ts [--full] [--only NAME]`. Each scenario does much of something in this one process and tells what
 * is held after some of it and after all: the table says from what to what, and what is the most. Exit code 1 when something is above.
 */
import { parseArgs } from 'node:util';
import { fleet } from './fleet.ts';
import type { Row } from './measure.ts';
import { polls } from './polls.ts';
import { push } from './push.ts';
import { stops } from './stops.ts';
import { webhooks } from './webhooks.ts';

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});

const SMALL = { polls: 300, files: 100, runs: 5, nodes: 200, webhooks: 1_000 };
const FULL = { polls: 10_000, files: 1_000, runs: 50, nodes: 2_000, webhooks: 10_000 };
const scale = values.full ? FULL : SMALL;
const SCENARIOS = { polls, push, fleet, webhooks, stops };

const chosen = Object.entries(SCENARIOS).filter(([name]) => values.only === '' || name === values.only);
const rows: Row[] = [];
print('| scenario | what | from | to | at most |\n|---|---|---|---|---|');
for (const [, scenario] of chosen) {
  // oxlint-disable-next-line no-await-in-loop -- measured one after the other
  for (const row of await scenario(scale)) {
    rows.push(row);
    const { what, from, to, most } = row;
    const verdict = isGood(row) ? '' : ' **above**';
    print(`| ${row.scenario} | ${what} | ${from} | ${to}${verdict} | ${most} |`);
  }
}
process.exit(rows.length > 0 && rows.every(isGood) ? 0 : 1);

function isGood({ to, most }: Row): boolean {
  return to <= most;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
