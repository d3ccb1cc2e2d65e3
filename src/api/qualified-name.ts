/** Keys of labels, annotations and taints, and names of resources, as apimachinery has them: `zone`, `example.org/zone`. */
export const QUALIFIED_NAME =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/** A subdomain of 253 characters, a slash, and a name of 63. */
export const MAX_QUALIFIED_NAME = 317;

export function isQualifiedName(text: string): boolean {
  return text.length <= MAX_QUALIFIED_NAME && QUALIFIED_NAME.test(text);
}
