import type { Parameter, Value } from '../../../api/parameters.ts';
import { nearest, show, type Problem } from '../../../api/schema.ts';
import { own } from '../../../api/own.ts';
import type { Spelled } from '../../../api/yaml.ts';
import type { Resolved } from './environment.ts';
import { patternWork, valueProblem } from './value.ts';

/** The most bytes of all values together: status and spec of a NodeOp share what etcd takes of one object. */
const MAX_BYTES = 16_384;

/**
 * The parameters as they come out, in the order of their declarations: what the run gives, else the default. One that has
 * neither is left out. Paths of problems begin inside `spec.parameters` of the run.
 */
export function resolve(
  definition: string,
  declared: readonly Parameter[],
  given: Readonly<Record<string, unknown>>,
  spelled: Spelled,
): { ok: true; value: Resolved[] } | { ok: false; problems: Problem[] } {
  const problems = unknown(definition, declared, given);
  const tooMuch = patternWork(declared, (i) => [own(given, declared[i]?.name ?? '')]);
  if (tooMuch) {
    const { index, message } = tooMuch;
    return { ok: false, problems: [{ path: [declared[index]?.name ?? ''], message }] };
  }
  const resolved = declared.flatMap((parameter): Resolved[] => {
    const { name, required } = parameter;
    if (!Object.hasOwn(given, name)) {
      if (required) problems.push({ path: [name], message: `is required by definition "${definition}"` });
      const value = parameter.default as Value | undefined;
      return value === undefined ? [] : [{ name, value, isDefault: true }];
    }
    const message = valueProblem(parameter, given[name], spelled(['spec', 'parameters', name]));
    if (message !== undefined) problems.push({ path: [name], message });
    return [{ name, value: given[name] as Value, isDefault: false }];
  });
  if (problems.length > 0) return { ok: false, problems };
  const bytes = resolved.reduce((sum, { value }) => sum + Buffer.byteLength(String(value)), 0);
  if (bytes <= MAX_BYTES) return { ok: true, value: resolved };
  return {
    ok: false,
    problems: [
      { path: [], message: `all values together must have at most ${MAX_BYTES} bytes, have ${bytes}` },
    ],
  };
}

function unknown(
  definition: string,
  declared: readonly Parameter[],
  given: Readonly<Record<string, unknown>>,
): Problem[] {
  const known = declared.map(({ name }) => name);
  const strangers = Object.keys(given).filter((name) => !known.includes(name));
  return strangers.map((name) => {
    const guess = nearest(name, known);
    const way =
      guess !== undefined
        ? `did you mean "${guess}"?`
        : known.length === 0
          ? 'it declares none'
          : `it declares ${known.join(', ')}`;
    return { path: [name], message: `definition "${definition}" has no parameter ${show(name)}; ${way}` };
  });
}
