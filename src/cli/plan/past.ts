import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { BY_AGENT } from '../../api/yaml.ts';
import { BASELINE_KIND, BaselineSchema, parseReport } from '../../api/report.ts';
import { ANNOTATION_RUN_BLOB } from '../../api/labels.ts';
import type { NodeOpSpec } from '../../api/nodeop.ts';
import { isObject } from '../../core/runs/merge.ts';
import type { Manifest } from '../../core/runs/prepare.ts';
import { baselinePath, reportPath, type Layout } from '../../core/runs/paths.ts';

/** What reports say of a run file that is to be merged. */
export interface Past {
  /** Why nothing would come of it. */
  blocker?: string;
  /** What would come of it all the same. */
  note?: string;
  /** It has begun and is not over. */
  isUnderWay?: boolean;
  /** There is a report of it. */
  isSeen?: boolean;
}

/** What a checkout with the results knows of a run: its report, or that it is passed over. */
export async function pastOf(
  root: string,
  layout: Layout,
  run: string,
  { metadata, spec }: Manifest,
): Promise<Past> {
  const path = reportPath(layout, run);
  const reported = await read(join(root, path));
  if (reported !== undefined) {
    const report = parseReport(reported);
    const phase = report?.status.phase;
    if (phase === 'Running' || phase === 'Pending')
      return { ...underWay(path, report?.spec, spec), isUnderWay: true, isSeen: true };
    // An invalid file was never executed, so its edit, or that of its definition, is a new chance; one that waits has not begun.
    const isSame = report?.run.blob === metadata.annotations?.[ANNOTATION_RUN_BLOB];
    if (phase === 'Invalid' && isSame && report?.run.definition === undefined)
      return { blocker: `it was found invalid as it is, see ${path}; mend the file` };
    if (phase !== 'Waiting' && phase !== 'Invalid')
      return {
        blocker: `it was carried out before and is never repeated, see ${path}; add another file instead`,
      };
  }
  const baseline = await read(join(root, baselinePath(layout)));
  const parsed =
    baseline &&
    parseDocument(
      baseline,
      [{ apiVersion: AGENT_API_VERSION, kind: BASELINE_KIND, schema: BaselineSchema }],
      BY_AGENT,
    );
  if (!parsed || !parsed.ok || !parsed.value.runs.includes(run)) return { isSeen: reported !== undefined };
  return { blocker: `it is passed over, see ${baselinePath(layout)}; add another file instead` };
}

/** After its start of all edits `suspend` alone is acted on. */
export function underWay(where: string, executed: unknown, wanted: NodeOpSpec): Past {
  const before: Record<string, unknown> = isObject(executed) ? executed : {};
  const after: Record<string, unknown> = { ...wanted };
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = keys.filter((key) => key !== 'suspend' && !isDeepStrictEqual(before[key], after[key]));
  if (changed.length > 0) {
    const fields = changed.map((it) => `spec.${it}`).join(', ');
    return { blocker: `it is under way, see ${where}: of edits suspend alone is acted on, not ${fields}` };
  }
  const note = wanted.suspend
    ? 'merging this pauses it: no further node is started'
    : 'merging this lets it go on';
  return { note: `it is under way, see ${where}; ${note}` };
}

async function read(file: string): Promise<Uint8Array | undefined> {
  return readFile(file).catch(() => undefined);
}
