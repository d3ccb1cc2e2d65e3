/**
 * Text of others in what the program puts out: one function for each kind of output, so that nothing in it acts there. For
 * Markdown see markup.ts; YAML and JSON escape by themselves what their readers take for more than text.
 */

/**
 * What colours or moves on a terminal (ECMA-48): control sequences in both forms, strings such as titles and links up to their
 * end, and short escapes. The rest of the control characters go one by one.
 */
const SEQUENCES =
  // eslint-disable-next-line no-control-regex -- they begin with a control character
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[P\]X^_][^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-Z\\^-~]/g;

/**
 * Lines of text for a file or a message: without control characters, C1 among them, and without what turns the order of
 * characters around or is not seen. What a carriage return would have written over, as bars of progress do, is a line of its own.
 */
export function plain(text: string): string {
  return text
    .replaceAll(/\r+\n?/g, '\n')
    .replace(SEQUENCES, '')
    .replace(/[^\P{C}\n\t]/gu, '')
    .replace(/[\u2028\u2029]/g, ' ');
}

/** The same as one line, whatever lines it had. */
export function flat(text: string): string {
  return plain(text)
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
}

/**
 * What the log of a workflow takes for commands: GitHub lines that begin with `::`, after blanks too; GitHub and Azure `##[` and
 * `##vso[` wherever they stand. So they are neither in our output nor in our logs, which CI shows.
 */
const COMMAND = /##(?=\[|vso\[)/gi;

/** A name or a message within a line: what could end the line, or act in it, is shown as an escape. */
export function line(text: string): string {
  return withoutCommands(visible(text));
}

/** The same where nobody takes a line for a command, as in a browser. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, asEscape);
}

/** Whole output for a terminal, whose colours are our own: what else could act there is shown as an escape. */
export function screen(text: string): string {
  // eslint-disable-next-line no-control-regex -- colours begin with a control character
  const shown = text.replace(/\u001b(?!\[\d{1,2}m)|[^\P{C}\u001b\n\t]|[\u2028\u2029]/gu, asEscape);
  return withoutCommands(shown);
}

/** The same of a text of several lines, in which tabs make columns. */
export function visibleLines(text: string): string {
  return text.replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, asEscape);
}

/** A field of a log: line breaks are escaped by JSON already. */
export function logged(text: string): string {
  return visibleLines(text).replace(COMMAND, String.raw`#\u{23}`);
}

function withoutCommands(text: string): string {
  const lines = text.includes('::') ? text.split('\n').map(withoutCommand).join('\n') : text;
  return lines.replace(COMMAND, String.raw`#\u{23}`);
}

function withoutCommand(text: string): string {
  const words = text.trimStart();
  if (!words.startsWith('::')) return text;
  return `${text.slice(0, text.length - words.length)}\\u{3a}${words.slice(1)}`;
}

/** JSON for programs, in which nothing acts either; they read the same. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent)
    .replace(/[^\P{C}\n]|[\u2028\u2029]/gu, (it) => it.split('').map(asUnit).join(''))
    .replace(COMMAND, String.raw`#\u0023`);
}

function asUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The message of a workflow command (`::error::…`), as GitHub's toolkit escapes it. */
export function workflowMessage(text: string): string {
  return logged(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** A property of a workflow command, such as a file's name. */
export function workflowProperty(text: string): string {
  return workflowMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function asEscape(character: string): string {
  return NAMED[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
