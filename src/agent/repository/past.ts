import { REPORT_BYTES } from '../../api/report.ts';
import { baselinePath, reportPath, type Layout } from '../../core/runs/paths.ts';
import { BASELINE_BYTES, type BaselineRecord, readBaseline } from '../../core/runs/baseline.ts';
import { commitInfo, pastChanges, type PastChange, removedContents } from '../../git/log.ts';
import { filesAt, isPlain } from '../../git/trees.ts';
import { breather, inTurns } from '../../time/breather.ts';
import { saysBegun, type Snapshot } from './snapshot.ts';
import { contentOf, type Source } from './stored.ts';

/** Whether what one of these commits made of a report counts. */
export type Counts = (commits: readonly string[]) => Promise<boolean>;

/** What the results folder held before, whatever it holds now. */
export class Past {
  readonly #results: Source;
  readonly #layout: Layout;
  /** Absent where the reports of all commits count. */
  #counts: Counts | undefined;

  constructor(results: Source, layout: Layout) {
    this.#results = results;
    this.#layout = layout;
  }

  /** Who decides whose reports count. */
  heed(counts: Counts): void {
    this.#counts = counts;
  }

  /** Of these run files those that ever had a report which says that they were begun, whatever it says now. */
  async begun({ resultsTip }: Snapshot, runs: readonly string[]): Promise<string[]> {
    if (resultsTip === undefined) return [];
    const paths = runs.map((path) => reportPath(this.#layout, path));
    const past = contentsOf(await pastChanges(this.#results.git, resultsTip, paths));
    const told: PastContent[] = [];
    const breathe = breather();
    await this.#results.contents.each(past, REPORT_BYTES, async (it, bytes) => {
      if (saysBegun((await contentOf(it.blob, bytes, breathe)).file)) told.push(it);
    });
    const begun = new Set<string>();
    for (const { path, commits } of told) {
      // One whose commit is not known is as true as it was before.
      const isOpen = !begun.has(path) && commits.length > 0 && this.#counts !== undefined;
      if (!isOpen || (await this.#counts?.(commits))) begun.add(path);
    }
    return runs.filter((path) => begun.has(reportPath(this.#layout, path)));
  }

  /** Object id of what this author made of a file last, in `from..tip` or all that led to a tip. */
  async lastBy(author: string, range: string, path: string): Promise<string | undefined> {
    const { git } = this.#results;
    for (const { commit, after } of await pastChanges(git, range, [path])) {
      if (after !== undefined && (await commitInfo(git, commit))?.author === author) return after;
    }
    return undefined;
  }

  /** The baseline at a commit; undefined when there was none, or it is the same now. */
  async baselineAt(commit: string, { resultsTip }: Snapshot): Promise<BaselineRecord | undefined> {
    const path = baselinePath(this.#layout);
    const at = async (tip: string) => (await filesAt(this.#results.git, tip, [path])).get(path);
    const [entry, now] = await Promise.all([
      at(commit),
      resultsTip === undefined ? undefined : at(resultsTip),
    ]);
    if (!isPlain(entry) || entry.blob === now?.blob) return undefined;
    return this.#baseline(entry.blob);
  }

  /** The baseline as it was before people removed it; undefined when there never was one. */
  async removedBaseline({ resultsTip }: Snapshot): Promise<BaselineRecord | undefined> {
    if (resultsTip === undefined) return undefined;
    const path = baselinePath(this.#layout);
    const blob = (await removedContents(this.#results.git, resultsTip, [path])).get(path);
    return blob === undefined ? undefined : this.#baseline(blob);
  }

  async #baseline(blob: string): Promise<BaselineRecord | undefined> {
    const bytes = (await this.#results.contents.read([blob], BASELINE_BYTES)).get(blob);
    return bytes && inTurns(readBaseline(baselinePath(this.#layout), bytes));
  }
}

/** A content that a file had once, and the commits that gave it to it. */
interface PastContent {
  path: string;
  blob: string;
  commits: string[];
}

function contentsOf(changes: readonly PastChange[]): PastContent[] {
  const found = new Map<string, PastContent>();
  const of = (path: string, blob: string) => {
    const key = `${blob} ${path}`;
    const content = found.get(key) ?? { path, blob, commits: [] };
    found.set(key, content);
    return content;
  };
  for (const { path, before, after, commit } of changes) {
    if (after !== undefined) of(path, after).commits.push(commit);
    if (before !== undefined) of(path, before);
  }
  return [...found.values()];
}
