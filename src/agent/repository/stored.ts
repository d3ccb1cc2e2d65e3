import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { NodeOpReportSchema, REPORT_KIND, type NodeOpReport } from '../../api/report.ts';
import { briefOf, briefOfText, isOver, textBeforeNodes, type ReportBrief } from '../../core/runs/brief.ts';
import { parseCheckpoint, type Checkpoint } from '../../core/runs/checkpoint.ts';
import { checkpointPath, isOwnFile, isYaml, resultsFolder, type Layout } from '../../core/runs/paths.ts';
import type { GitCommand } from '../../git/command.ts';
import type { Contents } from '../../git/contents.ts';
import { entryAt, isPlain, treeChanges, type TreeChange } from '../../git/read.ts';

/** A file larger than any valid one is not read; the parser refuses a stand-in of the same size class. */
export const READ_LIMIT = 1024 * 1024;

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

export function isReport(file: StoredReport | undefined): boolean {
  return file !== undefined && file.standing !== 'other';
}

/** What became of a file of the results folder. */
export interface StoredChange {
  path: string;
  /** Absent when the file is gone. */
  file?: StoredReport;
  /** Of a report that was read. */
  brief?: ReportBrief;
}

/** A checkpoint, and what has changed in the results folder since. */
export interface Since {
  checkpoint: Checkpoint;
  changed: ReadonlySet<string>;
}

/**
 * The checkpoint at a commit; undefined when there is none that can be used: it cannot be read, or its tree is not in
 * the clone, since history was rewritten. Gets what has to be read because of it.
 */
export async function readCheckpoint(
  { git, contents }: Source,
  layout: Layout,
  commit: string | undefined,
): Promise<Since | undefined> {
  if (commit === undefined) return undefined;
  const file = await entryAt(git, commit, checkpointPath(layout));
  if (!isPlain(file)) return undefined;
  const bytes = (await contents.read([file.blob], READ_LIMIT)).get(file.blob);
  const checkpoint = bytes && parseCheckpoint(bytes, layout);
  if (!checkpoint) return undefined;
  const folder = resultsFolder(layout);
  const changes = await treeChanges(git, checkpoint.tree, `${commit}:${folder}`).catch(() => undefined);
  if (!changes) return undefined;
  const changed = new Set(changes.map(({ path }) => `${folder}/${path}`));
  for (const path of changed) checkpoint.newest.delete(path);
  const due = changes.flatMap(({ path, entry }) => (isPlain(entry) && isYaml(path) ? [entry.blob] : []));
  await contents.read(due, 0);
  return { checkpoint, changed };
}

/** Reads the reports among the changes, but for those of which a checkpoint says that their run is over. */
export async function readStored(
  contents: Contents,
  layout: Layout,
  own: readonly TreeChange[],
  since?: Since,
): Promise<StoredChange[]> {
  const isOverAnyway = (path: string) =>
    since !== undefined && !since.changed.has(path) && !since.checkpoint.unsettled.has(path);
  const unread: { blob: string; change: StoredChange }[] = [];
  const stored = own.map(({ path, entry }): StoredChange => {
    if (!entry) return { path };
    const { blob } = entry;
    const mayBeReport = isPlain(entry) && isYaml(path) && !isOwnFile(layout, path);
    if (mayBeReport && isOverAnyway(path)) return { path, file: { blob, standing: 'over' } };
    const change: StoredChange = { path, file: { blob, standing: 'other' } };
    if (mayBeReport) unread.push({ blob, change });
    return change;
  });
  await contents.each(unread, READ_LIMIT, ({ blob, change }, bytes) => {
    Object.assign(change, contentOf(blob, bytes));
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
  await contents.each(wanted, READ_LIMIT, ({ blob }, bytes) => {
    const { brief } = contentOf(blob, bytes);
    if (brief) briefs.set(blob, brief);
  });
  return briefs;
}

export function contentOf(
  blob: string,
  bytes: Uint8Array | undefined,
): { file: StoredReport; brief?: ReportBrief } {
  const quick = bytes && briefOfText(textBeforeNodes(bytes));
  if (quick) return { file: { blob, standing: 'over' }, brief: quick };
  const report = readReport(bytes);
  if (!report) return { file: { blob, standing: 'other' } };
  const brief = briefOf(report);
  if (isOver(brief.phase)) return { file: { blob, standing: 'over' }, brief };
  return { file: { blob, standing: 'unfinished', report }, brief };
}

export function readReport(bytes: Uint8Array | undefined): NodeOpReport | undefined {
  const parsed = parseDocument(bytes ?? new Uint8Array(), [
    { apiVersion: AGENT_API_VERSION, kind: REPORT_KIND, schema: NodeOpReportSchema },
  ]);
  return parsed.ok ? parsed.value : undefined;
}
