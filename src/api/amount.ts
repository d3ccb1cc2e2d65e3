import { z } from 'zod';
import { int } from './schema.ts';
import { found } from './wording.ts';

/** A number of nodes, or a share of them in whole percent such as "25%". */
export type Amount = number | string;

/** Go reads these patterns too. */
const SHARE = /^([1-9][0-9]?|100)%$/;
const SHARE_OR_NONE = /^(0|[1-9][0-9]?|100)%$/;

/** `least` bounds the number; a share of nothing is only taken where it means something. */
export function amount({ least, noneAsShare = false }: { least: number; noneAsShare?: boolean }) {
  const share = z.string().regex(noneAsShare ? SHARE_OR_NONE : SHARE, {
    error: ({ input = '' }) => `${EXPECTED}, found ${found(input)}${wayOut(input)}`,
  });
  return z.union([int(least), share], {
    error: ({ input }) => (input === undefined ? undefined : `${EXPECTED}, found ${found(input)}`),
  });
}

const EXPECTED = 'expected a whole number, or a share of the nodes such as "25%"';

function wayOut(text: string): string {
  const [, digits] = /^\s*\+?0*(\d{1,9})\s*$/.exec(text) ?? [];
  if (digits !== undefined) return `; take the quotes away: ${digits}`;
  const [, percent] = /^\s*0*(\d{1,9})(?:\.\d{1,9})?\s*%\s*$/.exec(text) ?? [];
  if (percent === undefined) return '';
  return Number(percent) > 100
    ? '; a share is at most "100%"'
    : '; a share is in whole percent, from "1%" on';
}
