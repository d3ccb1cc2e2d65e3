import { badRequest } from './errors.ts';
import { at, type Obj, textOf } from './object.ts';

export type Matcher = (object: Obj) => boolean;

const FIELDS =
  /^(metadata\.(name|namespace)|spec\.nodeName|spec\.unschedulable|status\.phase|involvedObject\.\w+|type|reason)$/;

/** `a=b,c!=d` over a few fields, as the API server offers them. */
export function fieldMatcher(selector: string): Matcher {
  const terms = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [, path = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
      if (!FIELDS.test(path)) throw badRequest(`field label not supported: ${path}`);
      return { path, negated: operator === '!=', value };
    });
  return (object) =>
    terms.every(({ path, negated, value }) => (textOf(at(object, path)) === value) !== negated);
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export function labelMatcher(selector: string): Matcher {
  const terms = splitTerms(selector)
    .filter((term) => term.trim() !== '')
    .map(labelTerm);
  return (object) => terms.every((term) => term(object.metadata.labels ?? {}));
}

/** At the commas that are not in parentheses. */
function splitTerms(selector: string): string[] {
  const terms: string[] = [];
  for (const part of selector.split(',')) {
    const last = terms.at(-1);
    const isOpen = last !== undefined && last.includes('(') && !last.includes(')');
    if (isOpen) terms[terms.length - 1] = `${last},${part}`;
    else terms.push(part);
  }
  return terms;
}

function labelTerm(term: string): (labels: Record<string, string>) => boolean {
  const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(term);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const pair = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term.trim());
  if (pair) {
    const [, key = '', operator, value] = pair;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const name = term.trim();
  if (name.startsWith('!')) return (labels) => !(name.slice(1) in labels);
  if (!/^[\w./-]+$/.test(name)) throw badRequest(`unable to parse requirement: ${term}`);
  return (labels) => name in labels;
}
