import { z } from 'zod';
import { AGENT_API_VERSION } from './config.ts';
import { cron } from './cron.ts';
import { MARKS, NodeOpSpecSchema, SCHEDULED } from './nodeop.ts';
import { GivenSchema } from './parameters.ts';
import { EnvVar } from './pod-fields.ts';
import { duration, durationMs, namespaceName, object, objectName, show, timestamp } from './schema.ts';

export const NODEOPRUN_KIND = 'NodeOpRun';

const timeZone = () =>
  z.string().refine(isTimeZone, {
    error: ({ input }) => `expected a time zone such as "UTC" or "Europe/Berlin", found ${show(input)}`,
  });

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Nodes are started only inside it; also the JSON in the annotation that carries it to the cluster. */
export const WindowSchema = object({
  schedule: cron(5).describe('When the window opens: cron of five fields.'),
  duration: duration()
    .refine((text) => durationMs(text) > 0, 'must be longer than nothing')
    .describe('How long it stays open.'),
  timeZone: timeZone().default('UTC').describe('Time zone of the schedule.'),
});
export type Window = z.infer<typeof WindowSchema>;

/** What is run, where and when; the same for one run and for each run of a schedule. */
const WHAT = {
  nodeOp: objectName().describe('Name of the definition to run.'),
  parameters: GivenSchema.optional().describe(
    'Values of the parameters that the definition declares, by name; its defaults stand for the others.',
  ),
  overrides: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Partial NodeOp spec, merged into the definition as a JSON merge patch (null removes).'),
  env: z.array(EnvVar).optional().describe('Variables added to those of the definition; same names win.'),
  clusters: z
    .array(objectName())
    .min(1, 'names no cluster; leave it out for all of them')
    .optional()
    .describe('Clusters to run on; all when absent.'),
  window: WindowSchema.optional().describe('Nodes are started only inside this window.'),
};

const OVERRIDDEN = Object.fromEntries(
  Object.keys(NodeOpSpecSchema.shape).map((name) => [name, `write it under spec.overrides: {${name}: …}`]),
);

/** NodeOpRun: one run of a definition. It lives in Git only and is never applied to a cluster. */
export const NodeOpRunSchema = object({
  apiVersion: z.literal(AGENT_API_VERSION).describe('Group and version of this kind.'),
  kind: z.literal(NODEOPRUN_KIND).describe('The kind of this document.'),
  metadata: object({
    name: objectName().optional().describe('Name of the NodeOp it becomes, once in a cluster.'),
    generateName: z
      .string()
      .optional()
      .describe("Begins that name; the file's own name does when both are absent."),
    namespace: namespaceName()
      .optional()
      .describe("Namespace of the NodeOp; the definition's, or that of the configuration, when absent."),
    ...MARKS,
  })
    .optional()
    .describe('How the NodeOp is called.'),
  spec: object(
    {
      ...WHAT,
      suspend: z.boolean().optional().describe('Start no new node while true. May be changed at any time.'),
      notBefore: timestamp().optional().describe('Do not start the run earlier.'),
      notAfter: timestamp().optional().describe('Do not start the run any more after this.'),
    },
    { ...SCHEDULED, ...OVERRIDDEN },
  )
    .superRefine((spec, ctx) => {
      const { notBefore, notAfter } = spec;
      if (
        notBefore !== undefined &&
        notAfter !== undefined &&
        Date.parse(notAfter) <= Date.parse(notBefore)
      ) {
        ctx.addIssue({ code: 'custom', path: ['notAfter'], message: 'must be later than notBefore' });
      }
    })
    .describe('What is run, where and when.'),
});
export type NodeOpRun = z.infer<typeof NodeOpRunSchema>;

/** When runs are added; in a definition of its own, or in a NodeOpRun that names one. */
export const ScheduleSchema = object({
  schedule: cron(5).describe('When a run is due: cron of five fields.'),
  timeZone: timeZone().default('UTC').describe('Time zone of the schedule.'),
  concurrencyPolicy: z
    .enum(['Forbid', 'Allow'])
    .default('Forbid')
    .describe('Forbid: a run that is due while the one before is not over is skipped.'),
});

/** NodeOpRun with a schedule, which lives beside the definitions: a run file is added for each of its times. */
export const RecurringRunSchema = object({
  apiVersion: z.literal(AGENT_API_VERSION).describe('Group and version of this kind.'),
  kind: z.literal(NODEOPRUN_KIND).describe('The kind of this document.'),
  metadata: object({
    name: objectName().describe('Begins the names of its run files.'),
    namespace: namespaceName().optional().describe('Namespace of its NodeOps.'),
  }).describe('How its runs are called.'),
  spec: object({
    ...WHAT,
    ...ScheduleSchema.shape,
    suspend: z.boolean().optional().describe('Add no runs while true; none is made up for afterwards.'),
  }).describe('What is run, where and when again.'),
});
export type RecurringRun = z.infer<typeof RecurringRunSchema>;
