import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { validatePaths } from '../../src/cli/validate/paths.ts';
import { runFile } from '../repository.ts';
import { atLeast, medianBy, repeat, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

/** The row `validate`: files a second, against reading and parsing the same files and nothing else. */
export async function validation({ validate, runs }: Scale): Promise<Row[]> {
  const rows: Row[] = [];
  for (const files of validate) {
    // oxlint-disable-next-line no-await-in-loop -- measured one after the other
    const { own, floor } = await measure(files, runs);
    const size = `${files} run files`;
    rows.push(
      atLeast(0.7, { name: 'validate', size, value: files / own, unit: 'files/s', floor: files / floor }),
    );
  }
  return rows;
}

async function measure(files: number, runs: number): Promise<{ own: number; floor: number }> {
  const root = mkdtempSync(join(tmpdir(), 'nodeop-bench-'));
  try {
    mkdirSync(join(root, 'runs'));
    for (let i = 0; i < files; i += 1) {
      writeFileSync(join(root, 'runs', `run-${i}.yaml`), runFile(`run-${i}`));
    }
    const pairs = await repeat(runs + 1, async () => ({
      floor: await seconds(() => parseAll(join(root, 'runs'))),
      own: await seconds(() => check(root)),
    }));
    // The first pair warms the compiler and the file system.
    return medianBy(pairs.slice(1), ({ own, floor }) => own / floor);
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function check(root: string): Promise<void> {
  const { problems } = await validatePaths([join(root, 'runs')], { root, nodeops: 'nodeops' });
  if (problems.length > 0) throw new Error(`a valid file was refused: ${JSON.stringify(problems[0])}`);
}

function parseAll(folder: string): void {
  for (const name of readdirSync(folder)) load(readFileSync(join(folder, name), 'utf8'));
}

async function seconds(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
