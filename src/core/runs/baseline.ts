import { z } from 'zod';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import { loadInPieces, type Steps } from '../../api/pieces.ts';
import { BASELINE_KIND, BaselineSchema } from '../../api/report.ts';
import { check } from '../../api/schema.ts';
import { formatYaml } from '../../api/yaml.ts';
import { isObject } from './merge.ts';

/** What the baseline file says. */
export interface BaselineRecord {
  runs: ReadonlySet<string>;
  /** Identity of the cluster; absent in files of former versions. */
  owner?: string | undefined;
}

export function formatBaseline(runs: Iterable<string>, owner: string | undefined): string {
  const note =
    '# Run files that are passed over: there at first contact, or over and their report removed.\n' +
    '# Without this file they would be carried out. Written by nodeop-agent.\n';
  const body = {
    apiVersion: AGENT_API_VERSION,
    kind: BASELINE_KIND,
    ...(owner !== undefined && { clusterUID: owner }),
    runs: [...runs].toSorted(),
  };
  return note + formatYaml(body, { lineWidth: -1 });
}

/** Paths a baseline may hold; the record in the cluster holds as many. */
const MAX_RUNS = 1_000_000;
/** What the list of them may take. */
export const BASELINE_BYTES = 256 * 1024 * 1024;

/**
 * The run files on record as passed over. It grows with every report that is pruned, so the bounds of files written by
 * people do not hold for it.
 * @throws InvalidError when it is damaged: to go on without it could execute runs that are over
 */
export function* readBaseline(path: string, bytes: Uint8Array): Steps<BaselineRecord> {
  let problem = 'it is too large';
  if (bytes.byteLength <= BASELINE_BYTES) {
    const read = yield* loadInPieces(bytes, { list: 'runs:', entry: z.string(), most: MAX_RUNS });
    const checked = read.ok ? check(BaselineSchema, withRuns(read.head.raw, read.entries)) : read;
    if (checked.ok) return { runs: new Set(checked.value.runs), owner: checked.value.clusterUID };
    problem = checked.problems.map((it) => it.message).join('; ');
  }
  const way = 'no run is started until it is restored from the history of the branch';
  throw new InvalidError(`${path} cannot be read (${problem}); ${way}`);
}

/** The list as it was read apart from the rest, if it was; two lists are none. */
function withRuns(raw: unknown, runs: readonly string[]): unknown {
  if (!isObject(raw) || runs.length === 0) return raw;
  return { ...raw, runs: Object.hasOwn(raw, 'runs') ? undefined : runs };
}
