import { formatYaml } from '../../api/yaml.ts';
import { json } from '../text/output.ts';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { nextTime } from '../../api/cron.ts';
import { ANNOTATION_SERIES } from '../../api/labels.ts';
import { NODEOPRUN_KIND, type RecurringRun } from '../../api/nodeoprun.ts';
import type { Layout } from './paths.ts';

/** A NodeOpRun under the definitions' folder: the agent adds a run file for each of its times. */
export interface Schedule {
  path: string;
  run: RecurringRun;
}

/** Whether this cluster's agent adds its runs: any of those that carry them out may, they all add the same. */
export function isOurs({ run }: Schedule, cluster: string | undefined): boolean {
  const { clusters = [], suspend } = run.spec;
  if (suspend === true) return false;
  return clusters.length === 0 || (cluster !== undefined && clusters.includes(cluster));
}

/**
 * The last time of the schedule after `since` and not after `now`; epoch milliseconds. Earlier ones that were missed are
 * not made up for. Looks back twice as far each time, so a rare time costs little more than a frequent one.
 */
export function lastDue({ run }: Schedule, since: number, now: number): number | undefined {
  const { schedule, timeZone } = run.spec;
  const next = (after: number) => nextTime(schedule, timeZone, after) ?? Infinity;
  for (let back = 60_000; ; back *= 2) {
    const from = Math.max(since, now - back);
    let last: number | undefined;
    for (let time = next(from); time <= now; time = next(time)) last = time;
    if (last !== undefined || from === since) return last;
  }
}

/** Where the run of that time lies. The same for every agent and after every restart, so none is added twice. */
export function scheduledPath({ run }: Schedule, at: number, layout: Layout): string {
  const time = new Date(at)
    .toISOString()
    .replace(/:\d\d\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return `${layout.runs}/scheduled/${run.metadata.name}-${time}.yaml`;
}

/** The run file of that time: the same text by every agent. */
export function formatScheduled({ path, run }: Schedule, at: number): string {
  const { schedule: _schedule, timeZone: _zone, suspend: _suspend, concurrencyPolicy, ...spec } = run.spec;
  const { name, namespace } = run.metadata;
  const metadata = {
    ...(namespace !== undefined && { namespace }),
    ...(concurrencyPolicy === 'Forbid' && { annotations: { [ANNOTATION_SERIES]: name } }),
  };
  const document = {
    apiVersion: AGENT_API_VERSION,
    kind: NODEOPRUN_KIND,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    spec,
  };
  const due = new Date(at).toISOString().replace('.000Z', 'Z');
  return `# Added by nodeop-agent: ${json(path)} was due at ${due}.\n${formatYaml(document, { lineWidth: 120, noRefs: true })}`;
}
