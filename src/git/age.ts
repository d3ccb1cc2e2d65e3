import type { GitCommand } from './command.ts';
import { lastChange, whoMade } from './log.ts';

/** A file, and the history it is looked for in. */
export interface FileIn {
  git: GitCommand;
  tip: string;
  path: string;
}

/**
 * Since when a file is there at the latest, epoch milliseconds: since it was added last on the branch itself (for a merged
 * change: since it was merged, whenever it was written). What a merge says of that is not to be relied on: one that takes the
 * branch in as its second parent, as a pull does that is pushed, makes old files new on the branch itself, and nobody need sign
 * it. So whatever else tells that a file is older counts as well.
 * @param isSigned commits of files are signed: then a file is as old as the commit that made it what it is
 * @param report one that was written of this very addition of the file
 */
export async function addedAt(
  { git, tip, path }: FileIn,
  { isSigned, report }: { isSigned: boolean; report?: FileIn | undefined },
): Promise<number | undefined> {
  const times = await Promise.all([
    lastChange(git, tip, path, { added: true }),
    isSigned ? madeAt({ git, tip, path }) : undefined,
    report && madeAt(report),
  ]);
  const known = times.filter((it) => it !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

async function madeAt({ git, tip, path }: FileIn): Promise<number | undefined> {
  const made = await whoMade(git, { tip }, path);
  return made && Date.parse(made.committedAt);
}
