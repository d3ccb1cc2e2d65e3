import { InvalidError } from '../../api/errors.ts';
import type { Head } from '../../core/runs/ledger.ts';
import { reportPath } from '../../core/runs/paths.ts';
import { hasCommits, isAncestor } from '../../git/ancestry.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import type { TrackedRepository } from './tracked.ts';

/**
 * Run files that are not to begin since history was rewritten: those the last tip held, whatever became of their reports. Those
 * that waited for their turn there go on waiting. Where the last tip is nowhere any more it is all the files there are.
 * @param head the tips that were acted on last
 */
export async function seenBefore(
  repository: TrackedRepository,
  snapshot: Snapshot,
  { runs, results }: Head,
  log: Logger,
): Promise<string[]> {
  const { mirror, layout, snapshots } = repository;
  if (runs === undefined) return [];
  const isSame = runs === snapshot.tip && results === snapshot.resultsTip;
  if (isSame) return [];
  const grew = async (from: string | undefined, to: string | undefined) =>
    from === undefined || from === to || (to !== undefined && (await isAncestor(mirror.git, from, to)));
  // One that cannot be read now is not rewritten: what fails here fails the pass, and nothing is passed over for it.
  const isThere = await hasCommits(mirror.git, results === undefined ? [runs] : [runs, results]);
  const isOneBranch = runs === results && snapshot.tip === snapshot.resultsTip;
  const allGrew = async () =>
    (await grew(runs, snapshot.tip)) && (isOneBranch || (await grew(results, snapshot.resultsTip)));
  if (isThere && (await allGrew())) return [];
  const seen = isThere ? await filesOf(repository, { runs, results }).catch(unlessBroken) : undefined;
  if (!seen) await snapshots.complete(snapshot);
  const all = seen ?? [...snapshot.runs.present()].map(([path]) => path);
  await snapshots.lookUpReports(
    snapshot,
    all.map((path) => reportPath(layout, path)),
  );
  const unreported = all.filter((path) => !snapshot.reports.has(reportPath(layout, path)));
  const fields = { runs: unreported.length, from: runs, to: snapshot.tip, isKnown: seen !== undefined };
  log.warn(fields, 'history was rewritten: run files that were there before do not begin');
  return unreported;
}

async function filesOf(
  { mirror, layout }: TrackedRepository,
  tips: { runs: string; results: string | undefined },
): Promise<string[]> {
  const reader = new SnapshotReader(mirror, layout);
  const old = await reader.read(tips);
  await reader.complete(old);
  const { open, baseline = new Set() } = old;
  const unreported = [...open].filter((path) => !old.reports.has(reportPath(layout, path)));
  const begun = await reader.begunBefore(old, unreported);
  const present = [...old.runs.present()].map(([path]) => path);
  return [...new Set([...present.filter((path) => !open.has(path)), ...begun, ...baseline])];
}

/** What people broke is as broken at any time. */
function unlessBroken(error: unknown): undefined {
  if (!(error instanceof InvalidError)) throw error;
  return undefined;
}
