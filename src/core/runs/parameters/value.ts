import type { Parameter, Value } from '../../../api/parameters.ts';
import { compilePattern } from '../../../api/patterns.ts';
import { nearest, show } from '../../../api/schema.ts';

/** The most bytes of one value: each Job and pod of the run carries it. */
const MAX_VALUE_BYTES = 4096;

/** So many steps of patterns are taken in one go; a few milliseconds. */
const MAX_STEPS = 2_000_000;

/** Why the patterns of parameters are not matched with these texts, which would keep everybody else waiting; for the first that is too much. */
export function patternWork(
  parameters: readonly Pick<Parameter, 'pattern'>[],
  texts: (index: number) => readonly unknown[],
): { index: number; message: string } | undefined {
  let steps = 0;
  for (const [index, { pattern }] of parameters.entries()) {
    if (pattern === undefined) continue;
    const matched = texts(index).filter((it) => typeof it === 'string');
    steps += compilePattern(pattern).size * matched.reduce((sum, it) => sum + it.length, 0);
    const message =
      'takes too many steps with values that are so long; shorten them, or the repetitions of the pattern';
    if (steps > MAX_STEPS) return { index, message };
  }
  return undefined;
}

type Rules = Pick<Parameter, 'type' | 'enum' | 'pattern' | 'minimum' | 'maximum'>;

/**
 * What is wrong with a value of a parameter, if anything is.
 * @param spelled how it was written, where YAML has made something else of the text
 */
export function valueProblem(rules: Rules, value: unknown, spelled: string | undefined): string | undefined {
  return typeProblem(rules.type, value, spelled) ?? ruleProblem(rules, value as Value);
}

/** What is wrong with a number wherever it stands: YAML reads 1e3, 007 and 0x1F as others than most people. */
export function numberProblem(value: number, spelled: string | undefined): string | undefined {
  if (!Number.isInteger(value)) return `expected a whole number, found ${shown(value, spelled)}`;
  if (!Number.isSafeInteger(value)) {
    const most = Number.MAX_SAFE_INTEGER;
    return `must be a whole number from -${most} to ${most}, found ${spelled ?? value}; a larger one is text: quote it`;
  }
  if (spelled !== undefined && /^[-+]?(?:0|[1-9]\d*)$/.test(spelled)) return undefined;
  const way = `write ${value}, or quote it where text is meant`;
  return `expected a whole number in decimal digits, found ${shown(value, spelled)}; ${way}`;
}

function typeProblem(
  type: Parameter['type'],
  value: unknown,
  spelled: string | undefined,
): string | undefined {
  if (value === null || value === undefined) {
    const empty = type === 'string' ? ', or write "" where an empty text is meant' : '';
    return `expected ${NAMES[type]}, found nothing; leave it out${empty}`;
  }
  if (type === 'integer' && typeof value === 'number') return numberProblem(value, spelled);
  if (type === 'string' && typeof value === 'string') return textProblem(value);
  if (typeof value === type) return undefined;
  const way = wayOut(type, value, spelled);
  return `expected ${NAMES[type]}, found ${shown(value, spelled)}${way === undefined ? '' : `; ${way}`}`;
}

const NAMES = { string: 'text', integer: 'a whole number', boolean: 'true or false' } as const;

function wayOut(type: Parameter['type'], value: unknown, spelled: string | undefined): string | undefined {
  if (type === 'string') return typeof value === 'object' ? undefined : `quote it: ${show(spelled)}`;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const isIt = type === 'integer' ? /^-?(?:0|[1-9]\d{0,14})$/.test(text) : /^(?:true|false)$/.test(text);
  if (isIt) return `take the quotes away: ${text}`;
  if (type === 'integer') return undefined;
  if (/^(?:yes|y|on)$/i.test(text)) return 'write true';
  return /^(?:no|n|off)$/i.test(text) ? 'write false' : undefined;
}

function shown(value: unknown, spelled: string | undefined): string {
  if (typeof value === 'string') return `the text ${show(value)}`;
  if (typeof value !== 'number') return show(value);
  const written = spelled === undefined || spelled === String(value) ? '' : `, written ${show(spelled)}`;
  return `the number ${value}${written}`;
}

/** What no variable of a process can hold, or nobody would see. */
function textProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_VALUE_BYTES) return `must have at most ${MAX_VALUE_BYTES} bytes, has ${bytes}`;
  if (!text.isWellFormed()) return `must be Unicode text, found half of a character in ${show(text)}`;
  const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.exec(text);
  if (!control) return undefined;
  const line = control[0] === '\n' || control[0] === '\r';
  return line
    ? `must be one line, found ${show(text)}`
    : `must not hold control characters, or others that nobody sees, found ${show(text)}`;
}

function ruleProblem(rules: Rules, value: Value): string | undefined {
  const found = `found ${typeof value === 'string' ? show(value) : String(value)}`;
  if (rules.enum && !rules.enum.includes(value)) {
    const allowed = rules.enum.map((it) => (typeof it === 'string' ? show(it) : String(it)));
    const guess = typeof value === 'string' ? nearest(value, rules.enum.map(String)) : undefined;
    const way = guess === undefined ? '' : `; did you mean ${show(guess)}?`;
    return `expected ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}, ${found}${way}`;
  }
  if (typeof value === 'string' && rules.pattern !== undefined) {
    const isMatch = compilePattern(rules.pattern).matches(value);
    return isMatch ? undefined : `must match the pattern ${show(rules.pattern, 200)}, ${found}`;
  }
  if (typeof value !== 'number') return undefined;
  if (rules.minimum !== undefined && value < rules.minimum)
    return `must be at least ${rules.minimum}, ${found}`;
  if (rules.maximum !== undefined && value > rules.maximum)
    return `must be at most ${rules.maximum}, ${found}`;
  return undefined;
}
