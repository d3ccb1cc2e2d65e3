import { z } from 'zod';
import { NodeOpSpecSchema } from './nodeop.ts';
import { pattern } from './patterns.ts';
import { object } from './schema.ts';

/** What a definition says of the runs that name it. It lives in Git alone, and no NodeOp has it. */

/** Of whatever type the parameter is; judged with it. */
const ANY = { type: ['string', 'integer', 'boolean'] };
const value = () => z.unknown().meta(ANY);
export type Value = string | number | boolean;

/** Set by the agent, or heeded by whatever is executed before it has looked at anything: loaders and shells. */
const RESERVED = /^(?:HOST_DIR|BOOT_ID|PATH|LD_.*|IFS|PS4|BASH_ENV|BASHOPTS|SHELLOPTS)$/;

const MAX_PARAMETERS = 50;
const MAX_ALLOWED = 100;

const ParameterSchema = object({
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable: letters, digits and "_"')
    .refine((name) => !RESERVED.test(name), {
      error: ({ input }) => `cannot be ${String(input)}, which the agent, the loader or the shell heeds`,
    })
    .describe('Name of the environment variable. Not HOST_DIR, BOOT_ID, PATH, LD_* or what shells heed.'),
  description: z.string().optional().describe('What it is for; people read it.'),
  type: z
    .enum(['string', 'integer', 'boolean'])
    .default('string')
    .describe('What a run has to write: text, a whole number in decimal digits, or true or false.'),
  enum: z
    .array(value())
    .min(1, 'allows nothing; leave it out to allow every value')
    .max(MAX_ALLOWED)
    .optional()
    .describe('The values that are allowed.'),
  pattern: pattern()
    .optional()
    .describe('Regular expression (RE2) that is found in every allowed text; ^ and $ make it say all of it.'),
  minimum: z.int().optional().describe('The least whole number that is allowed.'),
  maximum: z.int().optional().describe('The greatest whole number that is allowed.'),
  default: value().optional().describe('Value where a run gives none; without it the variable is not set.'),
  required: z.boolean().default(false).describe('Whether each run has to give a value.'),
});
export type Parameter = z.infer<typeof ParameterSchema>;

const FIELDS = Object.keys(NodeOpSpecSchema.shape) as (keyof typeof NodeOpSpecSchema.shape)[];

export const DeclaredSchema = object({
  parameters: z
    .array(ParameterSchema)
    .max(MAX_PARAMETERS)
    .optional()
    .describe('What its runs can be given, as environment variables of the containers.'),
  overridable: z
    .array(z.enum(FIELDS))
    .optional()
    .describe(
      'Fields of the spec that runs may override; all when absent. Without env among them, env neither.',
    ),
});
export type Declared = z.infer<typeof DeclaredSchema>;

/** Values of the parameters that a run gives. */
export const GivenSchema = z.record(z.string(), z.unknown()).meta({ additionalProperties: ANY });
