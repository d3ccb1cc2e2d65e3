/** How often each call was made, by the agent and by the bare loop. */
export type Calls = Record<string, { value: number; floor: number }>;

/** One line of the table. Values and floors have the row's unit; `ratio` is value / floor. */
export interface Row {
  name: string;
  /** What was worked on, so that lines of one name show the growth. */
  size: string;
  value: number;
  unit: string;
  /** What the same run measured for the unavoidable part alone, or a fixed bound. */
  floor: number;
  ratio: number;
  target: string;
  holds: boolean;
  /** Of rows that count requests. */
  calls?: Calls;
}

type Measured = Omit<Row, 'ratio' | 'target' | 'holds'>;

/** A row that holds while value ≤ factor × floor + slack. */
export function atMost(factor: number, row: Measured, slack = 0): Row {
  const plus = slack === 0 ? '' : ` + ${slack} ${row.unit}`;
  const holds = row.value <= factor * row.floor + slack;
  return judged(row, `≤ ${factor} × floor${plus}`, holds);
}

/** A row that holds while value ≥ factor × floor. */
export function atLeast(factor: number, row: Measured): Row {
  return judged(row, `≥ ${factor} × floor`, row.value >= factor * row.floor);
}

/** A row that holds while value ≤ floor, a fixed bound. */
export function within(row: Measured): Row {
  return judged(row, `≤ ${row.floor} ${row.unit}`, row.value <= row.floor);
}

/** A row that is only told. */
export function told(row: Measured): Row {
  return judged(row, 'none', true);
}

function judged({ calls, ...row }: Measured, target: string, holds: boolean): Row {
  return { ...row, ratio: row.value / row.floor, target, holds, ...(calls && { calls }) };
}

const COLUMNS = ['name', 'size', 'value', 'unit', 'floor', 'ratio', 'target', 'holds'] as const;
const WIDTHS = [13, 34, 10, 14, 10, 7, 20, 5];

export function heading(): string {
  return line(COLUMNS.map(String));
}

/** A line, and one more for each call that was made more often than it has to be. */
export function formatRow(row: Row): string {
  const cells = COLUMNS.map((column) => {
    const cell = row[column];
    if (typeof cell === 'number') return significant(cell);
    return typeof cell === 'boolean' ? (cell ? 'yes' : 'NO') : cell;
  });
  const more = Object.entries(row.calls ?? {}).filter(([, { value, floor }]) => value > floor);
  const lines = more.map(
    ([call, { value, floor }]) => `  ${value - floor} more: ${call} (${value}, floor ${floor})`,
  );
  return [line(cells), ...lines].join('\n');
}

function line(cells: string[]): string {
  const isNumber = (i: number) => i === 2 || i === 4 || i === 5;
  const padded = cells.map((cell, i) =>
    isNumber(i) ? cell.padStart(WIDTHS[i] ?? 0) : cell.padEnd(WIDTHS[i] ?? 0),
  );
  return padded.join('  ').trimEnd();
}

/** Three digits that count; more would be noise. */
function significant(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The median run by `key`: rows of one experiment stay together, so that value and floor belong to the same run. */
export function medianBy<T>(items: readonly T[], key: (item: T) => number): T {
  const sorted = items.toSorted((a, b) => key(a) - key(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

/** Several runs, one after the other: they must not disturb each other. */
export async function repeat<T>(runs: number, once: (run: number) => T | Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < runs; run += 1) {
    // oxlint-disable-next-line no-await-in-loop -- that is what it is for
    results.push(await once(run));
  }
  return results;
}
