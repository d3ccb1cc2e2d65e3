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
}

interface Measured {
  name: string;
  size: string;
  value: number;
  unit: string;
  floor: number;
}

/** A row that holds while value ≤ factor × floor + slack. */
export function atMost(factor: number, row: Measured, slack = 0): Row {
  const plus = slack === 0 ? '' : ` + ${slack} ${row.unit}`;
  return {
    ...row,
    ratio: row.value / row.floor,
    target: `≤ ${factor} × floor${plus}`,
    holds: row.value <= factor * row.floor + slack,
  };
}

/** A row that holds while value ≥ factor × floor. */
export function atLeast(factor: number, row: Measured): Row {
  return {
    ...row,
    ratio: row.value / row.floor,
    target: `≥ ${factor} × floor`,
    holds: row.value >= factor * row.floor,
  };
}

/** A row that holds while value ≤ floor, a fixed bound. */
export function within(row: Measured): Row {
  const holds = row.value <= row.floor;
  return { ...row, ratio: row.value / row.floor, target: `≤ ${row.floor} ${row.unit}`, holds };
}

const COLUMNS = ['name', 'size', 'value', 'unit', 'floor', 'ratio', 'target', 'holds'] as const;
const WIDTHS = [13, 34, 10, 14, 10, 7, 20, 5];

export function heading(): string {
  return line(COLUMNS.map(String));
}

export function formatRow(row: Row): string {
  return line(
    COLUMNS.map((column) => {
      const cell = row[column];
      if (typeof cell === 'number') return significant(cell);
      return typeof cell === 'boolean' ? (cell ? 'yes' : 'NO') : cell;
    }),
  );
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
