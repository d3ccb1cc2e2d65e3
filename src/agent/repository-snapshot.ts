import { parseDocument } from '../api/documents.ts';
import { AGENT_API_VERSION } from '../api/config.ts';
import { NodeOpReportSchema, REPORT_KIND, type NodeOpReport } from '../api/report.ts';
import { parseDefinition, type Definition } from '../core/runs/definitions.ts';
import { parseBaseline } from '../core/runs/report.ts';
import {
  baselinePath,
  isDefinition,
  isYaml,
  isRunFile,
  reportPath,
  resultsFolder,
  type Layout,
} from '../core/runs/paths.ts';
import type { Schedule } from '../core/runs/schedules.ts';
import type { Mirror } from '../git/mirror.ts';
import { listTree, readBlobs, type CommitInfo, type TreeEntry } from '../git/read.ts';

/** A report at the tip; one that people made unreadable still says that the run is over. */
export interface StoredReport {
  blob: string;
  report?: NodeOpReport;
}

/** What the tip of the branch holds for this cluster. */
export interface Snapshot {
  tip: string;
  /** By path of the run file. */
  runs: Map<string, TreeEntry>;
  definitions: Definition[];
  /** With the object id of the file. */
  schedules: { blob: string; schedule: Schedule }[];
  /** Changes whenever a definition does. */
  definitionsKey: string;
  /** Object ids of the definitions' contents, by the name they define. */
  definitionBlobs: ReadonlyMap<string, string>;
  /** By path in the repository: every file of the results folder, those that are no reports too. */
  reports: Map<string, StoredReport>;
  baseline?: ReadonlySet<string>;
  /** Filled in by the loop for runs that were not started yet. */
  added: Map<string, CommitInfo>;
}

/** A file larger than any valid one is not read; the parser refuses a stand-in of the same size class. */
const READ_LIMIT = 1024 * 1024;

/** Reads tips, remembering by object id what it has parsed, so that an unchanged file costs nothing. */
export class SnapshotReader {
  readonly #mirror: Mirror;
  readonly #layout: Layout;
  #last: Snapshot | undefined;
  #parsed = new Map<
    string,
    { definition?: Definition; schedule?: Schedule; stored?: StoredReport; baseline?: Set<string> }
  >();

  constructor(mirror: Mirror, layout: Layout) {
    this.#mirror = mirror;
    this.#layout = layout;
  }

  async read(tip: string): Promise<Snapshot> {
    if (this.#last?.tip === tip) return this.#last;
    const layout = this.#layout;
    const results = resultsFolder(layout);
    const entries = await listTree(this.#mirror.git, tip, [layout.nodeops, layout.runs, results]);
    const runs = new Map(
      entries.filter((it) => isRunFile(layout, it.path, it.mode)).map((it) => [it.path, it]),
    );
    const definitions = entries.filter((it) => isDefinition(layout, it.path, it.mode));
    const own = entries.filter((it) => it.path.startsWith(`${results}/`) && it.mode.startsWith('100'));
    await this.#parse([...definitions, ...own.filter((it) => isYaml(it.path))]);
    const baseline = own
      .filter((it) => it.path === baselinePath(layout))
      .map((it) => this.#parsed.get(key(it))?.baseline ?? new Set<string>())[0];
    this.#last = {
      tip,
      runs,
      definitions: definitions.flatMap((it) => this.#parsed.get(key(it))?.definition ?? []),
      schedules: definitions.flatMap((it) => {
        const schedule = this.#parsed.get(key(it))?.schedule;
        return schedule ? [{ blob: it.blob, schedule }] : [];
      }),
      definitionsKey: definitions.map(key).join('\0'),
      definitionBlobs: this.#blobsByName(definitions),
      reports: new Map(
        own.map((it): [string, StoredReport] => [
          it.path,
          this.#parsed.get(key(it))?.stored ?? { blob: it.blob },
        ]),
      ),
      ...(baseline && { baseline }),
      added: new Map(),
    };
    return this.#last;
  }

  /** Contents of run files, by object id. */
  async contents(entries: readonly TreeEntry[]): Promise<Map<string, Uint8Array>> {
    const files = entries.filter((it) => it.mode.startsWith('100'));
    const fits = (it: TreeEntry) => it.size <= READ_LIMIT || it.path === baselinePath(this.#layout);
    const small = files.filter(fits);
    const found = await readBlobs(this.#mirror.git, [...new Set(small.map((it) => it.blob))]);
    for (const file of files) {
      if (!fits(file)) found.set(file.blob, new Uint8Array(READ_LIMIT + 1));
    }
    return found;
  }

  #blobsByName(definitions: readonly TreeEntry[]): Map<string, string> {
    const blobs = new Map<string, string>();
    for (const entry of definitions) {
      const result = this.#parsed.get(key(entry))?.definition?.result;
      if (result?.ok !== true) continue;
      const twin = blobs.get(result.name);
      blobs.set(result.name, twin === undefined ? entry.blob : `${twin} ${entry.blob}`);
    }
    return blobs;
  }

  async #parse(entries: readonly TreeEntry[]): Promise<void> {
    const missing = entries.filter((it) => !this.#parsed.has(key(it)));
    const bytes = await this.contents(missing);
    const kept = new Set(entries.map(key));
    for (const id of this.#parsed.keys()) if (!kept.has(id)) this.#parsed.delete(id);
    for (const entry of missing) {
      this.#parsed.set(key(entry), this.#parseOne(entry, bytes.get(entry.blob) ?? new Uint8Array()));
    }
  }

  #parseOne(entry: TreeEntry, bytes: Uint8Array) {
    if (isDefinition(this.#layout, entry.path, entry.mode)) {
      const parsed = parseDefinition(entry.path, bytes);
      return 'run' in parsed ? { schedule: parsed } : { definition: parsed };
    }
    if (entry.path === baselinePath(this.#layout)) {
      return { baseline: parseBaseline(entry.path, bytes) };
    }
    const parsed = parseDocument(bytes, [
      { apiVersion: AGENT_API_VERSION, kind: REPORT_KIND, schema: NodeOpReportSchema },
    ]);
    return { stored: { blob: entry.blob, ...(parsed.ok && { report: parsed.value }) } };
  }
}

function key(entry: TreeEntry): string {
  return `${entry.blob} ${entry.path}`;
}

export function storedReport(snapshot: Snapshot, layout: Layout, runPath: string): StoredReport | undefined {
  return snapshot.reports.get(reportPath(layout, runPath));
}
