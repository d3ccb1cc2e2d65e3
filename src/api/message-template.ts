/** Where a template says what stands there. */
export const PLACEHOLDER = /\{([a-zA-Z]*)\}/g;
const KNOWN = ['summary', 'details', 'cluster'];

/** What a text names that nothing stands for; undefined when it is all known. */
export function unknownPlaceholder(text: string, known: readonly string[]): string | undefined {
  const names = [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  const unknown = names.find((it) => !known.includes(it));
  return unknown === undefined
    ? undefined
    : `has {${unknown.slice(0, 40)}}; there are {${known.join('}, {')}}`;
}

/** What a template of commit messages has to be; undefined when it is. */
export function templateFlaw(template: string): string | undefined {
  const unknown = unknownPlaceholder(template, KNOWN);
  if (unknown !== undefined) return unknown;
  if (!template.includes('{summary}')) return 'has to hold {summary}, which says what the commit is about';
  return template.trimStart() === template ? undefined : 'must not begin with a blank or an empty line';
}
