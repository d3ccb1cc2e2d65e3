import type { Layout } from '../../core/runs/paths.ts';
import type { CommitInfo } from '../../git/commit-info.ts';
import type { Mirror } from '../../git/mirror.ts';
import { Moves } from '../../git/moves.ts';
import type { Logger } from '../logger.ts';
import type { Ledger } from './ledger.ts';
import { storedReport, type Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';

export interface MovedDeps {
  mirror: Mirror;
  reader: SnapshotReader;
  layout: Layout;
  ledger: Ledger;
  logger: Logger;
}

/** Tells run files that are new from those of runs that are over, which were moved. */
export class Moved {
  readonly #deps: MovedDeps;

  constructor(deps: MovedDeps) {
    this.#deps = deps;
  }

  /** @param fresh who added the files that are looked at for the first time */
  async find(snapshot: Snapshot, fresh: ReadonlyMap<string, CommitInfo>): Promise<void> {
    const { mirror, layout, logger } = this.#deps;
    const moves = new Moves(mirror.git, layout.runs);
    const found = new Map<string, string | undefined>();
    for (const [path, { commit }] of fresh) {
      const blob = snapshot.runs.get(path)?.blob;
      if (commit === '' || blob === undefined) continue;
      const key = `${commit} ${blob}`;
      if (!found.has(key))
        found.set(key, await moves.into(commit, blob, (paths) => this.#over(snapshot, paths)));
      const from = found.get(key);
      if (from === undefined) continue;
      snapshot.moved.set(path, from);
      logger.info({ run: path, from }, 'a run file was moved; its run is over');
    }
  }

  /** The first of these paths whose run is over, also where people took its report away along with the file. */
  async #over(snapshot: Snapshot, paths: readonly string[]): Promise<string | undefined> {
    const { reader, layout, ledger } = this.#deps;
    await reader.lookUp.runs(snapshot, paths);
    const standingOf = (path: string) => storedReport(snapshot, layout, path)?.standing;
    const isOver = (path: string) =>
      snapshot.baseline?.has(path) === true || ['over', 'other'].includes(standingOf(path) ?? '');
    const unreported = paths.filter((path) => standingOf(path) === undefined);
    const isOnRecord = (path: string) => ledger.isLoaded && ledger.has(path);
    const over = paths.find(isOver) ?? unreported.find(isOnRecord);
    return over ?? (await reader.past.begun(snapshot, unreported))[0];
  }
}
