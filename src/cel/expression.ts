import { parse } from '@bufbuild/cel';
import { findFlaw } from './tree.ts';

/** Expressions of rules and checks are a line or two. It bounds what reading one costs. */
export const MAX_EXPRESSION = 1024;
/** Parsing goes as deep as brackets do. */
const MAX_BRACKETS = 50;

/**
 * Why `text` is no expression over `variables`, with line and column within it; undefined when it is one. What type a value has
 * is known only once it is evaluated. Never throws, and takes milliseconds whatever the text is.
 */
export function expressionProblem(text: string, variables: readonly string[]): string | undefined {
  if (text.length > MAX_EXPRESSION) return `is longer than ${MAX_EXPRESSION} characters`;
  if (bracketDepth(text) > MAX_BRACKETS) return `has more than ${MAX_BRACKETS} brackets inside each other`;
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text);
  } catch (error) {
    return `not a CEL expression: ${syntaxProblem(error)}`;
  }
  const flaw = parsed.expr && findFlaw(parsed.expr, variables);
  if (!flaw) return undefined;
  const place = placeOf(text, parsed.sourceInfo?.positions[String(flaw.at.id)]);
  return `not a CEL expression that can be used here: ${place}${flaw.message}`;
}

function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if ('([{'.includes(character)) deepest = Math.max(deepest, ++depth);
    else if (')]}'.includes(character)) depth -= 1;
  }
  return deepest;
}

/** The parser says what all could have come instead, which nobody reads. */
function syntaxProblem(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const [, line, column, found] = /^<input>:(\d+):(\d+): found (.+?) but expecting /s.exec(message) ?? [];
  if (line === undefined) return message.replace(/^<input>:/, '');
  return `line ${line}, column ${column}: ${found} is not expected there`;
}

function placeOf(text: string, offset: number | undefined): string {
  if (offset === undefined) return '';
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: `;
}
