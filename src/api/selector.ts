import { z } from 'zod';
import { MAX_QUALIFIED_NAME, QUALIFIED_NAME } from './qualified-name.ts';
import { object } from './schema.ts';

export const labelKey = () =>
  z.string().min(1).max(MAX_QUALIFIED_NAME).regex(QUALIFIED_NAME, 'not a label key');
export const labelValue = () =>
  z
    .string()
    .max(63)
    .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'not a label value');

/** The operators' rules as an API server understands them; Zod's refinement below is their twin. */
const OPERATOR_RULES = {
  anyOf: [
    {
      properties: { operator: { enum: ['In', 'NotIn'] }, values: { minItems: 1 } },
      required: ['values'],
    },
    { properties: { operator: { enum: ['Exists', 'DoesNotExist'] }, values: { maxItems: 0 } } },
  ],
};

const LabelSelectorRequirement = object({
  key: labelKey().describe('The label key that the selector applies to.'),
  operator: z
    .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
    .describe('How the label of a node is compared with the values.'),
  values: z
    .array(labelValue())
    .optional()
    .describe('Values for In and NotIn; none for Exists and DoesNotExist.'),
})
  .superRefine((it, ctx) => {
    const needsValues = it.operator === 'In' || it.operator === 'NotIn';
    const count = it.values?.length ?? 0;
    if (needsValues && count === 0) {
      ctx.addIssue({
        code: 'custom',
        path: ['values'],
        message: `operator ${it.operator} needs at least one value`,
      });
    }
    if (!needsValues && count > 0) {
      ctx.addIssue({ code: 'custom', path: ['values'], message: `operator ${it.operator} takes no values` });
    }
  })
  .meta(OPERATOR_RULES);

/** As `metav1.LabelSelector` is written. */
export const LabelSelector = object({
  matchLabels: z
    .record(labelKey(), labelValue())
    .optional()
    .describe('Labels that a node must have, all of them.'),
  matchExpressions: z
    .array(LabelSelectorRequirement)
    .optional()
    .describe('Conditions that must hold, all of them.'),
}).meta({ 'x-kubernetes-map-type': 'atomic' });
export type LabelSelector = z.infer<typeof LabelSelector>;
