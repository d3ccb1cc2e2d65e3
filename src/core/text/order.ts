const NATURAL = new Intl.Collator('en', { numeric: true });

/** node-1, node-2, node-10: the order people expect of names. For display only, what is carried out has its own order. */
export function naturally(a: string, b: string): number {
  return NATURAL.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
