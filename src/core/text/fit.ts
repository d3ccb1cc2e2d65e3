/** At most `width` columns, cut at its end; as it is without a width. */
export function clip(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text;
  return `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Broken between words into lines of at most `width` columns; those that go on are indented. */
export function wrap(text: string, width: number | undefined, indent = '  '): string {
  if (width === undefined || text.length <= width) return text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const next = line === '' ? word : `${line} ${word}`;
    if (next.length <= width || line.trim() === '') line = next;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].join('\n');
}

/** Names until the width is full, then how many more there are. */
export function someOf(names: readonly string[], width: number): string {
  let text = '';
  for (const [i, name] of names.entries()) {
    const next = text === '' ? name : `${text}, ${name}`;
    const rest = names.length - i - 1;
    const more = rest === 0 ? '' : ` and ${rest} more`;
    if (text !== '' && next.length + more.length > width) return `${text} and ${rest + 1} more`;
    text = next;
  }
  return text;
}
