import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeOp, NodeOpSpec } from '../../api/nodeop.ts';
import { ANNOTATION_PARAMETERS } from '../../api/labels.ts';
import { atOnce } from '../../api/pieces.ts';
import { isFinalReport, type NodeOpReport, parseReport } from '../../api/report.ts';
import type { Known } from '../../core/preview/outlook.ts';
import type { Definition } from '../../core/runs/definitions.ts';
import { judgedAsItIs } from '../../core/runs/judged.ts';
import { entryOf } from '../../core/runs/ledger.ts';
import { baselinePath, reportPath, type Layout } from '../../core/runs/paths.ts';
import { readBaseline } from '../../core/runs/baseline.ts';
import { type RunFacts, saysStarted } from '../../core/runs/plan.ts';
import type { Preparation } from '../../core/runs/prepare.ts';
import { GitCommand } from '../../git/command.ts';
import { addedAt } from '../../git/age.ts';
import { whoAdded } from '../../git/log.ts';
import { Moves } from '../../git/moves.ts';
import type { TreeChange } from '../../git/trees.ts';
import { blobId, readStored } from '../stored.ts';

/** A checkout, and where its reports lie, if that is known. */
export interface Checkout {
  root: string;
  results: string | undefined;
  layout: Layout;
  definitions: readonly Definition[];
  /** The agent asks for signatures. */
  verifies?: boolean;
}

/** A run file of a checkout. */
export interface RunInCheckout {
  path: string;
  blob: string;
  prepared: Preparation;
}

/** What a cluster says of runs; absent where nobody knows. */
export interface ClusterRuns {
  /** By path of the run file. */
  nodeOps?: ReadonlyMap<string, NodeOp> | undefined;
  /** Entries of those that began. */
  began?: ReadonlySet<string> | undefined;
}

/** It comes after all that are there already. */
const LAST = Number.MAX_SAFE_INTEGER;
const GIT_MS = 60_000;

/** Brings together what a checkout and a cluster say of a run file, as the agent will once it is merged. */
export async function runFacts(run: RunInCheckout, checkout: Checkout, cluster: ClusterRuns): Promise<Known> {
  const { layout, results } = checkout;
  const { path, blob, prepared } = run;
  const [at, baseline] = [reportPath(layout, path), baselinePath(layout)];
  const stored = await readIn(results, at);
  const report = stored && parseReport(stored);
  const isListed = inBaseline(await readIn(results, baseline), path);
  // What people made unreadable still says that the run is over.
  const passedOver = isListed || (stored !== undefined && report === undefined);
  const known: Known = {
    facts: { path, passedOver, judged: false, file: { blob, order: LAST, prepare: () => prepared } },
    report: at,
    nodeOpFrom: 'cluster',
    ...(isListed && { passedOverIn: baseline }),
  };
  const { facts } = known;
  if (report) {
    facts.report = report;
    facts.judged = judgedAsItIs(report, blob, (name) => definitionBlob(name, checkout));
  }
  if (cluster.began !== undefined) facts.begun = cluster.began.has(entryOf(path));
  const nodeOp = cluster.nodeOps?.get(path);
  if (nodeOp) facts.nodeOp = nodeOp;
  else if (report && cluster.nodeOps === undefined && isUnderWay(report)) {
    facts.nodeOp = standIn(report);
    known.nodeOpFrom = 'report';
  }
  return { ...known, facts: { ...facts, ...(await fromHistory(facts, checkout)) } };
}

function isUnderWay(report: NodeOpReport): boolean {
  return !isFinalReport(report) && (saysStarted(report) || report.status.phase === 'Pending');
}

/** What its report tells of a NodeOp that nobody can look at. */
function standIn({ nodeOp, metadata, parameters, spec, status }: NodeOpReport): NodeOp {
  const { phase } = status;
  const annotations = parameters && { [ANNOTATION_PARAMETERS]: JSON.stringify(parameters) };
  return {
    metadata: { ...(nodeOp ?? metadata), ...(annotations && { annotations }) },
    spec: spec as NodeOpSpec,
    status: phase === 'Waiting' || phase === 'Invalid' ? {} : { phase },
  };
}

async function readIn(folder: string | undefined, file: string): Promise<Uint8Array | undefined> {
  return folder === undefined ? undefined : readFile(join(folder, file)).catch(() => undefined);
}

