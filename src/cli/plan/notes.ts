import type { NodeOpSpec } from '../../api/nodeop.ts';
import { meantOtherwise } from '../../core/external/spec.ts';
import type { Outlook } from '../../core/preview/outlook.ts';
import { unguardedText } from '../../core/rollout/retries.ts';
import type { PlanContext } from './context.ts';
import type { Valid } from './read-run.ts';
import type { ClusterView } from './view.ts';

/** What was found out about a run beside its order and its drains. */
export interface Found {
  outlook: Outlook;
  /** What other run files that ask for the same NodeOp mean for it. */
  sharing: Outlook;
  /** What could not be read. */
  gaps: readonly string[];
}

export interface NotedRun {
  prepared: Valid;
  differs: boolean | undefined;
  imageNotes: readonly string[];
  /** As it will be carried out, with all defaults. */
  spec: NodeOpSpec;
}

/** What a reviewer should know that blocks nothing. */
export function notesOf(
  { prepared, differs, imageNotes, spec }: NotedRun,
  { outlook, sharing, gaps }: Found,
  context: PlanContext,
  view: ClusterView,
): string[] {
  return [
    ...(differs === true ? [DIFFERS] : []),
    ...brakeOf(view),
    ...outlook.notes,
    ...sharing.notes,
    ...othersOf(context, prepared),
    ...timesOf(prepared),
    ...retriesOf(context, spec, view),
    ...signaturesOf(context),
    ...imageNotes,
    ...gaps,
    ...pastGapOf(context),
  ];
}

const DIFFERS =
  'the checkout shows another text than git stores (.gitattributes); this is what git stores, and what is carried out';

function othersOf({ executor }: PlanContext, { manifest }: Valid): string[] {
  if (executor === 'agent') return [];
  const said =
    'another controller carries it out: order, drains and times are what this agent would make of it';
  return [said, ...meantOtherwise(manifest.spec)];
}

function retriesOf({ executor }: PlanContext, spec: NodeOpSpec, { minor }: ClusterView): string[] {
  const text = executor === 'agent' ? unguardedText(spec, minor) : undefined;
  return text === undefined ? [] : [text];
}

function timesOf({ notAfter, window }: Valid): string[] {
  return [
    ...(notAfter === undefined ? [] : [`starts not after ${notAfter}`]),
    ...(window === undefined
      ? []
      : [`starts nodes only for ${window.duration} from "${window.schedule}" on (${window.timeZone})`]),
  ];
}

function brakeOf({ held }: ClusterView): string[] {
  return held === undefined ? [] : [`nothing begins before the hold is taken away: ${held}`];
}

function signaturesOf({ verifies }: PlanContext): string[] {
  return verifies
    ? [
        'signatures are asked for (git.verify) and not judged here: unless an allowed key signed its commits, it is Invalid',
      ]
    : [];
}

function pastGapOf({ results }: PlanContext): string[] {
  if (results !== undefined) return [];
  return ['whether it was carried out before is not known: --results names a checkout with the reports'];
}
