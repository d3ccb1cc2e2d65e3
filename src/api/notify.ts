import { z } from 'zod';
import { isSafeUrl } from './feedback.ts';
import { PLACEHOLDER, unknownPlaceholder } from './message-template.ts';
import { pattern } from './patterns.ts';
import { labelKey, labelValue } from './selector.ts';
import { duration, file, object, objectName, show } from './schema.ts';
import { addressFlaw } from './web-address.ts';

/** What is told of a run, in the order in which it comes about. */
export const NOTIFY_EVENTS = ['started', 'firstFailure', 'waiting', 'resumed', 'ended'] as const;
export type NotifyEventName = (typeof NOTIFY_EVENTS)[number];

const NOTIFY_OUTCOMES = ['Completed', 'Failed', 'Cancelled', 'Invalid'] as const;

/** What a template may name, each with its meaning; the values are made in `core/notify/fields.ts`. */
export const NOTIFY_FIELDS = {
  event: 'What happened: one of the events.',
  title: 'The same in a few words, with the name of the run: one line.',
  text: 'What there is to know of it: words of the gate, the node that failed and why, the counts.',
  name: 'Path of the run file, or <namespace>/<name> of a NodeOp that has none.',
  cluster: 'Name of the cluster; empty where it has none.',
  run: 'Path of the run file; empty for a NodeOp that was made by other means.',
  report: 'Path of the report in its repository, escaped for an address; empty where there is none.',
  namespace: 'Namespace of the NodeOp; empty for a run that has none yet.',
  nodeOp: 'Name of the NodeOp; empty for a run that has none yet.',
  phase: 'How the run stands: Waiting, Pending, Running, Completed, Failed, Cancelled or Invalid.',
  node: 'The node that failed first; empty for other events.',
  total: 'How many nodes it has.',
  completed: 'Nodes that are completed.',
  failed: 'Nodes that failed.',
  cancelled: 'Nodes that were given up or never begun.',
  severity: 'info, warning or critical.',
  alert:
    'NodeOpWaiting for waiting and resumed, NodeOpFailed for the others: what one alert is told from another by.',
  status: 'firing while there is something to look at, else resolved.',
  at: 'When it happened.',
  startsAt: 'Since when it is so: of a failure, of a wait.',
  endsAt: 'When it was over, or until when it is to be taken for firing.',
} as const;
export type NotifyField = keyof typeof NOTIFY_FIELDS;
const FIELD_NAMES = Object.keys(NOTIFY_FIELDS);

/** What is filled in has to stay a message. */
const MAX_TEMPLATE = 16 * 1024;
const MAX_PLACEHOLDERS = 100;
const MAX_DEPTH = 20;
const MAX_TARGETS = 20;

/** Addresses of these are secrets as a whole: who has one may write there. */
const SECRET_HOSTS =
  /(?:^|\.)(?:hooks\.slack\.com|logic\.azure\.com|powerplatform\.com|webhook\.office\.com|discord\.com)$/;

const template = () =>
  z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).superRefine((tree, ctx) => {
    for (const { path, message } of templateFlaws(tree)) ctx.addIssue({ code: 'custom', path, message });
  });

interface Flaw {
  path: (string | number)[];
  message: string;
}

function templateFlaws(tree: unknown): Flaw[] {
  const flaws: Flaw[] = [];
  let placeholders = 0;
  const look = (value: unknown, path: (string | number)[]): void => {
    if (path.length > MAX_DEPTH) {
      flaws.push({ path, message: `lies deeper than ${MAX_DEPTH} levels` });
    } else if (typeof value === 'string') {
      placeholders += value.match(PLACEHOLDER)?.length ?? 0;
      const unknown = unknownPlaceholder(value, FIELD_NAMES);
      if (unknown !== undefined) flaws.push({ path, message: unknown });
    } else if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, child] of Object.entries(value)) look(child, [...path, isList ? Number(key) : key]);
    }
  };
  look(tree, []);
  if (flaws.length > 0) return flaws;
  if (placeholders > MAX_PLACEHOLDERS)
    return [
      { path: [], message: `has ${placeholders} placeholders; at most ${MAX_PLACEHOLDERS} are filled in` },
    ];
  const { length } = JSON.stringify(tree);
  return length > MAX_TEMPLATE
    ? [{ path: [], message: `is ${length} characters as JSON; at most ${MAX_TEMPLATE} are sent` }]
    : [];
}

