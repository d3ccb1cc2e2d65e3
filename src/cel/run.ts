import { type CelInput, isCelError, isCelList, isCelMap, isCelUint, parse, plan } from '@bufbuild/cel';
import { language } from './language.ts';
import { fromJson, type Result, type Variables } from './values.ts';

/**
 * All that has to be done before an expression is evaluated; what it returns evaluates it. There is no bound on what that takes, so
 * nobody but a thread of its own may do it.
 */
export function prepare(expression: string, variables: Variables): () => Result {
  const evaluate = plan(language(), parse(expression));
  const bindings = Object.fromEntries(
    Object.entries(variables).map(([name, it]) => [name, 'json' in it ? fromJson(it.json) : it.value]),
  ) as Record<string, CelInput>;
  return () => {
    const result = evaluate(bindings);
    if (typeof result === 'boolean') return { value: result };
    if (isCelError(result)) return { problem: `cannot be evaluated: ${result.message}` };
    return { problem: `gives ${typeName(result)}, not true or false` };
  };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'an int';
  if (typeof value === 'number') return 'a double';
  if (typeof value === 'string') return 'a text';
  if (isCelList(value)) return 'a list';
  if (isCelMap(value)) return 'a map';
  return isCelUint(value) ? 'a uint' : 'something else';
}
