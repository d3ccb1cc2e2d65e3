import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { BY_AGENT } from '../../api/yaml.ts';
import { BASELINE_KIND, BaselineSchema, parseReport } from '../../api/report.ts';
import { baselinePath, reportPath, type Layout } from '../../core/runs/paths.ts';

/** Why a checkout with the results says that a run is over already: a report, or the baseline. Undefined when it does not. */
export async function pastOf(
  root: string,
  layout: Layout,
  run: string,
  blob: string,
): Promise<string | undefined> {
  const path = reportPath(layout, run);
  const reported = await read(join(root, path));
  if (reported !== undefined) {
    const report = parseReport(reported);
    const isWaiting = report?.status.phase === 'Waiting';
    // An invalid file was never executed, so its edit is a new chance.
    if (!isWaiting && !(report?.status.phase === 'Invalid' && report.run.blob !== blob))
      return `it was carried out before and is never repeated, see ${path}; add another file instead`;
  }
  const baseline = await read(join(root, baselinePath(layout)));
  const parsed =
    baseline &&
    parseDocument(
      baseline,
      [{ apiVersion: AGENT_API_VERSION, kind: BASELINE_KIND, schema: BaselineSchema }],
      BY_AGENT,
    );
  if (!parsed || !parsed.ok || !parsed.value.runs.includes(run)) return undefined;
  return `it is passed over, see ${baselinePath(layout)}; add another file instead`;
}

async function read(file: string): Promise<Uint8Array | undefined> {
  return readFile(file).catch(() => undefined);
}
