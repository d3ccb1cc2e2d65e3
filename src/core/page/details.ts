import type { DiffLine } from '../../api/page.ts';
import { formatYaml } from '../../api/yaml.ts';
import { isObject } from '../runs/merge.ts';
import { maskCredentials } from '../text/mask.ts';
import { withoutValues } from './actions.ts';

/** Longer ones are compared as a whole: what is compared line by line costs the product of both. */
const MOST_LINES = 800;

/** A spec as YAML, without what its environment holds and what looks like a credential. */
export function specText(spec: unknown): string | undefined {
  if (!isObject(spec)) return undefined;
  return maskCredentials(formatYaml(withoutValues(spec), { lineWidth: 110, noRefs: true })).trimEnd();
}

/** What became of the lines of one text on the way to another. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  if (a.length > MOST_LINES || b.length > MOST_LINES) {
    return [...a.map((text) => line('removed', text)), ...b.map((text) => line('added', text))];
  }
  const common = commonBefore(a, b);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      lines.push(line('same', left));
      [i, j] = [i + 1, j + 1];
    } else if (left !== undefined && (right === undefined || at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push(line('removed', left));
      i += 1;
    } else {
      lines.push(line('added', right ?? ''));
      j += 1;
    }
  }
  return lines;
}

/** By the place in both: how many lines that follow are common to both. */
function commonBefore(a: readonly string[], b: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const most =
        a[i] === b[j] ? at(rows, i + 1, j + 1) + 1 : Math.max(at(rows, i + 1, j), at(rows, i, j + 1));
      rows[i]?.fill(most, j, j + 1);
    }
  }
  return rows;
}

function at(rows: readonly Uint16Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

function line(kind: DiffLine['kind'], text: string): DiffLine {
  return { kind, text };
}
