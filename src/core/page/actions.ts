import type { GitAction, RunId } from '../../api/page.ts';
import { isObject } from '../runs/merge.ts';
import { holdPath } from '../runs/paths.ts';
import { type Original, type PastRun, retryFile, retryPath, unfinishedNodes } from '../runs/retry.ts';
import { withSuspend } from '../runs/suspend-edit.ts';
import { maskCredentials } from '../text/mask.ts';
import { known, type SeenFacts } from './facts.ts';
import { deleteUrl, editUrl, fileUrl, type GitPlace, newFile } from './git-place.ts';
import { runId } from './run-id.ts';
import { counted } from '../text/counts.ts';

/** Changes that people can make in Git, each with the place on the host where that is done. */

const EXAMPLE = `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec:
  nodeOp: NAME-OF-A-DEFINITION
`;

export function addActions({ git, layout, lease }: SeenFacts): GitAction[] {
  const run = `${layout.runs}/NAME.yaml`;
  const hold = holdPath(layout);
  const add: GitAction = {
    kind: 'new',
    label: 'Add a run',
    effect: 'Once it is merged the run begins as its file says.',
    path: run,
    text: EXAMPLE,
    ...added(git, run, EXAMPLE),
  };
  if (lease.hold !== undefined) return [add];
  const text = 'reason: WHY\n';
  const stop: GitAction = {
    kind: 'hold',
    label: 'Hold everything',
    effect:
      'Once it is merged no new node starts in any cluster until the file is gone; nodes in flight finish.',
    path: hold,
    text,
    ...added(git, hold, text),
  };
  return [add, stop];
}

function added(git: GitPlace | undefined, path: string, text: string): Pick<GitAction, 'url' | 'filled'> {
  return git ? newFile(git, path, text) : {};
}

/** The run file as it is at the tip. */
export interface RunFile {
  path: string;
  bytes: Uint8Array;
}

/** What can be done about a run that goes on. */
export function steerActions(file: RunFile, isBegun: boolean, { git }: SeenFacts): GitAction[] {
  const { path } = file;
  const url = git && editUrl(git, path);
  const cancel: GitAction = known<GitAction>({
    kind: 'cancel',
    label: 'Cancel',
    effect: isBegun
      ? 'Remove the file: once that is merged no further node starts, and nodes in flight finish.'
      : 'Remove the file: once that is merged the run never begins.',
    path,
    url: git && deleteUrl(git, path),
  });
  const suspended = suspend(file, true);
  if (suspended) {
    const effect =
      'Once it is merged no further node starts until it is changed back; nodes in flight finish.';
    return [known<GitAction>({ kind: 'suspend', label: 'Suspend', effect, path, url, ...suspended }), cancel];
  }
  const resumed = suspend(file, false);
  if (!resumed) return [cancel];
  const effect = 'Once it is merged the run goes on.';
  return [known<GitAction>({ kind: 'resume', label: 'Resume', effect, path, url, ...resumed }), cancel];
}

/** The line to change, from 1, and what it is to say; undefined where it says so already, or a program cannot tell. */
function suspend({ bytes }: RunFile, value: boolean): Pick<GitAction, 'line' | 'text'> | undefined {
  const edit = withSuspend(bytes, value);
  if (!edit.ok || edit.wasSet) return undefined;
  const before = Buffer.from(bytes).toString().split('\n');
  const after = edit.text.split('\n');
  const at = after.findIndex((line, i) => line !== before[i]);
  return at < 0 ? undefined : { line: at + 1, text: (after[at] ?? '').trimEnd() };
}

/** A run file that repeats a run on the nodes that are left. */
export function retryAction(
  past: PastRun,
  { git, layout, reports }: SeenFacts,
  original: Original | undefined,
  hostnames: ReadonlyMap<string, string>,
): GitAction | undefined {
  const left = unfinishedNodes(past);
  if (left.length === 0) return undefined;
  const taken = new Set<RunId>(reports.cards.map((it) => runId(it, layout)));
  const from = past.run.startsWith(`${layout.runs}/`) ? past.run : `${layout.runs}/${past.name}.yaml`;
  const path = retryPath(from, (it) => it === past.run || taken.has(runId({ path: it }, layout)));
  const nodes = counted(left.length, 'node');
  const retry = { kind: 'retry' as const, label: `Retry on ${nodes}`, path };
  const effect = `Once it is merged a new run begins on the ${nodes} that failed or were not come to.`;
  const text = retryFile(past, hostnames, original);
  const { spec } = original ?? past;
  if (holdsValues(spec) || holdsValues(spec['overrides']) || maskCredentials(text) !== text)
    return copied(retry, effect, { past, hostnames, original, git });
  return { ...retry, effect, text, ...added(git, path, text) };
}

/** What its environment holds, and credentials, are not shown here, and a run with anything else in its place would do harm: people copy the file. */
function copied(
  retry: Pick<GitAction, 'kind' | 'label' | 'path'>,
  effect: string,
  {
    past,
    hostnames,
    original,
    git,
  }: {
    past: PastRun;
    hostnames: ReadonlyMap<string, string>;
    original: Original | undefined;
    git: GitPlace | undefined;
  },
): GitAction {
  const bare = original && { spec: { nodeOp: original.spec.nodeOp } };
  const selector = retryFile({ ...past, spec: {} }, hostnames, bare).split('\nspec:\n')[1] ?? '';
  return {
    ...retry,
    effect: `Copy ${past.run} to ${retry.path}, with this in its spec. ${effect}`,
    text: selector,
    ...(git && { url: fileUrl(git, past.run) }),
  };
}

/** What an environment variable holds may be nobody's business here. */
const NOT_SHOWN = '(not shown)';

function holdsValues(spec: unknown): boolean {
  const env = isObject(spec) ? spec['env'] : undefined;
  return Array.isArray(env) && env.some((it: unknown) => isVariable(it));
}

/** The spec without the values of its environment. */
export function withoutValues(spec: Record<string, unknown>): Record<string, unknown> {
  const { env } = spec;
  if (!Array.isArray(env)) return spec;
  return { ...spec, env: env.map((it: unknown) => (isVariable(it) ? { ...it, value: NOT_SHOWN } : it)) };
}

function isVariable(it: unknown): it is { value: string } {
  return typeof it === 'object' && it !== null && typeof Reflect.get(it, 'value') === 'string';
}
