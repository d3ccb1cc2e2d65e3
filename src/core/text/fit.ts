/** Columns that a text takes: colours take none. */
// eslint-disable-next-line no-control-regex -- colours begin with a control character
const bare = (text: string) => text.replace(/\u001b\[\d{1,2}m/g, '');

/** At most `width` columns, cut at its end; as it is without a width. */
export function clip(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text;
  return `${text.slice(0, Math.max(0, width - 1)).toWellFormed()}…`;
}

/** Broken between words into lines of at most `width` columns; those that go on are indented. */
export function wrap(text: string, width: number | undefined, indent = '  '): string {
  if (width === undefined || bare(text).length <= width) return text;
  const lines: string[] = [];
  let line = '';
  let taken = 0;
  let isBlank = true;
  for (const word of text.split(' ')) {
    const long = bare(word).length;
    if (line === '') {
      line = word;
      taken = long;
    } else if (taken + 1 + long <= width || isBlank) {
      line = `${line} ${word}`;
      taken += 1 + long;
    } else {
      lines.push(line);
      line = indent + word;
      taken = indent.length + long;
      isBlank = true;
    }
    isBlank &&= word.trim() === '';
  }
  return [...lines, line].join('\n');
}

/** Names until the width is full, then how many more there are. */
export function someOf(names: readonly string[], width: number): string {
  const all = names.join(', ');
  if (all.length <= width) return all;
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

/** What is typed or copied as a whole: a terminal breaks it without a newline. */
const COMMAND = /^ +(nodeop-agent|kubectl|npm|git|cd|cp|curl) /;

/**
 * Every line in at most `width` columns. What goes on is put under the last column of a table, or a little to the right;
 * commands are left as they are.
 */
export function fitted(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .map((line) => (bare(line).length <= width || COMMAND.test(line) ? line : broken(line, width)))
    .join('\n');
}

function broken(line: string, width: number): string {
  const lead = leadOf(line);
  const rest = wrap(line.slice(lead), width - lead, ' '.repeat(hang(bare(line), width) - lead));
  const pad = ' '.repeat(lead);
  return rest
    .split('\n')
    .map((it) => `${pad}${it}`.trimEnd())
    .join('\n');
}

const leadOf = (line: string) => line.length - line.trimStart().length;

/** Where the text of a line begins that stands behind columns; the rest of a long one goes on there. */
function hang(line: string, width: number): number {
  const lead = leadOf(line);
  let at = Math.min(line.length, Math.floor(width * 0.6)) - 1;
  while (at > lead && (line[at] === ' ' || line.slice(at - 2, at) !== '  ')) at -= 1;
  return at > lead ? at : lead + 2;
}

/** Paragraphs of lines that belong together, made as wide as there is room; what is indented stays as it is. */
export function reflowed(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  const paragraphs: string[] = [];
  let joins = false;
  for (const line of text.split('\n')) {
    const isProse = line !== '' && !line.startsWith(' ');
    if (isProse && joins) paragraphs.push(`${paragraphs.pop() ?? ''} ${line}`);
    else paragraphs.push(line);
    joins = isProse;
  }
  return paragraphs.map((it) => (it.startsWith(' ') ? it : wrap(it, width, ''))).join('\n');
}
