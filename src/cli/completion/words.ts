/** The words of a line as a shell reads them, as far as it was typed; the last one is empty after a blank. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let isBegun = false;
  let quote = '';
  for (let i = 0; i < line.length; i += 1) {
    const character = line[i] ?? '';
    if (quote === "'" || (quote === '"' && character !== '\\')) {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '\\') {
      i += 1;
      word += line[i] ?? '';
      isBegun = true;
    } else if (character === '"' || character === "'") {
      quote = character;
      isBegun = true;
    } else if (/\s/.test(character)) {
      if (isBegun) words.push(word);
      word = '';
      isBegun = false;
    } else {
      word += character;
      isBegun = true;
    }
  }
  return [...words, word];
}

/** How much of a word bash takes for words before the one that it completes: it breaks at these as well. */
export function typedBy(word: string): number {
  return Math.max(...['=', ':', '@'].map((it) => word.lastIndexOf(it))) + 1;
}
