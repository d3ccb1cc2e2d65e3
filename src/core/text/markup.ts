/** Text of others as text: no markup, no mention of people, no new table cell. */
export function escape(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]|#~]/g, (it) => `\\${it}`)
    .replaceAll('@', '@\u200b');
}

/** As code, whatever backticks it holds; pipes are escaped for tables. */
export function code(text: string): string {
  const clean = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  if (!clean.includes('`')) return `\`${clean}\``;
  const longest = Math.max(...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence} ${clean} ${fence}`;
}
