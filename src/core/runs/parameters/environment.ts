import type { Parameter, Value } from '../../../api/parameters.ts';
import type { Problem } from '../../../api/schema.ts';
import { isObject } from '../merge.ts';

/** A parameter as it comes out. */
export interface Resolved {
  name: string;
  value: Value;
  /** Whether the run gives none. */
  isDefault: boolean;
}

/**
 * A kubelet reads `$(NAME)` in the values of variables and in commands as that variable, and `$$` as one `$`:
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
function unexpanded(value: Value): string {
  return String(value).replaceAll('$', '$$$$');
}

/** As variables of a container; the definition's own follow, so that they may refer to these. */
export function asVariables(resolved: readonly Resolved[]): { name: string; value: string }[] {
  return resolved.map(({ name, value }) => ({ name, value: unexpanded(value) }));
}

/** As words in front of a command, for a controller that knows no variables: env(1) sets them and begins it. */
export function asWords(resolved: readonly Resolved[]): string[] {
  return ['env', ...resolved.map(({ name, value }) => `${name}=${unexpanded(value)}`)];
}

/** A spec without what {@link asVariables} and {@link asWords} put into it: what else of it people wrote. */
export function withoutParameters(spec: object, names: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...spec };
  const kept = variableNames(fields['env']).filter(({ name }, i) => name !== names[i]);
  if (names.length > 0 && Array.isArray(fields['env']) && kept.length < fields['env'].length) {
    const env = fields['env'] as unknown[];
    fields['env'] = kept.length === 0 ? undefined : kept.map(({ i }) => env[i]);
  }
  for (const { path, words } of commandsOf(spec)) {
    const isSet = names.every((name, i) => String(words[i + 1]).startsWith(`${name}=`));
    if (names.length === 0 || words[0] !== 'env' || !isSet) continue;
    const [part = '', inside] = path;
    const command = words.slice(names.length + 1);
    fields[part] = inside === undefined ? command : { ...(fields[part] as object), command };
  }
  return fields;
}

/** Names in a list of variables, however wrong that is, with their places. */
function variableNames(env: unknown): { name: unknown; i: number }[] {
  if (!Array.isArray(env)) return [];
  return env.flatMap((it: unknown, i) => (isObject(it) ? [{ name: it['name'], i }] : []));
}

/** Variables that would hide a parameter. */
export function hidingProblems(
  parameters: readonly Pick<Parameter, 'name'>[],
  env: unknown,
  message: (name: string) => string,
): Problem[] {
  const names = new Set<unknown>(parameters.map(({ name }) => name));
  return variableNames(env).flatMap(({ name, i }) =>
    names.has(name) ? [{ path: [i, 'name'], message: message(String(name)) }] : [],
  );
}

const PARTS = [[], ['preflight'], ['postflight']] as const;

/** The commands of a spec, with their paths inside it. */
export function commandsOf(spec: unknown): { path: string[]; words: unknown[] }[] {
  return PARTS.flatMap((part) => {
    const [field] = part;
    const holder = field === undefined ? spec : isObject(spec) ? spec[field] : undefined;
    const words = isObject(holder) ? holder['command'] : undefined;
    return Array.isArray(words) ? [{ path: [...part, 'command'], words: words as unknown[] }] : [];
  });
}

/** Behind it, or in it after a "=", stands a script, whatever reads it: `sh -c`, `bash -ec`, `python3 -c`, `su --command=…`. */
const BEGINS_SCRIPT = /^(?:-[A-Za-z]*c$|--command(?:=|$))/;
const OPTIONS = /^-[A-Za-z]+$/;
const SHELL = /^(?:.*\/)?(?:a|ba|da|fi|k|mk|z)?sh$/;
/** They take a script by other options: `perl -e`, `ruby -ne`, `node --eval=…`, `php -r`. */
const INTERPRETER = /^(?:.*\/)?(?:perl|ruby|node|nodejs|lua|php)[\d.]*$/;
const EVALUATES = /^(?:-[A-Za-z]*[eEpr]|--(?:eval|print|run)(?:=.*)?)$/s;

/**
 * References by which a kubelet would write a value into the text of a script, where a shell reads it as its own.
 * @param isScript whether all words are told of, and not those of scripts alone
 */
export function expandedProblems(
  parameters: readonly Pick<Parameter, 'name'>[],
  spec: unknown,
  isScript = false,
): Problem[] {
  const names = carriers(parameters, spec);
  return commandsOf(spec).flatMap(({ path, words }) => {
    let inScript = isScript;
    let isShell = false;
    let isInterpreter = false;
    return words.flatMap((word, i) => {
      if (typeof word !== 'string') return [];
      isShell ||= SHELL.test(word);
      isInterpreter ||= INTERPRETER.test(word);
      // Shells take their options in any order: `sh -ce`. An option is no script, unless that stands in it.
      inScript ||=
        BEGINS_SCRIPT.test(word) ||
        (isShell && OPTIONS.test(word) && word.includes('c')) ||
        (isInterpreter && EVALUATES.test(word));
      const name = inScript ? referencesIn(word).find((it) => names.has(it)) : undefined;
      if (name === undefined) return [];
      const message = `$(${name}) would be replaced before anything reads this; "$${name}" in double quotes is the variable`;
      return [{ path: [...path, i], message }];
    });
  });
}

/** The parameters, and the variables into whose values a kubelet writes theirs: each may refer to those before it. */
function carriers(parameters: readonly Pick<Parameter, 'name'>[], spec: unknown): ReadonlySet<unknown> {
  const names = new Set<unknown>(parameters.map(({ name }) => name));
  const env = isObject(spec) && Array.isArray(spec['env']) ? (spec['env'] as unknown[]) : [];
  for (const variable of env) {
    if (names.size === 0 || !isObject(variable) || typeof variable['value'] !== 'string') continue;
    if (referencesIn(variable['value']).some((it) => names.has(it))) names.add(variable['name']);
  }
  return names;
}

function referencesIn(word: string): string[] {
  const names: string[] = [];
  for (let at = word.indexOf('$'); at >= 0; at = word.indexOf('$', at)) {
    if (word[at + 1] !== '(') {
      at += word[at + 1] === '$' ? 2 : 1;
      continue;
    }
    const end = word.indexOf(')', at + 2);
    // Nothing that begins later has an end either.
    if (end < 0) break;
    names.push(word.slice(at + 2, end));
    at = end + 1;
  }
  return names;
}
