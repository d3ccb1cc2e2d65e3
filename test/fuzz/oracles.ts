import { strictEqual } from 'node:assert';

/** What nobody may have touched: every object of the program inherits from it. */
const PROTOTYPES = [Object, Array, String, Number, Function, Map, Set, Promise, Error, RegExp].map(
  ({ prototype }) => prototype as object,
);
const state = () => PROTOTYPES.map((it) => Reflect.ownKeys(it).map(String).join()).join('|');
const BEFORE = state();

export function prototypesUntouched(): void {
  strictEqual(state(), BEFORE, 'a prototype was touched');
}

/** Characters that move, hide, end or turn around, but for ends of lines. */
const HIDDEN = /[^\P{C}\n]|[\u2028\u2029]/u;

/** Text of several lines that is read with eyes, in a file, an editor or a browser. */
export function readable(text: string): void {
  const found = HIDDEN.exec(text.replaceAll('\t', ''));
  if (found) throw new Error(`acts, or is not seen: ${at(text, found[0])}`);
}

/** The same on a terminal, where our own colours may be. */
// eslint-disable-next-line no-control-regex -- colours begin with a control character
const COLOUR = /\u001b\[\d{1,2}m/g;
export function onTerminal(text: string): void {
  readable(text.replaceAll(COLOUR, ''));
  noCommands(text);
}

/** Lines that a workflow's log takes for commands (GitHub, Azure). */
export function noCommands(text: string): void {
  const found = /^[^\S\n]*::[a-z-]+[ :]|##(?:\[|vso\[)/im.exec(text);
  if (found) throw new Error(`is a command of a workflow: ${at(text, found[0].trim())}`);
}

function at(text: string, found: string): string {
  const place = text.indexOf(found);
  return JSON.stringify(text.slice(Math.max(0, place - 30), place + 30));
}

/**
 * What of a Markdown text is structure: nothing of what is escaped, stands in code, or is plain words. Texts that say different
 * things in the same way have the same.
 */
export function structure(markdown: string): string {
  let kept = '';
  for (let i = 0; i < markdown.length; i += 1) {
    const rest = markdown.slice(i, i + 8);
    const character = markdown.charAt(i);
    if (character === '\\' && /^\\[!-/:-@[-`{-~]/.test(rest)) i += 1;
    else if (character === '`') {
      const [run = ''] = /^`+/.exec(markdown.slice(i)) ?? [];
      const end = closing(markdown, i + run.length, run.length);
      kept += end === undefined ? run : '·';
      i = (end ?? i + run.length) - 1;
    } else if (rest.startsWith('@\u200b')) i += 1;
    else if (rest.startsWith('://')) kept += 'U';
    else if (/^www\./i.test(rest)) kept += 'W';
    else if ('<>|[]#*_~@\n'.includes(character)) kept += character;
  }
  return kept;
}

/** Where the code ends that begins before; it does not go over the end of its line, and a table cuts it at pipes. */
function closing(text: string, from: number, length: number): number | undefined {
  const end = text.indexOf('\n', from);
  const line = text.slice(from, end < 0 ? text.length : end);
  for (const run of line.matchAll(/`+/g)) if (run[0].length === length) return from + run.index + length;
  return undefined;
}
