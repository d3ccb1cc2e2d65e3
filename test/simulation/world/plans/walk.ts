import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { NodePlan, OpPlan, Plan } from '../plan.ts';
import { Random } from '../random.ts';

/** The part of OpenAPI that definitions of custom resources are written in. */
interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minItems?: number;
  'x-kubernetes-int-or-string'?: boolean;
}

const file = 'manifests/crd/nodeops.operator.kairos.io.yaml';
const definition = load(readFileSync(file, 'utf8')) as {
  spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
};
const spec = definition.spec.versions[0]?.schema.openAPIV3Schema.properties.spec;

/** How the image behaves is in its name: `Fleet` reads it. */
const IMAGES = [
  'alpine:3.20',
  'alpine:3.20',
  'example.org/failing:1',
  'example.org/missing:1',
  'example.org/hanging:1',
];

/** Texts that make sense where a field has this name; elsewhere any word is as good. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  image: IMAGES,
  hostMountPath: ['/host', '/mnt/root'],
  topologyKey: ['zone'],
  key: ['zone', 'kubernetes.io/hostname'],
  operator: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
  effect: ['NoSchedule', 'NoExecute'],
  matchLabels: ['zone-0', 'zone-1'],
  values: ['zone-0', 'node-1'],
  limits: ['200m', '64Mi'],
  requests: ['100m', '32Mi'],
};
const KEYS: Readonly<Record<string, readonly string[]>> = {
  matchLabels: ['zone'],
  limits: ['cpu', 'memory'],
  requests: ['cpu', 'memory'],
};

/**
 * As Acto does it: specs made from the schema, one after the other on the same cluster, those that fail or are refused among them;
 * and in the end a plain one, which has to go as it would on a new cluster.
 */
export function walkOf(seed: number): Plan {
  const random = new Random(seed);
  const nodes = Array.from({ length: random.between(1, 3) }, (_, i) => node(i + 1));
  const length = random.between(3, 6);
  const ops: OpPlan[] = Array.from({ length }, (_, i) => ({
    at: 1_000,
    name: `op-${i + 1}`,
    next: true,
    spec: made(random, spec ?? {}, 'spec') as Record<string, unknown>,
  }));
  const plain = { image: 'alpine:3.20', command: ['flash'], concurrency: 1, cordon: true };
  const last: OpPlan = { at: 1_000, name: 'op-last', next: true, spec: plain };
  return { seed, repository: false, replicas: 1, nodes, ops: [...ops, last], events: [], wayBack: 'op-last' };
}

function node(index: number): NodePlan {
  const quick = { startMs: 300, runMs: 1_000, exitCode: 0 };
  return {
    name: `node-${index}`,
    zone: `zone-${index % 2}`,
    make: { bootMs: 5_000, lagMs: 10, reboots: 'once', endMs: 500 },
    command: quick,
    preflight: quick,
    workload: true,
  };
}

function made(random: Random, schema: Schema, name: string): unknown {
  if (schema.enum) return random.pick(schema.enum);
  if (schema['x-kubernetes-int-or-string'] === true)
    return random.chance(0.5) ? random.between(0, 2) : `${random.pick([1, 34, 50, 100])}%`;
  switch (schema.type ?? 'string') {
    case 'integer':
    case 'number':
      return number(random, schema, name);
    case 'boolean':
      return random.chance(0.3);
    case 'array': {
      const length = Math.max(schema.minItems ?? 0, random.between(0, 2));
      return Array.from({ length }, () => made(random, schema.items ?? {}, name));
    }
    case 'object':
      return object(random, schema, name);
    default:
      return random.pick(TEXTS[name] ?? ['word', 'other']);
  }
}

function number(random: Random, { minimum = 0, maximum = 2 ** 31 - 1 }: Schema, name: string): number {
  const usual = name.endsWith('Seconds') ? [minimum, 5, 60, 600] : [minimum, 0, 1, 2];
  return Math.min(maximum, Math.max(minimum, random.pick(usual)));
}

function object(random: Random, schema: Schema, name: string): Record<string, unknown> {
  const { properties, required = [], additionalProperties } = schema;
  if (properties === undefined) {
    const values = typeof additionalProperties === 'object' ? additionalProperties : { type: 'string' };
    const key = random.pick(KEYS[name] ?? ['word']);
    return { [key]: made(random, values, name) };
  }
  const names = Object.keys(properties).filter((it) => required.includes(it) || random.chance(0.3));
  return Object.fromEntries(names.map((it) => [it, made(random, properties[it] ?? {}, it)]));
}
