import { show } from '../../api/wording.ts';
import { type Draft, type Fields, fieldsOf } from './imported.ts';

/** Fields of a Plan that have no counterpart here, each with what that means. */
const MISSING: Record<string, string> = {
  serviceAccountName: 'pods of NodeOps have no service account token',
  secrets: 'no Secrets are mounted; give what is needed by env with valueFrom.secretKeyRef',
  exclusive:
    'runs that have nodes in common never go on at the same time; see runs.maxConcurrent for the rest',
  priorityClassName: 'pods of NodeOps have the default priority',
  customNodeLabels:
    'nodes are not labelled afterwards; let the command do it, or select by what it leaves on the host',
};

const SAME = ['nodeSelector', 'tolerations', 'imagePullSecrets', 'cordon'];
const READ = [...SAME, 'concurrency', 'jobActiveDeadlineSecs', 'postCompleteDelay', 'version', 'channel'];
const PARTS = ['upgrade', 'prepare', 'drain', 'window'];

/** A Plan of the system-upgrade-controller (`upgrade.cattle.io/v1`). Its defaults are filled in where ours are others. */
export function ofPlan({ metadata, spec: written }: Fields): Draft {
  const spec = fieldsOf(written);
  const notes: string[] = [];
  const say = (field: string, note: string) => notes.push(`spec.${field}: ${note}`);
  for (const [field, note] of Object.entries(MISSING)) if (spec[field] !== undefined) say(field, note);
  const version = typeof spec['version'] === 'string' ? spec['version'] : undefined;
  if (version === undefined && spec['channel'] !== undefined) {
    say('channel', 'no channel is polled: a new version is a new run file; write the tag into image');
  }
  if (spec['concurrency'] === undefined) say('concurrency', 'none is named; one node at a time is written');
  say(
    'upgrade',
    'a Plan is applied again to nodes that join or that change; a run is carried out once on the nodes there are',
  );
  const { upgrade, prepare, preparation } = containers(spec, version, say);
  const window = windowOf(spec['window'], say);
  const known = new Set([...READ, ...PARTS, ...Object.keys(MISSING)]);
  const others = Object.entries(spec).filter(([field]) => !known.has(field));
  const deadline = Number(spec['jobActiveDeadlineSecs'] ?? 0);
  return {
    metadata: fieldsOf(metadata),
    spec: {
      ...Object.fromEntries(SAME.map((field) => [field, spec[field]])),
      ...Object.fromEntries(others),
      concurrency: Number(spec['concurrency'] ?? 1) || 1,
      ...upgrade,
      ...(prepare && { preflight: prepare }),
      ...(deadline > 0 && { activeDeadlineSeconds: deadline }),
      ...(spec['postCompleteDelay'] !== undefined && { soakSeconds: seconds(spec['postCompleteDelay']) }),
      drainOptions: drainOf(spec['drain'], say),
    },
    ...(window && { window }),
    notes: [...notes, ...preparation],
  };
}

type Say = (field: string, note: string) => void;

