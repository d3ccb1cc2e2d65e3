/** Where a template says what stands there. */
export const PLACEHOLDER = /\{([a-zA-Z]*)\}/g;
const KNOWN = ['summary', 'details', 'cluster'];

/** What a template of commit messages has to be; undefined when it is. */
export function templateFlaw(template: string): string | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  const unknown = names.find((it) => !KNOWN.includes(it));
  if (unknown !== undefined) return `has {${unknown}}; there are {${KNOWN.join('}, {')}}`;
  if (!names.includes('summary')) return 'has to hold {summary}, which says what the commit is about';
  return template.trimStart() === template ? undefined : 'must not begin with a blank or an empty line';
}
