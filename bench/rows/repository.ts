import { detect, firstClone, idle, type Measure, reports } from '../git-side.ts';
import { BenchRepository } from '../repository.ts';
import { atMost, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

/** The rows of the Git side, with few and with very many files. */
const ROWS: { name: string; measure: Measure; factor: number; slack?: number }[] = [
  { name: 'first-clone', measure: firstClone, factor: 1.3 },
  { name: 'poll-idle', measure: idle, factor: 1.3 },
  { name: 'detect', measure: detect, factor: 1.5, slack: 100 },
  { name: 'report', measure: reports, factor: 1.5 },
];

/** The rows `poll-idle`, `detect`, `report` and `first-clone`. */
export async function repositories({ repository, runs }: Scale, only?: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const files of repository) {
    // oxlint-disable-next-line no-await-in-loop -- measured one after the other
    using made = await BenchRepository.create(files);
    for (const { name, measure, factor, slack } of ROWS) {
      if (only !== undefined && only !== name) continue;
      // oxlint-disable-next-line no-await-in-loop -- measured one after the other
      const { own, floor } = await measure(made, runs);
      const size = `${files} run files and reports`;
      rows.push(atMost(factor, { name, size, value: own, unit: 'ms', floor }, slack));
    }
  }
  return [...rows, ...growth(rows.filter(({ name }) => name === 'poll-idle'))];
}

/** How much more than git's own a poll costs of the most files than of the fewest. */
function growth(polls: readonly Row[]): Row[] {
  const [first, last] = [polls[0], polls.at(-1)];
  if (!first || !last) return [];
  const size = `${Number.parseInt(last.size, 10)} over ${Number.parseInt(first.size, 10)} files`;
  return [atMost(1.1, { name: 'poll-idle', size, value: last.ratio, unit: '× bare', floor: first.ratio })];
}
