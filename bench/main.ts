import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chart } from './chart.ts';
import { formatRow, heading, type Row } from './row.ts';
import { decisions } from './rows/decide.ts';
import { fleet, restart } from './rows/fleet.ts';
import { repositories } from './rows/repository.ts';
import { rollouts } from './rows/rollouts.ts';
import { validation } from './rows/validate.ts';
import { FULL, QUICK, type Scale, TINY } from './scale.ts';

/** Experiments by the rows they give. */
const EXPERIMENTS: { rows: string[]; run: (scale: Scale, only?: string) => Row[] | Promise<Row[]> }[] = [
  { rows: ['decide', 'look'], run: decisions },
  { rows: ['validate'], run: validation },
  { rows: ['poll-idle', 'detect', 'report', 'first-clone'], run: repositories },
  { rows: ['rollout', 'rollout-full', 'requests'], run: rollouts },
  { rows: ['status-bytes', 'memory', 'cpu'], run: fleet },
  { rows: ['restart'], run: restart },
];

const HELP = `usage: npm run bench -- [--only NAME] [--quick] [--json] [--runs N]

  --only NAME   one row: ${EXPERIMENTS.flatMap(({ rows }) => rows).join(', ')}
  --quick       a tenth of the size, once
  --json        one JSON object a line
  --runs N      the median of so many runs (5; 1 with --quick)
  --svg FILE    the growth as curves
  --from FILE   of JSON lines that were written before, instead of measuring`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
    svg: { type: 'string' },
    from: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const { only, json, svg, from, help } = values;
  if (help) return void process.stdout.write(`${HELP}\n`);
  if (!json) process.stdout.write(`${heading()}\n`);
  const rows: Row[] = [];
  for await (const row of from === undefined ? measured(only) : written(from)) {
    process.stdout.write(`${json ? JSON.stringify(row) : formatRow(row)}\n`);
    rows.push(row);
  }
  if (svg !== undefined) writeFileSync(svg, chart(rows));
  const failed = rows.filter(({ holds }) => !holds).length;
  if (!json) process.stdout.write(failed === 0 ? 'all targets hold\n' : `${failed} targets do not hold\n`);
  // At a small size fixed costs weigh more, and one run is no median: there the numbers are for comparing.
  if (failed > 0 && !values.tiny && !values.quick) process.exitCode = 1;
}

async function* measured(only: string | undefined): AsyncIterable<Row> {
  const { tiny, quick, runs } = values;
  const chosen = EXPERIMENTS.filter(({ rows }) => only === undefined || rows.includes(only));
  if (chosen.length === 0) throw new Error(`there is no row ${only}\n${HELP}`);
  const base = tiny ? TINY : quick ? QUICK : FULL;
  const scale = { ...base, runs: runs === undefined ? base.runs : Number(runs) };
  for (const experiment of chosen) {
    // They must not disturb each other.
    const rows = await experiment.run(scale, only);
    yield* rows.filter(({ name }) => only === undefined || name === only);
  }
}

function* written(file: string): Iterable<Row> {
  for (const line of readFileSync(file, 'utf8').split('\n')) if (line !== '') yield JSON.parse(line) as Row;
}

await main();
