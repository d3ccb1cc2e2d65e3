import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import type { ReportCard } from '../../core/page/card.ts';
import type { PageFacts } from '../../core/page/facts.ts';
import type { Past } from '../../core/page/node.ts';
import { entryIn, readCard } from '../../core/page/report-parts.ts';
import { isOwnFile, isYaml, type Layout } from '../../core/runs/paths.ts';
import type { Contents } from '../../git/contents.ts';
import type { GitCommand } from '../../git/command.ts';
import { isPlain, listTree, treeChanges, type TreeChange, type TreeEntry } from '../../git/trees.ts';
import { breather, inTurns } from '../../time/breather.ts';

/** A branch in a repository on this machine. */
export interface PageBranch {
  git: GitCommand;
  contents: Contents;
  ref: string;
}

/** Cards that are held; of more reports the newest. */
const MOST = 10_000;
/** Reports that are read before those that were are shown. */
const BATCH = 250;
/** Reports that are looked at for what ran on a node before. */
const LOOKED = 200;
/** Nodes and whole reports that are kept for those who look at them. */
const KEPT = { nodes: 20, reports: 4 };

/** The reports on a branch, as cards: all are read once, and then what changed. */
export class Reports {
  readonly #branch: PageBranch;
  readonly #layout: Layout;
  readonly #onChange: () => void;
  readonly #cards = new Map<string, ReportCard>();
  /** By path: the content that was read, of those too of which no card is held. */
  readonly #blobs = new Map<string, string>();
  readonly #whole = new Map<string, NodeOpReport>();
  readonly #past = new Map<string, Map<string, Past['entry'] | undefined>>();
  #sorted: ReportCard[] | undefined;
  #tip: string | undefined;
  #isRead = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(branch: PageBranch, layout: Layout, onChange: () => void) {
    this.#branch = branch;
    this.#layout = layout;
    this.#onChange = onChange;
  }

  get facts(): PageFacts['reports'] {
    this.#sorted ??= [...this.#cards.values()].toSorted((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1));
    return { cards: this.#sorted, total: this.#blobs.size, state: this.#isRead ? 'read' : 'reading' };
  }

  /** Reads what is new on the branch. One look after the other; rejects when git cannot. */
  look(signal: AbortSignal): Promise<void> {
    const turn = this.#turn.then(() => this.#look(signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async report({ blob }: ReportCard): Promise<NodeOpReport | undefined> {
    const known = this.#whole.get(blob);
    if (known) return known;
    const bytes = (await this.#branch.contents.read([blob], REPORT_BYTES)).get(blob);
    const report = bytes && (await inTurns(readReport(bytes)));
    if (report) keep(this.#whole, blob, report, KEPT.reports);
    return report;
  }

  /** What the newest reports of this cluster say of a node, newest first. */
  async past(node: string, isSeen: (card: ReportCard) => boolean): Promise<{ past: Past[]; looked: number }> {
    const { cluster } = this.#layout;
    const newest = this.facts.cards
      .filter((it) => it.cluster === cluster && isSeen(it) && it.counts !== undefined)
      .slice(0, LOOKED);
    const known = this.#past.get(node) ?? new Map<string, Past['entry'] | undefined>();
    keep(this.#past, node, known, KEPT.nodes);
    const missing = newest.filter(({ blob }) => !known.has(blob));
    const breathe = breather();
    await this.#branch.contents.each(missing, REPORT_BYTES, async ({ blob }, bytes) => {
      known.set(blob, bytes && entryIn(bytes, node));
      await breathe();
    });
    const wanted = new Set(newest.map(({ blob }) => blob));
    for (const blob of known.keys()) if (!wanted.has(blob)) known.delete(blob);
    const past = newest.flatMap(({ report, blob }) => {
      const entry = known.get(blob);
      return entry ? [{ report, entry }] : [];
    });
    return { past, looked: newest.length };
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { git, ref } = this.#branch;
    const tip = await git.text(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]).then(
      (text) => text.trim(),
      // There is no such branch yet.
      () => undefined,
    );
    if (tip === undefined || tip === this.#tip) return this.#done(this.#tip);
    const news = (await this.#newsOf(tip)).toSorted((a, b) => (a.path < b.path ? 1 : -1));
    for (let i = 0; i < news.length; i += BATCH) {
      if (signal.aborted) return;
      await this.#read(news.slice(i, i + BATCH));
      this.#sorted = undefined;
      this.#onChange();
    }
    this.#done(tip);
  }

  #done(tip: string | undefined): void {
    const isNews = !this.#isRead;
    this.#tip = tip;
    this.#isRead = true;
    if (isNews) this.#onChange();
  }

  /** Reports that are there now and were not read as they are; those that are gone are forgotten. */
  async #newsOf(tip: string): Promise<TreeEntry[]> {
    const { git } = this.#branch;
    const folders = [this.#layout.results];
    const from = this.#tip;
    const changes = await (from === undefined
      ? undefined
      : treeChanges(git, from, tip, folders).catch(() => undefined));
    const listed: TreeChange[] = changes ?? (await listTree(git, tip, folders));
    if (!changes) {
      const there = new Set(listed.map(({ path }) => path));
      for (const path of this.#blobs.keys()) if (!there.has(path)) this.#forget(path);
    }
    return listed.flatMap(({ path, entry }) => {
      if (!isYaml(path) || isOwnFile(this.#layout, path)) return [];
      if (!isPlain(entry)) this.#forget(path);
      return isPlain(entry) && this.#blobs.get(path) !== entry.blob ? [entry] : [];
    });
  }

  #forget(path: string): void {
    this.#blobs.delete(path);
    this.#cards.delete(path);
    this.#sorted = undefined;
  }

  async #read(entries: readonly TreeEntry[]): Promise<void> {
    const breathe = breather();
    await this.#branch.contents.each(entries, REPORT_BYTES, async ({ path, blob }, bytes) => {
      const card = bytes && (await inTurns(readCard(bytes, { report: path, blob }), breathe));
      if (!card) return this.#forget(path);
      this.#blobs.set(path, blob);
      this.#cards.set(path, card);
    });
    if (this.#cards.size <= MOST + BATCH) return;
    const oldest = [...this.#cards.values()]
      .toSorted((a, b) => a.at - b.at)
      .slice(0, this.#cards.size - MOST);
    for (const { report } of oldest) this.#cards.delete(report);
  }
}

/** The most recent ones stay. */
function keep<Value>(kept: Map<string, Value>, key: string, value: Value, most: number): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > most && oldest !== undefined) kept.delete(oldest);
}
