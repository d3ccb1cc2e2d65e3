/** The part of JSON Schema that Zod emits and an API server may see. */
export interface JsonSchema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  [keyword: string]: unknown;
}

/** Keywords of a structural schema that can be taken over as they are (apiextensions.k8s.io/v1). */
const KEPT = [
  'description',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'required',
] as const;

/** Whoever applies a field with it owns all of it. No keyword of JSON Schema, which has no word for that. */
const ATOMIC = 'x-kubernetes-map-type';

/** Keywords with a place of their own below, or that an API server must not see and does not need. */
const HANDLED = new Set([
  'type',
  'format',
  'properties',
  'items',
  'additionalProperties',
  'anyOf',
  'oneOf',
  'propertyNames',
  '$schema',
  ATOMIC,
]);

/**
 * A structural schema, valid from Kubernetes 1.20 on. Unknown fields are pruned by the API server, which is
 * why `additionalProperties: false` goes: it is forbidden beside `properties`. Throws on a keyword it does
 * not know, so that nothing a person wrote into a schema is lost in silence.
 */
export function toStructural(schema: JsonSchema): JsonSchema {
  const unknown = Object.keys(schema).filter((key) => !HANDLED.has(key) && !isKept(key));
  if (unknown.length > 0) throw new Error(`cannot put ${unknown.join(', ')} into a structural schema`);
  if (isIntOrString(schema)) return intOrString(schema);
  if (schema.type === undefined) throw new Error('a structural schema needs a type everywhere');
  return {
    ...(schema.description !== undefined && { description: schema.description }),
    type: schema.type,
    ...(mayBeEmpty(schema) && { nullable: true }),
    ...format(schema),
    ...kept(schema),
    ...(schema.anyOf && { anyOf: schema.anyOf.map(toRule) }),
    ...(schema.oneOf && { oneOf: schema.oneOf.map(toRule) }),
    ...(schema[ATOMIC] !== undefined && { [ATOMIC]: schema[ATOMIC] }),
    ...(schema.items && { items: toStructural(schema.items) }),
    ...(schema.properties && { properties: mapValues(schema.properties, toStructural) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: toStructural(schema.additionalProperties),
    }),
  };
}

/** Inside `anyOf` and `oneOf` only value validations are allowed: no type, default or description. */
function toRule(rule: JsonSchema): JsonSchema {
  const { type: _type, default: _default, description: _description, ...rest } = rule;
  return rest.properties ? { ...rest, properties: mapValues(rest.properties, toRule) } : rest;
}

/** A quantity or an amount: the one union a structural schema has a word for. */
function isIntOrString({ type, anyOf = [] }: JsonSchema): boolean {
  return type === undefined && anyOf.map((it) => it.type).join(' or ') === 'integer or string';
}

/** Servers apply bounds to the number and the pattern to the text. There must be no type beside the marker. */
function intOrString({ anyOf = [], description, default: preset }: JsonSchema): JsonSchema {
  const [number = {}, text = {}] = anyOf;
  const { minimum, maximum } = kept(number);
  return {
    ...(description !== undefined && { description }),
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    ...(preset !== undefined && { default: preset }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(text.pattern !== undefined && { pattern: text.pattern }),
  };
}

function isKept(key: string): boolean {
  return KEPT.some((it) => it === key);
}

function kept(schema: JsonSchema): JsonSchema {
  const entries = KEPT.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]] as const);
  const result: JsonSchema = Object.fromEntries(entries);
  // `format: date-time` says it; Zod's pattern of 300 characters would only repeat it.
  if (schema.format !== undefined) delete result.pattern;
  if (result.minimum === Number.MIN_SAFE_INTEGER) delete result.minimum;
  if (result.maximum === Number.MAX_SAFE_INTEGER) delete result.maximum;
  if (result.default === '') delete result.default; // refused by Kubernetes 1.20
  return result;
}

/**
 * Kubernetes 1.20 built with a recent Go takes "" for null and refuses it (as in `matchLabels: {role: ""}`),
 * unless the field is nullable. A null is as harmless as an empty text.
 */
function mayBeEmpty(schema: JsonSchema): boolean {
  if (schema.type !== 'string' || schema.enum !== undefined || schema.format !== undefined) return false;
  if (schema.minLength !== undefined || schema.default !== undefined) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern).test('');
}

function format(schema: JsonSchema): JsonSchema {
  if (schema.format !== undefined) return { format: schema.format };
  if (schema.type !== 'integer') return {};
  return { format: (schema.maximum ?? Infinity) <= 2_147_483_647 ? 'int32' : 'int64' };
}

function mapValues(
  record: Record<string, JsonSchema>,
  map: (schema: JsonSchema) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
