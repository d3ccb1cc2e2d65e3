import type { NotifyTarget } from '../../api/notify.ts';
import { compilePattern } from '../../api/patterns.ts';
import type { NotifyEvent } from './events.ts';

/** What a target wants to be told of, with its patterns compiled once. */
export function filterOf({ events, only }: NotifyTarget, cluster: string | undefined) {
  const patterns = only.runs?.map(compilePattern);
  const labels = Object.entries(only.labels ?? {});
  const names = new Set(events);
  return ({ name, standing }: NotifyEvent): boolean => {
    const { run, namespace, phase } = standing;
    if (!names.has(name)) return false;
    if (only.clusters !== undefined && !only.clusters.includes(cluster ?? '')) return false;
    if (only.namespaces !== undefined && !only.namespaces.includes(namespace ?? '')) return false;
    if (patterns && !(run !== undefined && patterns.some((it) => it.matches(run)))) return false;
    if (labels.some(([key, value]) => standing.labels[key] !== value)) return false;
    return name !== 'ended' || only.outcomes === undefined || only.outcomes.some((it) => it === phase);
  };
}
