/** Variables of an expression, in a form that passes to another thread. */
export type Variable =
  /** JSON text. Its whole numbers are CEL `int` when they fit, all others `double`. */
  | { json: string }
  /** Text and numbers as they are; all of the numbers are CEL `double`. */
  | { value: string | number | boolean | readonly number[] };
export type Variables = Readonly<Record<string, Variable>>;

/** What an expression gives: true or false, or why it gives neither. */
export type Result = { value: boolean } | { problem: string };

/** JSON as CEL takes it. Objects become maps, so that no key of theirs means something to JavaScript. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, revive);
}

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;

function revive(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    // Beyond 2^53 the number itself has lost digits by now; its text has not.
    const { source = '' } = context ?? {};
    if (!/^-?\d{1,19}$/.test(source)) return value;
    const whole = BigInt(source);
    return whole >= INT_MIN && whole <= INT_MAX ? whole : value;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return new Map(Object.entries(value));
}
