import { RE2JS } from 're2js';

/** A regular expression of the configuration. It takes linear time, whatever it is and whatever it is matched with. */
export interface Pattern {
  replaceAll: (text: string, replacement: string) => string;
}

/**
 * Compiles one in the syntax of RE2, which lacks what takes more than linear time: looking around, references back.
 * The only user of re2js. Throws when it is none.
 */
export function compilePattern(source: string): Pattern {
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  return { replaceAll: (text, replacement) => pattern.matcher(text).replaceAll(() => replacement) };
}
