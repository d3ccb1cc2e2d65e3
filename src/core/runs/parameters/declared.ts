import { DeclaredSchema, type Parameter } from '../../../api/parameters.ts';
import { check, type Problem } from '../../../api/schema.ts';
import type { Spelled } from '../../../api/yaml.ts';
import { isObject } from '../merge.ts';
import { expandedProblems, hidingProblems } from './environment.ts';
import { numberProblem, patternWork, valueProblem } from './value.ts';

type Path = (string | number)[];

/** What a definition allows the runs that name it. */
export interface Declarations {
  parameters: readonly Parameter[];
  /** Fields that runs may override; all when absent. */
  overridable?: readonly string[];
}

/**
 * Reads what a definition declares, or says what is wrong with it.
 * @param spec of the definition, as it was written
 * @param spelled how the values of the document are written
 */
export function readDeclarations(
  spec: unknown,
  spelled: Spelled,
): { ok: true; value: Declarations } | { ok: false; problems: Problem[] } {
  if (!isObject(spec)) return { ok: true, value: { parameters: [] } };
  const { parameters, overridable } = spec;
  const declared = {
    ...(parameters !== undefined && { parameters }),
    ...(overridable !== undefined && { overridable }),
  };
  const read = check(DeclaredSchema, declared);
  if (!read.ok) return { ok: false, problems: read.problems.map(inSpec) };
  const value = { parameters: [], ...read.value } as Declarations;
  const tooMuch = patternWork(value.parameters, (i) => {
    const { enum: allowed = [], default: preset } = value.parameters[i] ?? {};
    return [...allowed, preset];
  });
  if (tooMuch) {
    const { index, message } = tooMuch;
    return { ok: false, problems: [inSpec({ path: ['parameters', index, 'pattern'], message })] };
  }
  const problems = [
    ...value.parameters.flatMap((it, i) => problemsOf(it, ['parameters', i], spelled)),
    ...twice(value.parameters.map(({ name }) => name)).map((i) => ({
      path: ['parameters', i, 'name'],
      message: `"${value.parameters[i]?.name}" is declared more than once`,
    })),
    ...twice(value.overridable ?? []).map((i) => ({
      path: ['overridable', i],
      message: `"${value.overridable?.[i]}" is there more than once`,
    })),
    ...hidingProblems(
      value.parameters,
      spec['env'],
      (name) => `"${name}" is a parameter; leave it out here`,
    ).map((it) => ({ ...it, path: ['env', ...it.path] })),
    ...expandedProblems(value.parameters, spec),
  ];
  return problems.length > 0 ? { ok: false, problems: problems.map(inSpec) } : { ok: true, value };
}

const inSpec = ({ path, message }: Problem): Problem => ({ path: ['spec', ...path], message });

/** Places of what is there already before. */
function twice(names: readonly string[]): number[] {
  return names.flatMap((name, i) => (names.indexOf(name) < i ? [i] : []));
}

/** Of one declaration by itself: that its parts fit together. */
function problemsOf(parameter: Parameter, path: Path, spelled: Spelled): Problem[] {
  const { type, pattern, minimum, maximum, required } = parameter;
  const at = (...inside: Path) => [...path, ...inside];
  const problems: Problem[] = [];
  const say = (where: Path, message: string | undefined) => {
    if (message !== undefined) problems.push({ path: where, message });
  };
  const written = (where: Path) => spelled(['spec', ...where]);
  if (type !== 'string' && pattern !== undefined) say(at('pattern'), 'is for the type string alone');
  for (const bound of ['minimum', 'maximum'] as const) {
    const value = parameter[bound];
    if (value === undefined) continue;
    if (type !== 'integer') say(at(bound), 'is for the type integer alone');
    else say(at(bound), numberProblem(value, written(at(bound))));
  }
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    say(at('maximum'), `must be at least the minimum, ${minimum}, found ${maximum}`);
  }
  const { enum: allowed = [], ...others } = parameter;
  for (const [i, value] of allowed.entries()) {
    say(at('enum', i), valueProblem(others, value, written(at('enum', i))));
    if (allowed.indexOf(value) < i) say(at('enum', i), 'is there more than once');
  }
  if (parameter.default === undefined) return problems;
  if (required) say(at('required'), 'cannot be true of a parameter with a default: leave one of them out');
  // An enum that is wrong itself allows nothing.
  if (problems.length === 0)
    say(at('default'), valueProblem(parameter, parameter.default, written(at('default'))));
  return problems;
}
