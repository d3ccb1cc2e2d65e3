import { type Mark, MARKS } from '../moments.ts';
import { API_FAULTS, type Deed, DEEDS, type Event, type EventKind, GIT_FAULTS, type Who } from '../plan.ts';
import type { Random } from '../random.ts';
import type { Feature, Mix, Trouble } from './mix.ts';

interface Names {
  nodes: string[];
  ops: string[];
}

/** Faults bound to a time begin within this one. */
const TROUBLE_MS = 3 * 60_000;

/** Most come when something has just begun or ended: that is when they matter. */
export function eventPlan(random: Random, mix: Mix, names: Names): Event {
  const kind = kindPlan(random, random.pick(mix.troubles), names, mix.deeds);
  if (random.chance(0.2)) return { at: random.between(0, TROUBLE_MS), ...kind };
  const at = random.pick([0, 0, 3, 50, 500, 3_000, 12_000]);
  const marks = mix.marks ?? MARKS.filter((mark) => mayCome(mark, mix.features));
  return { at, after: { mark: random.pick(marks), nth: random.pick([1, 1, 1, 2, 3]) }, ...kind };
}

function kindPlan(
  random: Random,
  of: Trouble,
  { nodes, ops }: Names,
  deeds: readonly Deed[] | undefined,
): EventKind {
  const replica: Who = random.pick(['leader', 'leader', 0, 1]);
  const short = random.pick([10, 500, 5_000, 30_000]);
  const long = random.pick([5_000, 20_000, 60_000, 60_000, 90_000, 90_000, 400_000]);
  switch (of) {
    case 'agent':
      return { kind: random.pick(['kill', 'stop', 'pause']), replica, ms: random.pick([short, long]) };
    case 'writes': {
      const how = random.pick([
        'killed after',
        'killed before',
        'answer lost',
        'held and killed',
        'held and paused',
        'held and stopped',
      ] as const);
      const ms = how.startsWith('held') ? random.pick([60_000, 100_000]) : short;
      return { kind: 'write', replica, count: random.pick([1, 1, 2, 3, 5]), how, ms };
    }
    case 'clock':
      return { kind: 'clock', replica, byMs: random.pick([-3_600_000, -90_000, 90_000, 3_600_000]) };
    case 'api':
      return { kind: 'api', what: random.pick(API_FAULTS), ms: long, share: random.pick([0.1, 0.5, 1]) };
    case 'watches': {
      const what = random.pick(['cut', 'lag', 'silent', 'gap', 'expired', 'bookmarks'] as const);
      const one = random.pick(['pods', 'jobs', 'nodes', 'nodeops', 'any'] as const);
      return {
        kind: 'watches',
        what,
        ms: what === 'cut' ? short : long,
        ...(one === 'any' ? {} : { of: one }),
      };
    }
    case 'nodes': {
      const what = random.pick(['down', 'gone', 'replaced', 'reboot', 'kubelet', 'flapping'] as const);
      return { kind: 'node', what, node: random.pick(nodes), ms: random.pick([short, long]) };
    }
    case 'people':
      return { kind: 'people', what: random.pick(deeds ?? DEEDS.op), on: random.pick(ops), ms: long };
    case 'hands':
      return { kind: 'people', what: random.pick(deeds ?? DEEDS.node), on: random.pick(nodes), ms: long };
    case 'git':
      if (random.chance(0.2)) return { kind: 'people', what: 'revert', on: random.pick(ops), ms: long };
      if (random.chance(0.1))
        return { kind: 'api', what: 'no NodeOps', ms: random.pick([long, 3_600_000]), share: 1 };
      return { kind: 'git', what: random.pick(GIT_FAULTS), replica: random.between(0, 1), ms: long };
  }
}

/** No event waits for a moment that cannot come. */
function mayCome(mark: Mark, features: ReadonlySet<Feature>): boolean {
  if (/^preflight/i.test(mark)) return features.has('preflight');
  if (/^postflight/i.test(mark)) return features.has('postflight');
  if (/reboot/i.test(mark)) return features.has('reboot');
  if (mark.startsWith('check') || mark === 'step is checked')
    return features.has('steps') && features.has('checks');
  if (mark.startsWith('step')) return features.has('steps');
  if (mark === 'cordon') return features.has('drain') || features.has('cordon');
  if (mark === 'Draining' || mark === 'eviction') return features.has('drain');
  return mark !== 'Failed' || features.has('bad commands') || features.has('bad images');
}
