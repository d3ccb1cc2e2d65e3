/**
 * What people may write, made up, as many as fit: `node test/fuzz/run.ts [--seconds S] [--seed N] [--kind NAME] [--path P]`. Each kind
 * has its turn over and over. One that does not hold is made as small as possible and printed with the command that repeats it; the
 * exit code is 1 then, and also when some kind had no input at all.
 */
import { parseArgs } from 'node:util';
import { tryOut } from './batch.ts';
import type { Kind } from './kind.ts';
import { KINDS } from './kinds.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    kind: { type: 'string', default: '' },
    path: { type: 'string' },
  },
});

/** What became of one kind. */
interface Tally {
  inputs: number;
  longest: number;
  failure?: string;
}

/** Inputs of one kind before the next has its turn. */
const BATCH = 50;
/** What fails in the end may still be made smaller for so long. */
const SHRINKING_MS = 30_000;

const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const kinds = KINDS.filter(({ name }) => values.kind === '' || name === values.kind);
const tallies = new Map(kinds.map((it): [Kind, Tally] => [it, { inputs: 0, longest: 0 }]));
const isOne = values.path !== undefined;
const end = performance.now() + Number(values.seconds) * 1000;

for (let seed = first; ; seed += 1) {
  for (const [kind, tally] of tallies) {
    if (tally.failure !== undefined || performance.now() > end) continue;
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to be measured
    await batch(kind, tally, seed);
  }
  const isOver = [...tallies.values()].every(({ failure }) => failure !== undefined);
  if (isOne || isOver || performance.now() > end) break;
}
tell();

async function batch(kind: Kind, tally: Tally, seed: number): Promise<void> {
  const limits = { runs: BATCH, ms: Math.max(1, end - performance.now()) + SHRINKING_MS };
  const { inputs, longest, failure } = await tryOut(kind, { seed, path: values.path, ...limits });
  tally.inputs += inputs;
  tally.longest = Math.max(tally.longest, longest);
  if (failure === undefined) return;
  tally.failure = failure;
  // At once: who stops the run has it.
  process.stdout.write(`\n${failure}\n\n`);
}

function tell(): void {
  const lines = [...tallies].map(([{ name }, { inputs, longest, failure }]) => {
    const mark = failure === undefined ? '' : '  FAILED';
    return `${String(inputs).padStart(8)}  ${name.padEnd(32)} longest turn ${longest.toFixed(0).padStart(3)} ms${mark}`;
  });
  const all = [...tallies.values()];
  const failures = all.filter(({ failure }) => failure !== undefined);
  const inputs = all.reduce((sum, it) => sum + it.inputs, 0);
  const empty = all.length === 0 || all.some((it) => it.inputs === 0);
  const total = `${inputs} inputs from seed ${first} on; ${failures.length} kinds failed${empty ? '; some had no input' : ''}`;
  process.stdout.write(`${[...lines, total].join('\n')}\n`);
  process.exitCode = failures.length > 0 || empty ? 1 : 0;
}
