import type { JsonSchema } from './structural.ts';

const BEGIN = '<!-- generated: fields -->';
const END = '<!-- end of generated -->';

/** One row a field, nested fields by their path; values of maps and lists follow as `[]` and `{}`. */
export function fieldTable(schema: JsonSchema): string {
  const rows = fieldRows(schema, '').map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`);
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** `page` with the text between its markers replaced. */
export function replaceTable(page: string, table: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page needs the markers ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n${table}\n${page.slice(to)}`;
}

function fieldRows(schema: JsonSchema, path: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    const row = [`\`${here}\``, typeName(field), defaultText(field, required), field.description ?? ''];
    return [row, ...fieldRows(field, here), ...fieldRows(field.items ?? {}, `${here}[]`)];
  });
}

function defaultText(field: JsonSchema, required: boolean): string {
  if (required && field.default === undefined) return '**required**';
  return field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
}

function typeName(field: JsonSchema): string {
  if (Array.isArray(field.enum)) return field.enum.map((it) => `\`${String(it)}\``).join(', ');
  if (field.type === 'array') return `list of ${typeName(field.items ?? {})}`;
  if (typeof field.additionalProperties === 'object') return `map of ${typeName(field.additionalProperties)}`;
  if (field.anyOf && field.type === undefined) return [...new Set(field.anyOf.map(typeName))].join(' or ');
  // Several types are a list, whatever the keyword says of itself.
  return [field.type ?? 'anything'].flat().join(' or ');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
