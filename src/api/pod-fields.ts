import { z } from 'zod';
import { object } from './schema.ts';

/** Fields of a NodeOp that go into its pods as they are written; shapes of core/v1. */

const keyRef = () => object({ name: z.string(), key: z.string(), optional: z.boolean().optional() });

export const EnvVar = object({
  name: z
    .string()
    .regex(/^[^=\0]+$/, 'not a name for an environment variable')
    .describe('Name of the variable.'),
  value: z.string().optional(),
  valueFrom: object({
    secretKeyRef: keyRef().optional(),
    configMapKeyRef: keyRef().optional(),
    fieldRef: object({ fieldPath: z.string(), apiVersion: z.string().optional() }).optional(),
    resourceFieldRef: object({
      resource: z.string(),
      containerName: z.string().optional(),
      divisor: z.string().optional(),
    }).optional(),
  })
    .optional()
    .describe('Source of the value, as in a container; not together with value.'),
});

export const Toleration = object({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

/** As apimachinery's `resource.Quantity` is read: `200m`, `1.5`, `128Mi`, `1e3`. */
const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?(\d+(\.\d*)?|\.\d+))?$/;

const quantity = () =>
  z.union(
    [z.int(), z.string().regex(QUANTITY, 'expected a quantity such as "200m" or "128Mi"')],
    'expected a quantity such as "200m" or "128Mi", in quotes unless it is a whole number',
  );

export const ResourceRequirements = object({
  requests: z
    .record(z.string(), quantity())
    .optional()
    .describe('What the kubelet must have free, by resource.'),
  limits: z
    .record(z.string(), quantity())
    .optional()
    .describe('What the container may use at most, by resource.'),
  claims: z
    .array(object({ name: z.string(), request: z.string().optional() }))
    .optional()
    .describe('Claims of dynamic resource allocation, as in a container.'),
});
/** Quantities are text, or whole numbers. */
export type ResourceRequirements = z.infer<typeof ResourceRequirements>;