const address = () =>
  z.string().superRefine((text, ctx) => {
    const message = urlFlaw(text);
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
  });

const WAY = 'put the address into a file and name that as urlFile';

/** What stands in the configuration is read by many; what lets somebody write to a channel must not be in it. */
function urlFlaw(text: string): string | undefined {
  const flaw = addressFlaw(text);
  if (flaw !== undefined) return flaw.replace('credentials names those to send', WAY);
  const { hostname, search } = new URL(text);
  if (SECRET_HOSTS.test(hostname)) return `an address of ${hostname} is a secret: ${WAY}`;
  return search === '' ? undefined : `may hold a secret after "?": ${WAY}`;
}

const Only = object({
  clusters: z.array(objectName()).min(1).optional().describe('Clusters of one of these names.'),
  namespaces: z
    .array(objectName())
    .min(1)
    .optional()
    .describe('NodeOps of these namespaces; runs that have no NodeOp yet are in none.'),
  runs: z
    .array(pattern())
    .min(1)
    .optional()
    .describe(
      'Runs whose path one of these regular expressions (RE2) finds; NodeOps made by other means have no path.',
    ),
  labels: z
    .record(labelKey(), labelValue())
    .optional()
    .describe('NodeOps with all of these labels; runs that have no NodeOp yet have none.'),
  outcomes: z
    .array(z.enum(NOTIFY_OUTCOMES))
    .min(1)
    .optional()
    .describe('Of the ends those with one of these outcomes; other events are told all the same.'),
});

export const NotifyTargetSchema = object({
  name: objectName()
    .max(40)
    .describe('What it is called in the log, the metrics and the record; a new name is a new target.'),
  url: address()
    .optional()
    .describe('Where to post to, when that is no secret: an Alertmanager, for example.'),
  urlFile: file(
    'File with the address to post to, when that is a secret, as those of Slack and Teams are.',
  ).optional(),
  headersFile: file('Headers to send, a line each, such as "Authorization: Bearer …".').optional(),
  events: z
    .array(z.enum(NOTIFY_EVENTS))
    .min(1)
    .default([...NOTIFY_EVENTS])
    .describe('What is told; all of it when absent.'),
  only: Only.prefault({}).describe(
    'Of which runs; of all that there are when empty. All that is given has to hold.',
  ),
  waitingAfter: duration()
    .default('1h')
    .describe('A run that does not get on for so long is told as waiting, once a wait.'),
  escape: z
    .enum(['none', 'slack', 'markdown'])
    .default('none')
    .describe(
      'What the receiver reads in texts: what people, nodes and servers have said is then no markup, link or mention.',
    ),
  timeout: duration().default('10s').describe('Bound on one request.'),
  template: template()
    .optional()
    .describe(
      'The JSON to post; {title} and other fields in its texts are filled in. All fields as one object when absent.',
    ),
}).superRefine((it, ctx) => {
  const say = (path: string[], message: string) => ctx.addIssue({ code: 'custom', path, message });
  if (it.url === undefined && it.urlFile === undefined)
    say([], 'needs url, or urlFile when the address is a secret');
  if (it.url !== undefined && it.urlFile !== undefined)
    say(['urlFile'], 'url says it already; leave one of them out');
  if (
    it.url !== undefined &&
    it.headersFile !== undefined &&
    addressFlaw(it.url) === undefined &&
    !isSafeUrl(it.url)
  )
    say(['url'], 'must be https: the headers would be readable on their way');
});
export type NotifyTarget = z.infer<typeof NotifyTargetSchema>;

export const NotifySchema = z
  .array(NotifyTargetSchema)
  .max(MAX_TARGETS)
  .superRefine((targets, ctx) => {
    for (const [i, { name }] of targets.entries()) {
      const first = targets.findIndex((it) => it.name === name);
      if (first !== i)
        ctx.addIssue({
          code: 'custom',
          path: [i, 'name'],
          message: `notify[${first}] has the name ${show(name)} too`,
        });
    }
  });
