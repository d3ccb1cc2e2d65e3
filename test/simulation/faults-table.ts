import type { Fault } from './faults/fault.ts';
import type { Trial } from './world/trial.ts';

/** What came of the histories that were tried on the code with a mistake in it. */
export interface Told {
  histories: number;
  found: number;
  seed?: number;
  name?: string;
  violation?: string;
  /** Found by plan, not by chance. */
  sweep?: boolean;
  /** The shortest that was found. */
  short?: Trial;
  /** Whether the kept history breaks a promise too; undefined where none is kept. */
  named?: boolean | undefined;
}

const BEGIN = '<!-- mistakes: written by npm run test:faults -- --write -->\n';
const END = '<!-- end of mistakes -->';
const HEAD = '| mistake | found in | first | what is seen |\n|---|---|---|---|\n';

/** In the history that is kept of it, if there is one, and else in those that were tried. */
export function isFound(told: Told | string): boolean {
  return typeof told !== 'string' && (told.named ?? told.found > 0);
}

export function rowOf(name: string, { what, tried = {} }: Fault, told: Told | string): string {
  const title = `\`${name}\`: ${what}`;
  if (typeof told === 'string') return `| ${title} | NOT TRIED | | ${cell(told)} |`;
  const { found, histories, seed, violation = '', named } = told;
  const kept = named === undefined ? '' : 'its own, ';
  const of = tried.of === undefined ? '' : ` of those with “${tried.of}”`;
  const by = (tried.sweep ?? told.sweep) === true ? `by plan${of}` : 'by chance';
  const count = `${isFound(told) ? '' : 'NOT FOUND, '}${kept}${found} of ${histories} ${by}`;
  return `| ${title} | ${count} | ${seed ?? ''} | ${cell(violation.replace(/^[\d.]+ s: /, ''))} |`;
}

function cell(text: string): string {
  const line = text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return line.length > 120 ? `${line.slice(0, 120)} …` : line;
}

/** The page with the row of that mistake in its table. */
export function mergeTable(page: string, name: string, row: string): string {
  const rows = rowsOf(page);
  const others = rows.filter((it) => nameOf(it) !== name);
  const [before = '', after = ''] = [page.split(BEGIN)[0], page.split(END)[1]];
  const table = [...others, row].toSorted().join('\n');
  return `${before}${BEGIN}\n${HEAD}${table}\n\n${END}${after}`;
}

export function rowsOf(page: string): string[] {
  const table = page.split(BEGIN)[1]?.split(END)[0] ?? '';
  return table.split('\n').filter((line) => line.startsWith('| `'));
}

export function nameOf(row: string): string {
  return /^\| `([\w-]+)`/.exec(row)?.[1] ?? '';
}
