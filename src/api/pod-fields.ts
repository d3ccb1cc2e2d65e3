import { z } from 'zod';
import { imageProblem } from './image-name.ts';
import { CONTAINER } from './labels.ts';
import {
  divisorProblem,
  fieldPathProblem,
  keyProblem,
  mountPathProblem,
  resourceProblem,
  tolerationProblems,
  wordProblem,
} from './pod-rules.ts';
import { MAX_QUANTITY, QUANTITY, resourcesProblems } from './resource-rules.ts';
import { MANY_PROBLEMS, object, objectName, show } from './schema.ts';
import { found } from './wording.ts';

/** Fields of a NodeOp that go into its pods as they are written; shapes of core/v1. */

/** Says what a rule finds; what it says is no part of the schemas that are generated. */
const ruled = (rule: (text: string) => string | undefined) =>
  z.string().superRefine((text, ctx) => {
    const problem = rule(text);
    if (problem !== undefined) ctx.addIssue({ code: 'custom', message: `${problem}, found ${show(text)}` });
  });

/** Empty as good as absent. */
export const imageName = () => ruled((text) => (text === '' ? undefined : imageProblem(text)));

/** The words of a program that is begun: its name, and what it is given. */
export const command = () =>
  z
    .array(ruled(wordProblem))
    .min(1, 'needs at least one word')
    .refine(([first]) => typeof first !== 'string' || first.trim() !== '', {
      path: [0],
      error: 'must name a program',
    });

/** Where a file system is mounted in a container. */
export const mountPath = () =>
  z
    .string()
    .regex(/^\/+[^/]/, 'must be an absolute path other than "/"')
    .superRefine((text, ctx) => {
      const message = text.startsWith('/') ? mountPathProblem(text) : undefined;
      if (message !== undefined) ctx.addIssue({ code: 'custom', message });
    });

/** Made once: to make a schema takes longer than to check a name. */
const OBJECT_NAME = objectName();

const secretName = (text: string) =>
  OBJECT_NAME.safeParse(text).success ? undefined : 'not the name of a Secret or ConfigMap';

/** One without a name is allowed, and names nothing. */
export const pullSecret = () => ruled((text) => (text === '' ? undefined : secretName(text)));

const keyRef = () =>
  object({
    name: ruled(secretName).describe('Name of the object.'),
    key: ruled(keyProblem).describe('Key in its data.'),
    optional: z.boolean().optional().describe('Whether the container starts without it, too.'),
  });

const versionProblem = (text: string) => (text === '' || text === 'v1' ? undefined : 'must be "v1"');
const containerProblem = (text: string) =>
  text === '' || text === CONTAINER ? undefined : `must be left out, or ${show(CONTAINER)}`;

const SOURCES = ['secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'] as const;

export const EnvVar = object({
  name: z
    .string()
    .regex(/^[\x20-\x3c\x3e-\x7e]+$/, 'not a name for an environment variable')
    .describe('Name of the variable.'),
  value: ruled(wordProblem).optional().describe('The value itself; empty when absent.'),
  valueFrom: object({
    secretKeyRef: keyRef().optional().describe('A key of a Secret in the namespace of the NodeOp.'),
    configMapKeyRef: keyRef().optional().describe('A key of a ConfigMap in the namespace of the NodeOp.'),
    fieldRef: object({
      fieldPath: ruled(fieldPathProblem).describe('Path of the field, such as spec.nodeName.'),
      apiVersion: ruled(versionProblem).optional().describe('Version the path is of; v1 when absent.'),
    })
      .optional()
      .describe('A field of the pod.'),
    resourceFieldRef: object({
      resource: ruled(resourceProblem).describe('Such as limits.memory.'),
      containerName: ruled(containerProblem).optional().describe('Container it is of; this one when absent.'),
      divisor: z.string().optional().describe('Unit the value is told in, such as 1Mi; 1 when absent.'),
    })
      .superRefine(({ resource, divisor = '' }, ctx) => {
        const message = divisorProblem(resource, divisor);
        if (message !== undefined)
          ctx.addIssue({ code: 'custom', path: ['divisor'], message: `${message}, found ${show(divisor)}` });
      })
      .optional()
      .describe('A request or limit of a container.'),
  })
    .optional()
    .describe('Source of the value, as in a container; not together with value.'),
}).superRefine(({ value, valueFrom }, ctx) => {
  if (valueFrom === undefined) return;
  const given = SOURCES.filter((it) => valueFrom[it] !== undefined);
  const say = (message: string) => ctx.addIssue({ code: 'custom', path: ['valueFrom'], message });
  if (given.length === 0) say(`needs one of ${SOURCES.join(', ')}`);
  if (given.length > 1) say(`must have one source, has ${given.join(' and ')}`);
  if (value !== undefined && value !== '') say('must be left out where there is a value');
});

export const Toleration = object({
  key: z.string().optional().describe('Key of the taint; any when absent, with operator Exists.'),
  operator: z
    .enum(['Exists', 'Equal'])
    .optional()
    .describe('Whether the taint has to have the value; Equal when absent.'),
  value: z.string().optional().describe('Value of the taint, with operator Equal.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Effect of the taint; any when absent.'),
  tolerationSeconds: z
    .int()
    .optional()
    .describe('How long NoExecute is tolerated, in seconds; for good when absent.'),
}).superRefine((it, ctx) => {
  for (const problem of tolerationProblems(it)) ctx.addIssue({ code: 'custom', ...problem });
});

const A_QUANTITY = 'expected a quantity such as "200m" or "128Mi"';

const quantity = () =>
  z.union([z.int(), z.string().max(MAX_QUANTITY).regex(QUANTITY, A_QUANTITY)], {
    error: ({ input }) => {
      const way = typeof input === 'number' ? `; quote it: "${input}"` : '';
      return `${A_QUANTITY}, found ${found(input)}${way}`;
    },
  });

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
    .array(
      object({
        name: z.string().describe('Name of a claim of the pod.'),
        request: z.string().optional().describe('One request of that claim; all of them when absent.'),
      }),
    )
    .optional()
    .describe('Claims of dynamic resource allocation, as in a container.'),
}).superRefine((it, ctx) => {
  for (const problem of resourcesProblems(it).slice(0, MANY_PROBLEMS))
    ctx.addIssue({ code: 'custom', ...problem });
});
/** Quantities are text, or whole numbers. */
export type ResourceRequirements = z.infer<typeof ResourceRequirements>;
