import { z } from 'zod';
import { expressionProblem, MAX_EXPRESSION } from '../cel/expression.ts';
import { command, imageName } from './pod-fields.ts';
import { int, object, objectName, show } from './schema.ts';
import { addressFlaw } from './web-address.ts';

/** Checks that a step of a rollout has to pass. */

/** A text in the Common Expression Language over `variables` that gives true or false. */
const expression = (...variables: string[]) =>
  z
    .string()
    .min(1, 'must not be empty')
    .superRefine((text, ctx) => {
      const message = expressionProblem(text, variables);
      if (message !== undefined) ctx.addIssue({ code: 'custom', message });
    })
    .meta({ maxLength: MAX_EXPRESSION });

const address = () =>
  z.string().superRefine((text, ctx) => {
    const message = addressFlaw(text);
    // What may hold a password is not shown.
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
  });

const OF_THE_CHECK = 'it stands beside the kind of the check, not in it';
const COMMON = {
  attempts: OF_THE_CHECK,
  timeoutSeconds: OF_THE_CHECK,
  intervalSeconds: OF_THE_CHECK,
  credentials: OF_THE_CHECK,
};

const HttpCheck = object(
  {
    url: address().describe(
      "Where the request goes. Its host must stand in checks.allowedHosts of the agent's configuration.",
    ),
    method: z.enum(['GET', 'HEAD']).default('GET').describe('Method of the request.'),
    expect: object({
      status: int(100).max(599).default(200).describe('The status that the answer must have.'),
      expression: expression('status', 'body')
        .optional()
        .describe(
          'CEL that must be true, over `status` and `body`, which is parsed when it is JSON and text otherwise.',
        ),
    })
      .prefault({})
      .describe('What the answer must be.'),
  },
  { ...COMMON, status: 'write it under expect', expression: 'write it under expect' },
);

const PrometheusCheck = object(
  {
    url: address()
      .refine((text) => !text.includes('?'), 'must not have a query; write that into query')
      .describe(
        "The server's address, to which /api/v1/query is added. Its host must stand in checks.allowedHosts of the agent's configuration.",
      ),
    query: z
      .string()
      .min(1, 'must not be empty')
      .max(4096)
      .describe('PromQL that gives a vector, or a number.'),
    expression: expression('result')
      .default('size(result) > 0')
      .describe('CEL that must be true, over `result`, the list of the values.'),
  },
  COMMON,
);

const CommandCheck = object(
  {
    image: imageName()
      .optional()
      .describe('Image of the pod; spec.image when absent or empty. It must not need root.'),
    command: command().describe(
      'Command of one pod, which has no rights on the host or in the cluster; exit 0 passes.',
    ),
  },
  COMMON,
);

const KINDS = ['http', 'prometheus', 'command'] as const;

const CheckSchema = object(
  {
    name: objectName().max(63).optional().describe('What it is called in status and report.'),
    http: HttpCheck.optional().describe('A request that must be answered as expected.'),
    prometheus: PrometheusCheck.optional().describe('A query whose result must be as expected.'),
    command: CommandCheck.optional().describe('A command that must end with exit code 0.'),
    credentials: objectName()
      .optional()
      .describe(
        "Name of an entry of checks.credentials of the agent's configuration, to send with the request.",
      ),
    attempts: int(1)
      .max(100)
      .default(3)
      .describe('Tries of one evaluation, 5 s apart; one that passes is enough.'),
    timeoutSeconds: int(1).max(3600).default(30).describe('Bound on each try, in seconds.'),
    intervalSeconds: int(1)
      .optional()
      .describe(
        'Evaluate it during the soak too, at this distance in seconds; two failed evaluations in a row end it.',
      ),
  },
  {
    url: 'write it under http or prometheus',
    query: 'write it under prometheus',
    expect: 'write it under http',
    image: 'write it under command',
  },
)
  .superRefine((it, ctx) => {
    const given = KINDS.filter((kind) => it[kind] !== undefined);
    const say = (path: string[], message: string) => ctx.addIssue({ code: 'custom', path, message });
    if (given.length === 0) say([], `needs one of ${KINDS.join(', ')}`);
    for (const kind of given.slice(1)) say([kind], `must have one kind, has ${given[0]} already`);
    if (it.credentials !== undefined && it.command) {
      say(['credentials'], `is for http and prometheus only, found ${show(it.credentials)}`);
    }
  })
  .meta({ oneOf: KINDS.map((kind) => ({ required: [kind] })) });
export type Check = z.infer<typeof CheckSchema>;

/** `steps[].checks`. */
export const ChecksSchema = z.array(CheckSchema).max(10);

/** One that is `Asking` has a try under way; `Waiting` is everything between two tries. */
const CHECK_PHASES = ['Waiting', 'Asking', 'Passed', 'Failed'] as const;

/** `status.steps[].checks`, in the order of the spec. */
export const CheckStatusSchema = object({
  name: z.string().describe('Its name, or its kind and its place in the list.'),
  phase: z.enum(CHECK_PHASES).describe('How it stands.'),
  tries: z.int().describe('How many were begun in all; the last of them is the one under way.'),
  attempt: z.int().describe('Which try of its evaluation the last one is; 0 between two evaluations.'),
  failures: z.int().optional().describe('Evaluations during the soak that failed in a row.'),
  afterSoak: z.boolean().optional().describe('The soak is over: what this evaluation says counts.'),
  changedAt: z.iso.datetime().describe('When the last try began or ended.'),
  message: z.string().optional().describe('What was seen last, masked and cut.'),
});
export type CheckStatus = z.infer<typeof CheckStatusSchema>;
