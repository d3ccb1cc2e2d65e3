import { type CelEnv, celEnv, celFunc, CelScalar, celUint } from '@bufbuild/cel';

/**
 * What expressions may use: the standard definitions of the language (cel-spec, langdef.md) that a table of the docs names,
 * and nothing else. The reading and the evaluating side share it.
 */

/** Functions and operators, by the names that the parser gives them; macros are gone by then. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  [
    '_+_ _-_ _*_ _/_ _%_ -_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in',
    '_&&_ _||_ !_ _?_:_ _[_] @not_strictly_false',
    'size contains startsWith endsWith matches',
    'int uint double string bool timestamp duration type dyn',
  ].flatMap((names) => names.split(' ')),
);

/** Names of types, to compare `type(…)` with. */
export const TYPES: readonly string[] = 'int uint double string bool list map null_type'.split(' ');

const { DOUBLE, INT, STRING, UINT } = CelScalar;

/** As the specification has it; the library's own read '' as 0, and words as not a number, which is less than nothing. */
const NUMBERS = [
  celFunc('int', [STRING], INT, (text) => whole(text, -(2n ** 63n), 2n ** 63n - 1n)),
  celFunc('uint', [STRING], UINT, (text) => celUint(whole(text, 0n, 2n ** 64n - 1n))),
  celFunc('double', [STRING], DOUBLE, (text) => {
    if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw new Error('not a number');
    return Number(text);
  }),
];

function whole(text: string, min: bigint, max: bigint): bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw new Error('not a whole number');
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (value < min || value > max) throw new Error('is out of range');
  return value;
}

let made: CelEnv | undefined;

export function language(): CelEnv {
  made ??= celEnv({ funcs: NUMBERS });
  return made;
}
