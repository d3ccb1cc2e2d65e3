import { z } from 'zod';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { loadInPieces, type Steps } from '../../api/pieces.ts';
import { formatYaml } from '../../api/yaml.ts';
import { isObject } from './merge.ts';
import { CHECKPOINT_KIND, CheckpointSchema } from '../../api/report.ts';
import { NewestReports, type Entry } from './newest.ts';
import { resultsFolder, type Layout } from './paths.ts';

/**
 * What a start need not read again: all of it is true of one tree of the results folder, and stays true whatever comes
 * later, since a tree never changes.
 */
export interface Checkpoint {
  /** Object id of the tree. */
  tree: string;
  /** How many of its reports say that their run is over. */
  over: number;
  /** YAML files in it that do not say so. */
  unsettled: ReadonlySet<string>;
  /** The newest of its reports. */
  newest: NewestReports;
}

/** So many files of the folder may have changed since the last one; a start reads them. */
export const CHECKPOINT_EVERY = 500;

const NOTE =
  '# What the agent need not read again when it starts: of the reports in this tree all others say that their run is over.\n' +
  '# It may be removed; the next start then reads every report. Written by nodeop-agent.\n';

/** In the file paths are relative to the folder, so that it stays true when people move that. */
export function formatCheckpoint({ tree, over, unsettled, newest }: Checkpoint, layout: Layout): string {
  const inside = (path: string) => path.slice(resultsFolder(layout).length + 1);
  const briefs = newest.all().map(([path, it]) => ({ report: inside(path), ...it }));
  const body = {
    apiVersion: AGENT_API_VERSION,
    kind: CHECKPOINT_KIND,
    tree,
    over,
    newest: briefs,
    hasOlder: newest.hasOlder,
    // The long one comes last.
    unsettled: [...unsettled].map(inside).toSorted(),
  };
  return NOTE + formatYaml(body, { lineWidth: -1, flowLevel: 2 });
}

/** Of so many the checkpoint spares nobody anything. */
const MAX_UNSETTLED = 200_000;

/** Undefined when it cannot be read: then nothing is lost but time. */
export function* readCheckpoint(bytes: Uint8Array, layout: Layout): Steps<Checkpoint | undefined> {
  const read = yield* loadInPieces(bytes, { list: 'unsettled:', entry: z.string(), most: MAX_UNSETTLED });
  if (!read.ok || !isObject(read.head.raw)) return undefined;
  yield;
  const long = read.entries.length > 0 ? { unsettled: [] } : {};
  const kind = { apiVersion: AGENT_API_VERSION, kind: CHECKPOINT_KIND, schema: CheckpointSchema };
  const parsed = parseDocument({ ...read.head, raw: { ...read.head.raw, ...long } }, [kind]);
  if (!parsed.ok) return undefined;
  const { tree, over, unsettled, newest, hasOlder } = parsed.value;
  const pathOf = (inside: string) => `${resultsFolder(layout)}/${inside}`;
  const briefs = newest.map(({ report, ...it }): Entry => [pathOf(report), it]);
  return {
    tree,
    over,
    unsettled: new Set([...unsettled, ...read.entries].map(pathOf)),
    newest: new NewestReports(briefs, hasOlder),
  };
}
