import { RE2JS } from 're2js';
import { z } from 'zod';
import { show } from './wording.ts';

/** A regular expression that people wrote. It takes linear time, whatever it is and whatever it is matched with. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  matches: (text: string) => boolean;
  replaceAll: (text: string, replacement: string) => string;
}

/**
 * Compiles one in the syntax of RE2, which lacks what takes more than linear time: looking around, references back.
 * The only user of re2js. Throws when it is none.
 */
export function compilePattern(source: string): Pattern {
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  return {
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
