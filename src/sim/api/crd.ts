import { badRequest, invalid } from '../store/errors.ts';
import { isRecord, type Obj } from '../store/object.ts';
import type { ResourceType } from '../resources.ts';

/** A structural OpenAPI v3 schema, the part of it that CRDs here use. */
export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
  nullable?: boolean;
  format?: string;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

export interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  /** Above 0: shown with `-o wide` alone. */
  priority?: number;
}

interface CrdVersion {
  name: string;
  served: boolean;
  subresources?: { status?: object };
  schema?: { openAPIV3Schema?: Schema };
  additionalPrinterColumns?: PrinterColumn[];
}

interface CrdSpec {
  group: string;
  scope: string;
  names: { plural: string; kind: string; shortNames?: string[] };
  versions: CrdVersion[];
}

/** A custom type: what it is, its schema and its columns. */
export interface CustomType {
  type: ResourceType;
  schema: Schema;
  columns: PrinterColumn[];
}

export function customTypes(crd: Obj): CustomType[] {
  const spec = crd.spec as unknown as CrdSpec;
  return spec.versions
    .filter(({ served }) => served)
    .map((version) => ({
      type: {
        group: spec.group,
        version: version.name,
        plural: spec.names.plural,
        kind: spec.names.kind,
        namespaced: spec.scope === 'Namespaced',
        status: version.subresources?.status !== undefined,
        shortNames: spec.names.shortNames ?? [],
        subresources: [],
      },
      schema: version.schema?.openAPIV3Schema ?? {},
      columns: version.additionalPrinterColumns ?? [],
    }));
}

/** The object as the API server would store it: unknown fields dropped, defaults filled in; else 422. */
export function admit(custom: CustomType, object: Obj): Obj {
  const { apiVersion, kind, metadata, ...fields } = object;
  const admitted = prune(withDefaults(fields, custom.schema), custom.schema, true) as Record<string, unknown>;
  const causes = validate(admitted, custom.schema, '');
  if (causes.length > 0) {
    throw invalid(
      `${custom.type.kind}.${custom.type.group}`,
      metadata.name ?? metadata.generateName ?? '',
      causes,
    );
  }
  return { ...admitted, apiVersion, kind, metadata } as Obj;
}

/** With `fieldValidation=Strict`: what would be dropped is an error. */
export function refuseUnknown({ type, schema }: CustomType, object: Obj): void {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = object;
  const unknown = unknownFields(fields, prune(fields, schema, true), '');
  if (unknown.length === 0) return;
  const list = unknown.map((path) => `unknown field "${path}"`).join(', ');
  throw badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${list}`,
  );
}

function unknownFields(value: unknown, pruned: unknown, path: string): string[] {
  if (Array.isArray(value) && Array.isArray(pruned)) {
    return value.flatMap((item, i) => unknownFields(item, pruned[i], `${path}[${i}]`));
  }
  if (!isRecord(value) || !isRecord(pruned)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return key in pruned ? unknownFields(item, pruned[key], at) : [at];
  });
}

/** An object stored before its definition grew: read back with the new defaults. */
export function defaulted(custom: CustomType, { apiVersion, kind, metadata, ...fields }: Obj): Obj {
  return {
    ...(withDefaults(fields, custom.schema) as Record<string, unknown>),
    apiVersion,
    kind,
    metadata,
  } as Obj;
}

function childSchema(schema: Schema, key: string): Schema | undefined {
  const own = schema.properties?.[key];
  if (own) return own;
  return isRecord(schema.additionalProperties) ? schema.additionalProperties : undefined;
}

function prune(value: unknown, schema: Schema, root = false): unknown {
  if (Array.isArray(value))
    return schema.items ? value.map((item) => prune(item, schema.items ?? {})) : value;
  if (!isRecord(value)) return value;
  const keep =
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const child = childSchema(schema, key);
    if (child) result[key] = prune(item, child);
    else if (keep || (root && schema.properties === undefined)) result[key] = item;
  }
  return result;
}

function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(item, schema.items ?? {}));
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (result[key] === undefined && child.default !== undefined)
      result[key] = structuredClone(child.default);
  }
  for (const key of Object.keys(result)) {
    const child = childSchema(schema, key);
    if (child) result[key] = withDefaults(result[key], child);
  }
  return result;
}

interface Cause {
  field: string;
  message: string;
}

function validate(value: unknown, schema: Schema, field: string): Cause[] {
  if (value === null && schema.nullable) return [];
  const causes = [...validateType(value, schema, field)];
  if (causes.length > 0) return causes;
  const bad = (message: string) => causes.push({ field: field || 'spec', message });
  if (schema.enum && !schema.enum.includes(value))
    bad(
      `Unsupported value: ${JSON.stringify(value)}: supported values: ${schema.enum.map((item) => JSON.stringify(item)).join(', ')}`,
    );
  if (typeof value === 'string') {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
      bad(`Invalid value: ${JSON.stringify(value)}: should match '${schema.pattern}'`);
    if (schema.minLength !== undefined && value.length < schema.minLength)
      bad(`Invalid value: ${JSON.stringify(value)}: should be at least ${schema.minLength} chars long`);
    if (schema.maxLength !== undefined && value.length > schema.maxLength)
      bad(`Too long: may not be longer than ${schema.maxLength}`);
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum)
      bad(`Invalid value: ${value}: should be greater than or equal to ${schema.minimum}`);
    if (schema.maximum !== undefined && value > schema.maximum)
      bad(`Invalid value: ${value}: should be less than or equal to ${schema.maximum}`);
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems)
      bad(`Invalid value: ${value.length}: should have at least ${schema.minItems} items`);
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      bad(`Too many: must have at most ${schema.maxItems} items`);
    if (schema.items)
      for (const [i, item] of value.entries()) causes.push(...validate(item, schema.items, `${field}[${i}]`));
  }
  if (isRecord(value)) causes.push(...validateFields(value, schema, field));
  if (schema.anyOf && !schema.anyOf.some((option) => validate(value, option, field).length === 0)) {
    bad('Invalid value: must validate one schema (anyOf)');
  }
  if (
    schema.oneOf &&
    schema.oneOf.filter((option) => validate(value, option, field).length === 0).length !== 1
  ) {
    bad('Invalid value: must validate one and only one schema (oneOf)');
  }
  return causes;
}

function validateFields(value: Record<string, unknown>, schema: Schema, field: string): Cause[] {
  const path = (key: string) => (field === '' ? key : `${field}.${key}`);
  const missing = (schema.required ?? []).filter((key) => value[key] === undefined);
  const causes = missing.map((key) => ({ field: path(key), message: 'Required value' }));
  for (const [key, item] of Object.entries(value)) {
    const child = childSchema(schema, key);
    if (child && item !== undefined) causes.push(...validate(item, child, path(key)));
  }
  return causes;
}

function validateType(value: unknown, schema: Schema, field: string): Cause[] {
  if (schema.type === undefined) return [];
  const actual = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  const fits = schema.type === 'integer' ? Number.isInteger(value) : actual === schema.type;
  return fits ? [] : [{ field, message: `Invalid value: "${actual}": must be of type ${schema.type}` }];
}
