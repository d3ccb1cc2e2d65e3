import { RE2JS } from 're2js';
import { z } from 'zod';
import { show } from './wording.ts';

/** A regular expression that people wrote. It takes linear time, whatever it is and whatever it is matched with. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  matches: (text: string) => boolean;
  replaceAll: (text: string, replacement: string) => string;
  /** Steps it takes for one character of a text at most. */
  size: number;
}

/** A repetition is written out: those of a pattern take as much for each character of a text as they are large. */
const MAX_SIZE = 1500;
/** To find out how large one is takes as long as it is. */
const MAX_WRITTEN_OUT = 100_000;
const TOO_LARGE = 'its repetitions are too large; write smaller numbers, or "*" and "+"';

function isTooLarge(source: string): boolean {
  const counts = [...source.matchAll(/\{(\d{1,9})(?:,(\d{1,9})?)?\}/g)].map(([, least, most]) =>
    Number(most ?? least),
  );
  const sum = counts.reduce((total, it) => total + it, 0);
  return sum > MAX_SIZE || source.length * Math.max(0, ...counts) > MAX_WRITTEN_OUT;
}

/** The same ones are asked for over and over: with each value, and at each look. */
const known = new Map<string, Pattern>();
const MAX_KNOWN = 200;

/**
 * Compiles one in the syntax of RE2, which lacks what takes more than linear time: looking around, references back.
 * The only user of re2js. Throws when it is none.
 */
export function compilePattern(source: string): Pattern {
  const found = known.get(source) ?? compiled(source);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(source, found);
  return found;
}

function compiled(source: string): Pattern {
  if (isTooLarge(source)) throw new RangeError(TOO_LARGE);
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  const size = pattern.programSize();
  if (size > MAX_SIZE) throw new RangeError(TOO_LARGE);
  return {
    size,
    matches: (text) => pattern.matcher(text).find(),
    replaceAll: (text, replacement) => pattern.matcher(text).replaceAll(() => replacement),
  };
}

/** A regular expression, as it is written. */
export const pattern = () =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(1000)
    .superRefine((text, ctx) => {
      try {
        compilePattern(text);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const message = `not a regular expression as RE2 reads them: ${show(reason, 200)}`;
        ctx.addIssue({ code: 'custom', message });
      }
    });
