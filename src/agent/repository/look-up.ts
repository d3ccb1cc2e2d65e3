import { reportPath, resultsFolder, type Layout } from '../../core/runs/paths.ts';
import type { GitCommand } from '../../git/command.ts';
import { TooMuchError } from '../../git/tree-bounds.ts';
import { isFolder } from '../../git/tree-walk.ts';
import { entriesAt, filesAt, listTree } from '../../git/trees.ts';
import { runFile, type Snapshot } from './snapshot.ts';
import { unread } from './stored.ts';
import { tooMuchIn } from './tip-changes.ts';

/** Of more files than these it is quicker to list all there are. */
const LOOKED_UP = 1000;

/** Makes files of a snapshot known that nobody has asked for yet. */
export class LookUp {
  readonly #git: GitCommand;
  readonly #layout: Layout;

  constructor(git: GitCommand, layout: Layout) {
    this.#git = git;
    this.#layout = layout;
  }

  /** These run files and their reports. */
  async runs(snapshot: Snapshot, runs: readonly string[]): Promise<void> {
    await this.files(
      snapshot,
      runs,
      runs.map((it) => reportPath(this.#layout, it)),
    );
  }

  /** These files of the results folder. */
  async reports(snapshot: Snapshot, paths: readonly string[]): Promise<void> {
    await this.files(snapshot, [], paths);
  }

  /** These run files, and these files of the results folder. */
  async files(snapshot: Snapshot, runs: readonly string[], reports: readonly string[]): Promise<void> {
    const { tip, resultsTip } = snapshot;
    const people = runs.filter((it) => !snapshot.runs.isKnown(it));
    const own = reports.filter((it) => !snapshot.reports.isKnown(it));
    if (people.length + own.length > LOOKED_UP) {
      const folders = await this.allThatCanBeRead(snapshot);
      // There may be more in those.
      if (folders.length === 0) return;
    }
    const [runFiles, files] = await Promise.all([
      filesAt(this.#git, tip, people),
      resultsTip === undefined ? undefined : filesAt(this.#git, resultsTip, own),
    ]);
    for (const path of people) snapshot.runs.learn(path, runFile(this.#layout, runFiles.get(path)));
    for (const path of own) {
      const entry = files?.get(path);
      snapshot.reports.learn(path, entry && unread(this.#layout, entry));
    }
  }

  /**
   * All run files and all files of the results folder.
   * @throws InvalidError when a folder holds too much: what is not known to have been there might be taken for new
   */
  async all(snapshot: Snapshot): Promise<void> {
    const [folder] = await this.allThatCanBeRead(snapshot);
    if (folder !== undefined) throw new TooMuchError(folder);
  }

  /** @returns the folders that hold too much, of which nothing gets known */
  async allThatCanBeRead({ tip, resultsTip, runs, reports }: Snapshot): Promise<string[]> {
    const layout = this.#layout;
    if (runs.isComplete) return [];
    const [people, own] = await Promise.all([
      listTree(this.#git, tip, [layout.runs]),
      resultsTip === undefined ? [] : listTree(this.#git, resultsTip, [resultsFolder(layout)]),
    ]);
    for (const { path, entry } of people) runs.learn(path, runFile(layout, entry));
    for (const { path, entry } of own) if (entry) reports.learn(path, unread(layout, entry));
    const folders = tooMuchIn(people, own);
    if (folders.length > 0) return folders.map((path) => path.slice(0, -'.'.length));
    runs.complete();
    reports.complete();
    return [];
  }

  /** Those of these paths of the results folder that are folders. */
  async foldersAt({ resultsTip }: Snapshot, paths: readonly string[]): Promise<Set<string>> {
    if (resultsTip === undefined) return new Set();
    const entries = await entriesAt(this.#git, resultsTip, paths);
    return new Set(entries.filter(isFolder).map(({ path }) => path));
  }
}
