import { z } from 'zod';
import { type Amount, amount } from './amount.ts';
import { CheckStatusSchema, ChecksSchema } from './checks.ts';
import { int, object, show } from './schema.ts';
import { LabelSelector } from './selector.ts';

/** The step of the nodes that no step names. */
export const REST = 'rest';

/** What other places call something else, so that no step may have the name. */
const RESERVED: ReadonlySet<string> = new Set(['start', 'freeze', REST]);

/** One character of `status.stepOf` names a step, and that of the rest is among them. */
const MOST_STEPS = 20;

const stepName = () =>
  z
    .string()
    .max(63)
    .regex(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
      'expected lower-case letters, digits and "-", starting and ending with a letter or digit',
    )
    .refine((name) => !RESERVED.has(name), {
      error: ({ input }) => `${show(input)} has a meaning of its own and names no step; choose another name`,
    });

const StepSchema = object({
  name: stepName().describe('Name of the step, a DNS label; "start", "freeze" and "rest" are taken.'),
  nodeSelector: LabelSelector.optional().describe(
    'Which of the targets that are in no earlier step it takes; all of them when absent.',
  ),
  upTo: amount({ least: 1 })
    .optional()
    .describe(
      'How many of all targets, or which share of them, are in this step or an earlier one; all that match when absent.',
    ),
  concurrency: amount({ least: 0 })
    .optional()
    .describe(
      'Nodes of the step worked on at the same time, or which share of them; spec.concurrency when absent.',
    ),
  maxFailures: amount({ least: 0, noneAsShare: true })
    .default(0)
    .describe('Failed nodes of the step tolerated, or which share of them; one more fails the step.'),
  soakSeconds: int()
    .default(0)
    .describe('How long the step is watched after its last node is finished, before it is passed.'),
  soakGraceSeconds: int()
    .default(60)
    .describe(
      'How long a finished node may be not Ready during the soak before it counts as failed for the step.',
    ),
  checks: ChecksSchema.optional().describe('What the step has to pass after its soak.'),
});
export type Step = z.infer<typeof StepSchema>;

export const StepsSchema = z
  .array(StepSchema)
  .min(1)
  .max(MOST_STEPS)
  .superRefine(
    (steps: unknown[], ctx) => {
      for (const { path, message } of problemsOf(steps.slice(0, MOST_STEPS)))
        ctx.addIssue({ code: 'custom', path, message });
    },
    // Also where single steps are wrong: all of it is told at once.
    { when: ({ value }) => Array.isArray(value) },
  );

/** As much of a step as others are compared with. */
const Named = z.looseObject({ name: z.string(), upTo: amount({ least: 1 }).optional().catch(undefined) });

/** What is wrong between steps. A number and a share are only compared once it is known how many nodes there are. */
function problemsOf(steps: readonly unknown[]): { path: (string | number)[]; message: string }[] {
  const problems: { path: (string | number)[]; message: string }[] = [];
  const names = new Map<string, number>();
  const most: { [kind: string]: { name: string; upTo: Amount } } = {};
  for (const [i, step] of steps.entries()) {
    const { name, upTo } = Named.safeParse(step).data ?? {};
    if (name === undefined) continue;
    const first = names.get(name);
    if (first === undefined) names.set(name, i);
    else problems.push({ path: [i, 'name'], message: `steps[${first}] has the name ${show(name)} too` });
    if (upTo === undefined) continue;
    const before = most[typeof upTo];
    if (before !== undefined && sizeOf(upTo) < sizeOf(before.upTo)) {
      const message = `must not go down: step ${show(before.name)} goes up to ${before.upTo} already, found ${upTo}`;
      problems.push({ path: [i, 'upTo'], message });
    } else most[typeof upTo] = { name, upTo };
  }
  return problems;
}

const sizeOf = (upTo: Amount) => Number.parseInt(String(upTo), 10);

const STEP_PHASES = [
  'Pending',
  'Running',
  'Soaking',
  'Checking',
  'AwaitingApproval',
  'Passed',
  'Failed',
  'Cancelled',
] as const;
export type StepPhase = (typeof STEP_PHASES)[number];

export const StepStatusSchema = object({
  name: z.string().describe('Name of the step.'),
  phase: z.enum(STEP_PHASES).describe('How it stands.'),
  nodes: z.int().describe('How many nodes are in the step.'),
  finished: z.int().describe('How many of them are finished, failed ones among them.'),
  failed: z.int().describe('How many of them failed, or count as failed for the step.'),
  since: z.iso.datetime().optional().describe('When the present phase began.'),
  message: z.string().optional().describe('What is waited for, or why the step failed or was given up.'),
  checks: z.array(CheckStatusSchema).optional().describe('How each of its checks stands, from the soak on.'),
});
export type StepStatus = z.infer<typeof StepStatusSchema>;
