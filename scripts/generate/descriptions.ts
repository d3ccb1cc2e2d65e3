/**
 * Fields of a JSON Schema without a sentence that says what they hold, by path. A branch without a type is a rule over
 * fields that are described elsewhere, and so is a condition.
 */
export function undescribed(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([keyword, inner]): string[] => {
    if (keyword === 'if') return [];
    if (keyword === 'properties') return ofFields(inner as Record<string, object>, path);
    if (!Array.isArray(inner)) return undescribed(inner, keyword === 'items' ? `${path}[]` : path);
    return inner.filter(hasType).flatMap((it) => undescribed(it, path));
  });
}

const SENTENCE = /^[\w(].*\.$/s;

function ofFields(properties: Record<string, object>, path: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const description: unknown = Reflect.get(field, 'description');
    const isTold = typeof description === 'string' && SENTENCE.test(description);
    return [...(isTold ? [] : [at]), ...undescribed(field, at)];
  });
}

function hasType(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'type' in schema;
}
