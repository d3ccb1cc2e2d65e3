import { screen } from './output.ts';

/** Rows as columns that line up, two spaces between them; the last column is as long as it is. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map((cell) => screen(cell).replaceAll('\n', '\\n')));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A period as `4d2h`, `3m20s`, `12s`: its two largest units. */
export function period(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left %= size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join('') || '0s';
}

/** A period as people say it: `45 s`, `4 min 18 s`, `2 h 5 min`. Under two minutes seconds tell most, as kubectl has it. */
export function spoken(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  if (left < 120) return `${left} s`;
  return period(left).replaceAll(
    /(\d{1,9})([dhms])(?=(\d?))/g,
    (_, count: string, unit: string, more: string) => {
      return `${count} ${unit === 'm' ? 'min' : unit}${more === '' ? '' : ' '}`;
    },
  );
}

/** The first line of a text, cut to `limit` characters. */
export function oneLine(text: string | undefined, limit: number): string {
  const line = (text ?? '').split('\n')[0] ?? '';
  return line.length > limit ? `${line.slice(0, limit - 1).toWellFormed()}…` : line;
}
