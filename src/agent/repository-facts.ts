import { ANNOTATION_RUN } from '../api/labels.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { isFinalReport, type NodeOpReport } from '../api/report.ts';
import { pathOfRunId, type Layout } from '../core/runs/paths.ts';
import type { RunFacts } from '../core/runs/plan.ts';
import { prepareRun, type Preparation } from '../core/runs/prepare.ts';
import type { Mirror } from '../git/mirror.ts';
import { whoAdded, type TreeEntry } from '../git/read.ts';
import { storedReport, type Snapshot, type SnapshotReader } from './repository-snapshot.ts';

export interface FactsContext {
  mirror: Mirror;
  reader: SnapshotReader;
  layout: Layout;
  namespace: string;
}

/** This cluster's NodeOps that were made for runs, by path of the run file. */
export function nodeOpsByRun(layout: Layout, nodeOps: readonly NodeOp[]): Map<string, NodeOp> {
  return new Map(
    nodeOps.flatMap((it): [string, NodeOp][] => {
      const path = pathOfRunId(layout, it.metadata.annotations?.[ANNOTATION_RUN]);
      return path === undefined ? [] : [[path, it]];
    }),
  );
}

function isJudged({ status, run }: NodeOpReport, snapshot: Snapshot, path: string): boolean {
  if (status.phase !== 'Invalid' || run.blob !== snapshot.runs.get(path)?.blob) return false;
  const { definition } = run;
  return definition === undefined || snapshot.definitionBlobs.get(definition.name) === definition.blob;
}

/** Brings together what Git and the cluster say of every run that may not be over. */
export class FactsReader {
  readonly #context: FactsContext;
  #prepared = new Map<string, Preparation>();
  #bytes = new Map<string, Uint8Array>();

  constructor(context: FactsContext) {
    this.#context = context;
  }

  async read(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<RunFacts[]> {
    const { layout } = this.#context;
    const paths = new Set([...snapshot.runs.keys(), ...nodeOps.keys()]);
    const open = [...paths].filter((path) => !this.#isOver(snapshot, path, nodeOps));
    for (const [path, { report }] of this.#orphans(snapshot, paths)) if (report) open.push(path);
    const entries = open.flatMap((path) => snapshot.runs.get(path) ?? []);
    await this.#load(entries);
    const fresh = entries.map((it) => it.path).filter((it) => !nodeOps.has(it) && !snapshot.added.has(it));
    if (fresh.length > 0) {
      const added = await whoAdded(this.#context.mirror.git, snapshot.tip, layout.runs, fresh);
      for (const path of fresh) {
        const unknown = { commit: snapshot.tip, author: '', committedAt: '' };
        if (!added.has(path)) added.set(path, unknown);
      }
      for (const [path, info] of added) snapshot.added.set(path, info);
    }
    const order = new Map([...snapshot.added.values()].map((it, i) => [it.commit, i]));
    return open.map((path): RunFacts => {
      const entry = snapshot.runs.get(path);
      const nodeOp = nodeOps.get(path);
      const stored = storedReport(snapshot, layout, path);
      const commit = snapshot.added.get(path)?.commit ?? '';
      return {
        path,
        passedOver:
          snapshot.baseline?.has(path) === true || (stored !== undefined && stored.report === undefined),
        judged: stored?.report !== undefined && isJudged(stored.report, snapshot, path),
        ...(nodeOp && { nodeOp }),
        ...(stored?.report && { report: stored.report }),
        ...(entry && {
          file: {
            blob: entry.blob,
            order: order.get(commit) ?? 0,
            prepare: () => this.#prepare(entry, commit, snapshot),
          },
        }),
      };
    });
  }

  /** Reports that are not final though file and NodeOp are gone: somebody must end them. */
  #orphans(snapshot: Snapshot, known: ReadonlySet<string>) {
    return [...snapshot.reports.values()].flatMap((stored) => {
      const path = stored.report?.run.path;
      const pending = stored.report !== undefined && !isFinalReport(stored.report);
      return pending && path !== undefined && !known.has(path) ? [[path, stored] as const] : [];
    });
  }

  #isOver(snapshot: Snapshot, path: string, nodeOps: ReadonlyMap<string, NodeOp>): boolean {
    const { report } = storedReport(snapshot, this.#context.layout, path) ?? {};
    if (!report) return snapshot.baseline?.has(path) === true && !nodeOps.has(path);
    if (report.status.phase === 'Invalid') return isJudged(report, snapshot, path);
    return isFinalReport(report);
  }

  async #load(entries: readonly TreeEntry[]): Promise<void> {
    const missing = entries.filter((it) => !this.#bytes.has(it.blob));
    const loaded = missing.length === 0 ? [] : await this.#context.reader.contents(missing);
    const kept = new Set(entries.map((it) => it.blob));
    this.#bytes = new Map([...this.#bytes, ...loaded].filter(([blob]) => kept.has(blob)));
  }

  #prepare(entry: TreeEntry, commit: string, snapshot: Snapshot): Preparation {
    const key = [entry.path, entry.mode, entry.blob, commit, snapshot.definitionsKey].join('\0');
    const known = this.#prepared.get(key);
    if (known) return known;
    const { layout, namespace } = this.#context;
    const { definitions } = snapshot;
    const bytes = this.#bytes.get(entry.blob) ?? new Uint8Array();
    const prepared = prepareRun({ ...entry, commit, bytes }, { layout, namespace, definitions });
    if (this.#prepared.size > 1000) this.#prepared.clear();
    this.#prepared.set(key, prepared);
    return prepared;
  }
}