function containers(spec: Fields, version: string | undefined, say: Say) {
  const name = 'SYSTEM_UPGRADE_NODE_NAME';
  const planned = [
    { name, valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    ...(version === undefined ? [] : [{ name: 'SYSTEM_UPGRADE_PLAN_LATEST_VERSION', value: version }]),
  ];
  const upgrade = containerOf(spec, 'upgrade', version, say);
  const prepare = spec['prepare'] === undefined ? undefined : containerOf(spec, 'prepare', version, say);
  const preparation = prepare
    ? [
        'spec.prepare: is written as preflight, which runs before cordon and drain, sees the host read-only, and skips a node when it writes into /dev/termination-log',
      ]
    : [];
  const { env = [], ...rest } = upgrade;
  const check = prepare && { command: prepare.command, image: prepare.image };
  if (prepare?.env !== undefined) say('prepare.envs', 'the preflight has the variables of the upgrade');
  return { upgrade: { ...rest, env: [...planned, ...env] }, prepare: check, preparation };
}

/** The image's own entrypoint is not known here, so a container without a command cannot be written. */
function containerOf(spec: Fields, part: 'upgrade' | 'prepare', version: string | undefined, say: Say) {
  const container = fieldsOf(spec[part]);
  const { image, command, args, envs } = container;
  const words = [...texts(command), ...texts(args)];
  if (texts(command).length === 0) {
    say(
      `${part}.command`,
      "none is named, and the image's entrypoint is not known here: write it in front of the arguments",
    );
  }
  for (const field of ['envFrom', 'volumes', 'securityContext']) {
    if (container[field] !== undefined) say(`${part}.${field}`, FIELDS[field] ?? '');
  }
  const tagged =
    typeof image === 'string' &&
    version !== undefined &&
    !/[:@]/.test(image.slice(image.lastIndexOf('/') + 1));
  return {
    image: tagged ? `${image}:${version.replaceAll('+', '-')}` : image,
    command: words.length > 0 ? words : ['/bin/sh', '-c', 'echo "write the command here"; exit 1'],
    env: Array.isArray(envs) ? (envs as unknown[]) : undefined,
  };
}

const FIELDS: Record<string, string> = {
  envFrom: 'name each variable in env, with valueFrom where it comes from a Secret or ConfigMap',
  volumes: 'the whole host is mounted at hostMountPath (/host): read it there',
  securityContext: 'the container is privileged as it is in a Plan; other settings are left out',
};

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function drainOf(value: unknown, say: Say): Fields | undefined {
  if (value === undefined || value === null) return undefined;
  const drain = fieldsOf(value);
  const { timeout, gracePeriod, deleteLocalData, deleteEmptydirData, ignoreDaemonSets, force } = drain;
  if (drain['disableEviction'] === true)
    say('drain.disableEviction', 'pods are always evicted, so that their budgets hold');
  if (drain['podSelector'] !== undefined) say('drain.podSelector', 'all pods of a node are drained');
  if (drain['skipWaitForDeleteTimeout'] !== undefined)
    say('drain.skipWaitForDeleteTimeout', 'each pod is waited for until it is gone');
  return {
    enabled: true,
    force: force === true,
    ignoreDaemonSets: ignoreDaemonSets !== false,
    deleteEmptyDirData: (deleteEmptydirData ?? deleteLocalData) !== false,
    gracePeriodSeconds: typeof gracePeriod === 'number' ? gracePeriod : -1,
    timeoutSeconds: timeout === undefined ? 0 : seconds(timeout),
  };
}

const NANOSECONDS = 1e9;

const UNITS_MS = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Durations stand as nanoseconds or as Go writes them; those of several units are added up. */
function seconds(value: unknown): number {
  if (typeof value === 'number') return Math.ceil(value / NANOSECONDS);
  const parts = [...String(value).matchAll(/(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|μs|ms|s|m|h)/g)];
  const ms = parts.reduce((sum, [, amount, unit]) => {
    return sum + Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  }, 0);
  return Math.ceil(ms / 1000);
}

const DAYS = ['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'];
const MINUTES = 24 * 60;

function windowOf(value: unknown, say: Say): object | undefined {
  if (value === undefined || value === null) return undefined;
  const { days, startTime = '00:00', endTime = '23:59', timeZone = 'UTC' } = fieldsOf(value);
  const [start, end] = [minuteOf(startTime), minuteOf(endTime)];
  if (start === undefined || end === undefined) {
    say(
      'window',
      `${show(startTime)} to ${show(endTime)} is not read here: write the window into the run file`,
    );
    return undefined;
  }
  const named = [
    ...new Set(
      texts(days).map((it) => (/^[0-6]$/.test(it) ? Number(it) : DAYS.indexOf(it.slice(0, 2).toLowerCase()))),
    ),
  ];
  if (named.includes(-1)) {
    say('window', 'its days are not read here: write the window into the run file');
    return undefined;
  }
  const length = end > start ? end - start : MINUTES - start + end;
  const on = named.length === 0 || named.length === 7 ? '*' : named.toSorted((a, b) => a - b).join(',');
  return {
    schedule: `${start % 60} ${Math.floor(start / 60)} * * ${on}`,
    duration: `${endTime === '23:59' ? length + 1 : length}m`,
    timeZone,
  };
}

function minuteOf(time: unknown): number | undefined {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(String(time)) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return Number(hour) * 60 + Number(minute);
}
