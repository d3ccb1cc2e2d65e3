import type { Problem } from '../../../api/schema.ts';
import { hidingProblems, type Resolved } from '../parameters/environment.ts';
import { resolve } from '../parameters/resolve.ts';
import type { Defined } from './definition.ts';
import { overrideProblems } from './overrides.ts';
import { refuse, type Refused } from './stage.ts';

/** A run whose parameters are known. */
export interface Given extends Defined {
  parameters: readonly Resolved[];
}

/** Takes the values the run gives for the parameters its definition declares. */
export function withParameters(draft: Defined): Given | Refused {
  const { run, definition, spelled } = draft;
  if (!run || !definition) return { ...draft, parameters: [] };
  const { name, declares } = definition;
  const { parameters = {}, env, overrides = {} } = run.spec;
  const resolved = resolve(name, declares.parameters, parameters, spelled);
  const message = (it: string) =>
    `"${it}" is a parameter of definition "${name}"; write it under spec.parameters, or leave it out`;
  const problems: Problem[] = [
    ...(resolved.ok ? [] : inside(['spec', 'parameters'], resolved.problems)),
    ...inside(['spec', 'env'], hidingProblems(declares.parameters, env, message)),
    ...inside(['spec', 'overrides', 'env'], hidingProblems(declares.parameters, overrides['env'], message)),
  ];
  if (problems.length > 0 || !resolved.ok) return refuse(draft, [...problems, ...overrideProblems(draft)]);
  return { ...draft, parameters: resolved.value };
}

function inside(path: string[], problems: readonly Problem[]): Problem[] {
  return problems.map((it) => ({ ...it, path: [...path, ...it.path] }));
}
