import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import { briefOf, briefOfText, isOver, textBeforeNodes, type ReportBrief } from '../../core/runs/brief.ts';
import { readCheckpoint as checkpointIn } from '../../core/runs/checkpoint.ts';
import { NewestReports } from '../../core/runs/newest.ts';
import {
  baselinePath,
  checkpointPath,
  isOwnFile,
  isYaml,
  resultsFolder,
  type Layout,
} from '../../core/runs/paths.ts';
import type { GitCommand } from '../../git/command.ts';
import type { Contents } from '../../git/contents.ts';
import { breather, inTurns } from '../../time/breather.ts';
import { filesAt, isPlain, listTree, treeChanges, type TreeChange, type TreeEntry } from '../../git/trees.ts';

/** A clone, and the contents of the files in it. */
export interface Source {
  git: GitCommand;
  contents: Contents;
}

/** A file of the results folder. */
export interface StoredReport {
  blob: string;
  /** `other`: no report, or one that people made unreadable (or a link), which still says that the run is over. */
  standing: 'over' | 'unfinished' | 'other';
  /** Of an unfinished run, all of it: of those that are over there may be a hundred thousand. */
  report?: NodeOpReport;
}

/** What became of a file of the results folder. */
export interface StoredChange {
  path: string;
  /** Absent when the file is gone. */
  file?: StoredReport;
  /** Of a report that was read. */
  brief?: ReportBrief;
}

/** What a checkpoint tells, and what is to be read beside it. */
export interface Since {
  /** How many of the reports said that their run was over. */
  over: number;
  newest: NewestReports;
  /** All that may say something else now than that a run is over. */
  own: TreeChange[];
  /** How many files have changed. */
  changed: number;
}

/**
 * What the checkpoint at a commit tells. Of everything nothing is told when there is none that can be used: it cannot be
 * read, or its tree is not in the clone, since history was rewritten.
 */
export async function readSince(source: Source, layout: Layout, commit: string | undefined): Promise<Since> {
  const newest = new NewestReports();
  if (commit === undefined) return { over: 0, newest, own: [], changed: 0 };
  const found = await readCheckpoint(source, layout, commit);
  if (found) return found;
  const own = await listTree(source.git, commit, [resultsFolder(layout)]);
  return { over: 0, newest, own, changed: own.length };
}

async function readCheckpoint(
  { git, contents }: Source,
  layout: Layout,
  commit: string,
): Promise<Since | undefined> {
  const path = checkpointPath(layout);
  const files = await filesAt(git, commit, [path, baselinePath(layout)]);
  const entry = files.get(path);
  if (!isPlain(entry)) return undefined;
  const bytes = (await contents.read([entry.blob], REPORT_BYTES)).get(entry.blob);
  const checkpoint = bytes && (await inTurns(checkpointIn(bytes, layout)));
  if (!checkpoint) return undefined;
  const { over, newest, unsettled } = checkpoint;
  const folder = resultsFolder(layout);
  const changes = await treeChanges(git, checkpoint.tree, `${commit}:${folder}`).catch(() => undefined);
  if (!changes) return undefined;
  const due = [...files, ...(await filesAt(git, commit, [...unsettled]))];
  const own = new Map(due.map(([at, it]): [string, TreeChange] => [at, { path: at, entry: it }]));
  for (const change of changes) {
    const { path: at, before, ...rest } = inFolder(folder, change);
    newest.delete(at);
    // What an unsettled one said is not known, and it counts for nothing.
    own.set(at, { path: at, ...rest, ...(before && !unsettled.has(at) && { before }) });
  }
  return { over, newest, own: [...own.values()], changed: changes.length };
}

/** The same where paths are those inside a folder. */
export function inFolder(folder: string, { path: inside, before, entry }: TreeChange): TreeChange {
  const path = `${folder}/${inside}`;
  return {
    path,
    ...(before && { before: { ...before, path } }),
    ...(entry && { entry: { ...entry, path } }),
  };
}

/** What a file is as long as nobody has read it: those that say something else are all known. */
export function unread(layout: Layout, entry: TreeEntry): StoredReport {
  const { path, blob } = entry;
  const mayBeReport = isPlain(entry) && isYaml(path) && !isOwnFile(layout, path);
  return { blob, standing: mayBeReport ? 'over' : 'other' };
}

/** Reads what changed. */
export async function readStored(
  contents: Contents,
  layout: Layout,
  own: readonly TreeChange[],
): Promise<StoredChange[]> {
  const due: { blob: string; change: StoredChange }[] = [];
  const stored = own.map(({ path, entry }): StoredChange => {
    if (!entry) return { path };
    const change: StoredChange = { path, file: unread(layout, entry) };
    if (change.file?.standing === 'over') due.push({ blob: entry.blob, change });
    return change;
  });
  const breathe = breather();
  await contents.each(due, REPORT_BYTES, async ({ blob, change }, bytes) => {
    Object.assign(change, await contentOf(blob, bytes, breathe));
  });
  return stored;
}

/** Briefs of all the reports, by object id; what is none is left out. */
export async function readBriefs(
  contents: Contents,
  reports: readonly StoredReport[],
): Promise<Map<string, ReportBrief>> {
  const briefs = new Map<string, ReportBrief>();
  const wanted = reports.filter(({ standing }) => standing !== 'other');
  const breathe = breather();
  await contents.each(wanted, REPORT_BYTES, async ({ blob }, bytes) => {
    const { brief } = await contentOf(blob, bytes, breathe);
    if (brief) briefs.set(blob, brief);
  });
  return briefs;
}

export async function contentOf(
  blob: string,
  bytes: Uint8Array | undefined,
  breathe = breather(),
): Promise<{ file: StoredReport; brief?: ReportBrief }> {
  await breathe();
  const quick = bytes && briefOfText(textBeforeNodes(bytes));
  if (quick) return { file: { blob, standing: 'over' }, brief: quick };
  const report = bytes && (await inTurns(readReport(bytes), breathe));
  if (!report) return { file: { blob, standing: 'other' } };
  const brief = briefOf(report);
  if (isOver(brief.phase)) return { file: { blob, standing: 'over' }, brief };
  return { file: { blob, standing: 'unfinished', report }, brief };
}
