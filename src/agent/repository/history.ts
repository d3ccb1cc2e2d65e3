import { InvalidError } from '../../api/errors.ts';
import type { Head } from '../../core/runs/ledger.ts';
import { baselinePath, foldersOf, isTooMuch, reportPath } from '../../core/runs/paths.ts';
import { hasCommits, isAncestor } from '../../git/ancestry.ts';
import { filesAt, listTree } from '../../git/trees.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { readStored } from './stored.ts';
import type { TrackedRepository } from './tracked.ts';

/**
 * Run files that are not to begin since history was rewritten, or what is known of them lies in another folder: those the last
 * tip held, whatever became of their reports. Those that waited for their turn there go on waiting. Where the last tip is nowhere
 * any more it is all the files there are.
 * @param head the tips that were acted on last
 */
export async function seenBefore(
  repository: TrackedRepository,
  snapshot: Snapshot,
  head: Head,
  log: Logger,
): Promise<string[]> {
  const { runs, results } = head;
  if (runs === undefined) return [];
  if (await liesElsewhere(repository, head)) {
    const seen = await filesBefore(repository, snapshot, head);
    const unreported = await withoutReport(repository, snapshot, seen);
    const note =
      'the folder of the runs or of the results is another one: run files that were there before do not begin';
    log.warn({ count: unreported.length, ...foldersOf(repository.layout) }, note);
    return unreported;
  }
  if (runs === snapshot.tip && results === snapshot.resultsTip) return [];
  return seenBeforeRewrite(repository, snapshot, { runs, results }, log);
}

async function seenBeforeRewrite(
  repository: TrackedRepository,
  snapshot: Snapshot,
  { runs, results }: { runs: string; results: string | undefined },
  log: Logger,
): Promise<string[]> {
  const { mirror, snapshots } = repository;
  const grew = async (from: string | undefined, to: string | undefined) =>
    from === undefined || from === to || (to !== undefined && (await isAncestor(mirror.git, from, to)));
  // One that cannot be read now is not rewritten: what fails here fails the pass, and nothing is passed over for it.
  const isThere = await hasCommits(mirror.git, results === undefined ? [runs] : [runs, results]);
  const isOneBranch = runs === results && snapshot.tip === snapshot.resultsTip;
  const allGrew = async () =>
    (await grew(runs, snapshot.tip)) && (isOneBranch || (await grew(results, snapshot.resultsTip)));
  if (isThere && (await allGrew())) return [];
  const seen = isThere ? await filesOf(repository, { runs, results }).catch(unlessBroken) : undefined;
  if (!seen) await snapshots.lookUp.all(snapshot);
  const all = seen ?? [...snapshot.runs.present()].map(([path]) => path);
  const unreported = await withoutReport(repository, snapshot, all);
  const fields = { runs: unreported.length, from: runs, to: snapshot.tip, isKnown: seen !== undefined };
  log.warn(fields, 'history was rewritten: run files that were there before do not begin');
  return unreported;
}

/** Whether the last look read other folders: the cluster got another name, say. */
async function liesElsewhere(
  { mirror, layout }: TrackedRepository,
  { folders, results }: Head,
): Promise<boolean> {
  const now = foldersOf(layout);
  if (folders) return folders.runs !== now.runs || folders.results !== now.results;
  // A former version did not put them on record, and wrote the baseline before anything else.
  if (results === undefined || !(await hasCommits(mirror.git, [results]))) return false;
  const path = baselinePath(layout);
  return !(await filesAt(mirror.git, results, [path])).has(path);
}

/** The run files of the last tip that did not wait; all there are where run files lie in another folder now. */
async function filesBefore(repository: TrackedRepository, snapshot: Snapshot, head: Head): Promise<string[]> {
  const { mirror, layout, snapshots } = repository;
  const { runs = '', folders } = head;
  await snapshots.lookUp.all(snapshot);
  const before = folders?.runs ?? layout.runs;
  const waited = new Set(
    (await waitingBefore(repository, head)).map((run) => layout.runs + run.slice(before.length)),
  );
  const isComparable = before === layout.runs && (await hasCommits(mirror.git, [runs]));
  const then = isComparable ? await listTree(mirror.git, runs, [layout.runs]) : undefined;
  // Nobody knows what was in a folder that held too much.
  const isKnown = then?.every(({ entry }) => entry && !isTooMuch(entry.mode)) === true;
  const known = isKnown ? new Set(then.map(({ path }) => path)) : undefined;
  return [...snapshot.runs.present()].flatMap(([path]) =>
    !waited.has(path) && known?.has(path) !== false ? [path] : [],
  );
}

/** The runs that waited, by their paths then. The record names the first of many; of the others their reports tell. */
async function waitingBefore(
  { mirror, layout }: TrackedRepository,
  { results, folders, waiting, waitingCount }: Head,
): Promise<string[]> {
  const named = waiting.map(({ run }) => run);
  if (waitingCount <= named.length || !folders || results === undefined) return named;
  if (!(await hasCommits(mirror.git, [results]))) return named;
  const then = { ...layout, ...folders, cluster: undefined };
  const listed = await listTree(mirror.git, results, [folders.results]);
  const stored = await readStored(mirror.results.contents, then, listed);
  const reported = stored.flatMap(({ path, file }) => {
    const { status, run } = file?.report ?? {};
    return run && status?.phase === 'Waiting' && reportPath(then, run.path) === path ? [run.path] : [];
  });
  return [...named, ...reported];
}

async function withoutReport(
  { layout, snapshots }: TrackedRepository,
  snapshot: Snapshot,
  runs: readonly string[],
): Promise<string[]> {
  await snapshots.lookUp.reports(
    snapshot,
    runs.map((path) => reportPath(layout, path)),
  );
  return runs.filter((path) => !snapshot.reports.has(reportPath(layout, path)));
}

async function filesOf(
  { mirror, layout }: TrackedRepository,
  tips: { runs: string; results: string | undefined },
): Promise<string[]> {
  const reader = new SnapshotReader(mirror, layout);
  const old = await reader.read(tips);
  await reader.lookUp.all(old);
  const { open, baseline = new Set() } = old;
  const unreported = [...open].filter((path) => !old.reports.has(reportPath(layout, path)));
  const begun = await reader.past.begun(old, unreported);
  const present = [...old.runs.present()].map(([path]) => path);
  return [...new Set([...present.filter((path) => !open.has(path)), ...begun, ...baseline])];
}

/** What people broke is as broken at any time. */
export function unlessBroken(error: unknown): undefined {
  if (!(error instanceof InvalidError)) throw error;
  return undefined;
}