function inBaseline(bytes: Uint8Array | undefined, run: string): boolean {
  if (!bytes) return false;
  try {
    return atOnce(readBaseline('the baseline', bytes)).runs.has(run);
  } catch {
    // Damaged: the agent says so, and begins nothing.
    return false;
  }
}

/** Object ids of the contents that define a name, as the agent puts them together. */
function definitionBlob(name: string, { root, definitions }: Checkout): string | undefined {
  const files = definitions.filter(({ result }) => result.ok && result.name === name).map(({ path }) => path);
  const ids = files.map((it) => blobId(root, readStored(root, [it]).get(it)?.bytes ?? new Uint8Array()));
  return ids.length === 0 ? undefined : ids.join(' ');
}

/** What history tells: when a file that was invalid was added, and whether a new one is that of a run that is over, moved. */
async function fromHistory(
  { path, report, judged, nodeOp, file }: RunFacts,
  checkout: Checkout,
): Promise<Partial<RunFacts>> {
  const git = new GitCommand({ dir: checkout.root, timeoutMs: GIT_MS });
  try {
    if (report?.status.phase === 'Invalid' && !judged && !nodeOp) {
      return await ageOf({ path, report }, checkout, git);
    }
    if (report || nodeOp) return {};
    const movedFrom = await movedHere(git, path, file?.blob, checkout);
    return movedFrom === undefined ? {} : { movedFrom };
  } catch {
    // It is no repository, or one without a commit: there is no history to tell of.
    return {};
  }
}

/** As the agent finds it. */
async function ageOf(
  { path, report }: { path: string; report: NodeOpReport },
  { verifies = false, layout, results }: Checkout,
  git: GitCommand,
): Promise<Partial<RunFacts>> {
  const [[, info] = []] = await whoAdded(git, 'HEAD', layout.runs, [path]);
  const isOfThis = info?.commit === report.run.commit;
  const at =
    isOfThis && results !== undefined
      ? {
          git: new GitCommand({ dir: results, timeoutMs: GIT_MS }),
          tip: 'HEAD',
          path: reportPath(layout, path),
        }
      : undefined;
  const since = await addedAt({ git, tip: 'HEAD', path }, { isSigned: verifies, report: at });
  return since === undefined ? {} : { addedAt: since };
}

/** A file that has the content of one that goes away with it, whose run is over. */
async function movedHere(
  git: GitCommand,
  path: string,
  blob: string | undefined,
  checkout: Checkout,
): Promise<string | undefined> {
  const { layout, results } = checkout;
  if (blob === undefined) return undefined;
  const moves = new Moves(git, layout.runs);
  const pick = async (paths: readonly string[]) => {
    for (const from of paths) {
      // oxlint-disable-next-line no-await-in-loop -- of the same content there is one as a rule
      if (await isOver(from, results, layout)) return from;
    }
    return undefined;
  };
  const commit = (await whoAdded(git, 'HEAD', layout.runs, [path])).get(path)?.commit;
  if (commit !== undefined) return moves.into(commit, blob, pick);
  const removed = (await notCommitted(git, layout)).filter(({ before }) => before?.blob === blob);
  return moves.from({ paths: removed.map((it) => it.path), tip: 'HEAD' }, blob, pick);
}

async function isOver(path: string, results: string | undefined, layout: Layout): Promise<boolean> {
  const stored = await readIn(results, reportPath(layout, path));
  const report = stored && parseReport(stored);
  if (report && isFinalReport(report) && report.status.phase !== 'Invalid') return true;
  return inBaseline(await readIn(results, baselinePath(layout)), path);
}

/** Run files that the checkout has no more and the last commit has. */
async function notCommitted(git: GitCommand, { runs }: Layout): Promise<TreeChange[]> {
  const raw = await git.text([
    'diff',
    '--raw',
    '-z',
    '--no-renames',
    '--no-abbrev',
    '--diff-filter=D',
    'HEAD',
    '--',
    runs,
  ]);
  const tokens = raw.split('\0');
  return tokens.flatMap((it, i) => {
    if (!it.startsWith(':')) return [];
    const [mode = '', , blob = ''] = it.slice(1).split(' ');
    const path = tokens[i + 1] ?? '';
    return [{ path, before: { path, mode, blob } }];
  });
}
