import { line } from './output.ts';

/** Text of others as text: no markup, no mention of people, no link, no new line or table cell. */
export function escape(text: string): string {
  return (
    line(text.replaceAll(/\s+/g, ' '))
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll(/[\\`*_[\]|#~]/g, (it) => `\\${it}`)
      .replaceAll('@', '@\u200b')
      // Hosts make links of addresses that stand there as text.
      .replaceAll('://', ':\u200b//')
      .replaceAll(/www\./gi, (it) => `${it.slice(0, -1)}\u200b.`)
  );
}

/** As code, whatever backticks it holds; pipes are escaped for tables. */
export function code(text: string): string {
  const clean = line(text.replaceAll(/\s+/g, ' ')).trim().replaceAll('|', '\\|');
  // Two backticks would begin a code that goes on to the next two.
  if (clean === '') return '` `';
  if (!clean.includes('`')) return `\`${clean}\``;
  const longest = Math.max(...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence} ${clean} ${fence}`;
}
