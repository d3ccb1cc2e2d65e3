import { type Mark, MARKS } from '../moments.ts';
import {
  API_FAULTS,
  DEEDS,
  type Event,
  type EventKind,
  GIT_FAULTS,
  type NodePlan,
  type OpPlan,
  type Plan,
  type Who,
} from '../plan.ts';
import { Random } from '../random.ts';
import { windowOf } from '../oracles/windows.ts';
import { addressOf } from '../services.ts';

/** Faults bound to a time begin within this one. */
const TROUBLE_MS = 3 * 60_000;

/**
 * What a history may hold. Each takes some of it by chance and leaves the others out: in one with everything, one thing
 * hides another.
 */
const FEATURES = [
  'drain',
  'cordon',
  'preflight',
  'reboot',
  'postflight',
  'steps',
  'checks',
  'windows',
  'retries',
  'bad commands',
  'bad images',
  'odd machines',
  'slow kubelets',
  'brakes',
  'others',
  'long commands',
  'short waits',
] as const;
type Feature = (typeof FEATURES)[number];

const TROUBLES = ['agent', 'writes', 'clock', 'api', 'watches', 'nodes', 'people', 'hands', 'git'] as const;
type Trouble = (typeof TROUBLES)[number];

/**
 * What belongs together: some histories have these and little else, so that what hangs on two or three things at the right time
 * comes about in hundreds of histories, not in tens of thousands.
 */
const THEMES: readonly { features: readonly Feature[]; troubles: readonly Trouble[] }[] = [
  { features: ['long commands'], troubles: ['people'] },
  { features: ['steps', 'brakes', 'long commands'], troubles: ['people'] },
  { features: ['steps', 'checks'], troubles: ['agent', 'writes', 'watches', 'nodes'] },
  { features: ['windows', 'long commands'], troubles: ['people', 'nodes'] },
  { features: ['long commands', 'short waits'], troubles: ['agent', 'agent', 'writes'] },
  { features: ['drain', 'short waits'], troubles: ['api', 'agent'] },
  { features: ['retries', 'long commands', 'short waits'], troubles: ['hands', 'nodes'] },
  { features: ['preflight', 'reboot', 'short waits'], troubles: ['watches'] },
  { features: ['cordon', 'others', 'bad commands', 'long commands'], troubles: ['people'] },
];

/** @param repository whether runs come from Git, which is much slower to simulate */
export function planOf(seed: number, repository = false): Plan {
  const random = new Random(seed);
  const { features, troubles } = mixOf(random, repository);
  const nodes = Array.from({ length: nodeCount(random) }, (_, i) => nodePlan(random, i + 1, features));
  const howMany = features.has('others') ? random.pick([2, 2, 3]) : 1;
  const ops = Array.from({ length: howMany }, (_, i) => opPlan(random, i, nodes, features, repository));
  const names = { nodes: nodes.map(({ name }) => name), ops: ops.map(({ name }) => name) };
  const length = troubles.length === 0 ? 0 : random.pick([1, 2, 3, 4, 6, 10]);
  const marks = MARKS.filter((mark) => mayCome(mark, features));
  const events = Array.from({ length }, () => eventPlan(random, random.pick(troubles), names, marks));
  events.sort((a, b) => a.at - b.at);
  return { seed, repository, replicas: random.pick([1, 2, 2]), nodes, ops, events };
}

function mixOf(random: Random, repository: boolean): { features: Set<Feature>; troubles: Trouble[] } {
  if (random.chance(0.4)) {
    const theme = random.pick(THEMES);
    const more = FEATURES.filter(() => random.chance(0.1));
    return { features: new Set([...theme.features, ...more]), troubles: [...theme.troubles] };
  }
  const share = random.pick([0.2, 0.4, 0.6]);
  return {
    features: new Set(FEATURES.filter(() => random.chance(share))),
    troubles: TROUBLES.filter((it) => (it !== 'git' || repository) && random.chance(0.4)),
  };
}

/** Most mistakes show on a few nodes; a large cluster takes as long as many small ones. */
function nodeCount(random: Random): number {
  return random.chance(0.005) ? random.between(10, 40) : random.pick([1, 2, 2, 3, 3, 4, 6]);
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

function nodePlan(random: Random, index: number, features: ReadonlySet<Feature>): NodePlan {
  const fails = features.has('bad commands');
  const odd = features.has('odd machines');
  const image = features.has('bad images') ? 0.25 : 0;
  return {
    name: `node-${index}`,
    zone: `zone-${index % 2}`,
    make: {
      bootMs: random.pick([500, 5_000, 20_000, 60_000]),
      lagMs: features.has('slow kubelets') ? random.pick([0, 10, 200, 3_000, 20_000]) : 10,
      reboots: odd ? random.pick(['once', 'once', 'never', 'twice']) : 'once',
      endMs: random.pick([0, 500, 8_000]),
    },
    command: {
      startMs: random.pick([0, 300, 5_000]),
      runMs: random.pick(features.has('long commands') ? [8_000, 15_000, 30_000] : [0, 100, 2_000, 15_000]),
      exitCode: fails && random.chance(0.4) ? 3 : 0,
      message: 'flashing\nwrite-protected',
      neverStarts: random.chance(image),
      hangs: fails && random.chance(0.15),
      reboots: odd && random.chance(0.2),
      ...(odd && random.chance(0.2) ? { breaksMs: random.pick([60_000, 400_000, 1_500_000]) } : {}),
    },
    preflight: {
      startMs: 100,
      runMs: random.pick([0, 1_000, 10_000]),
      exitCode: fails && random.chance(0.2) ? 1 : 0,
      message: random.chance(0.2) ? 'up to date' : '',
      neverStarts: random.chance(image / 3),
    },
    reboot: {
      startMs: random.pick([0, 300, 5_000]),
      runMs: 1_000,
      exitCode: 0,
      neverStarts: random.chance(image),
    },
    postflight: {
      startMs: 100,
      runMs: random.pick([0, 1_000, 10_000]),
      exitCode: fails && random.chance(0.2) ? 1 : 0,
      neverStarts: random.chance(image / 3),
    },
    workload: random.chance(0.5),
    visitor: random.chance(0.1),
  };
}

function opPlan(
  random: Random,
  index: number,
  nodes: readonly NodePlan[],
  features: ReadonlySet<Feature>,
  repository: boolean,
): OpPlan {
  const hangs = nodes.some(({ command }) => command.hangs === true);
  const has = (feature: Feature) => features.has(feature) && random.chance(0.8);
  const brakes = features.has('brakes');
  return {
    at: index === 0 ? 1_000 : random.pick([1_500, 5_000, 30_000, 90_000]),
    name: `op-${index + 1}`,
    ...(has('windows') && !repository ? { window: windowOf(random.pick([3, 5]), random.pick([1, 2])) } : {}),
    spec: {
      image: 'alpine:3.20',
      command: ['sh', '-c', 'flash'],
      concurrency: random.pick([1, 1, 2, 0]),
      stopOnFailure: brakes && random.chance(0.5),
      rebootOnSuccess: has('reboot'),
      rebootTimeoutSeconds: random.pick([30, 120, 600]),
      startTimeoutSeconds: random.pick([20, 60, 600]),
      ...(hangs || random.chance(0.5) ? { activeDeadlineSeconds: random.pick([60, 600]) } : {}),
      nodeReadyTimeoutSeconds: random.pick([60, 300]),
      backoffLimit: has('retries') ? 2 : 0,
      retryAfterDisruption: has('retries') && random.chance(0.5),
      soakSeconds: brakes ? random.pick([0, 10, 40]) : 0,
      uncordonOnFailure: random.chance(0.3),
      ...(has('drain')
        ? { drainOptions: { enabled: true, timeoutSeconds: random.pick([5, 120]) } }
        : { cordon: has('cordon') }),
      ...(has('preflight') ? { preflight: checkPlan(random, features) } : {}),
      ...(has('postflight') ? { postflight: checkPlan(random, features) } : {}),
      ...(has('steps')
        ? { steps: stepsPlan(random, `op-${index + 1}`, features.has('checks'), repository) }
        : {}),
      ...(brakes && random.chance(0.4) ? { topologyKey: 'zone' } : {}),
      ...(brakes && random.chance(0.3) ? { maxFailures: random.between(0, 2) } : {}),
      ...(random.chance(0.2) ? { cancelTimeoutSeconds: random.pick([0, 10, 60]) } : {}),
    },
  };
}

function checkPlan(random: Random, features: ReadonlySet<Feature>): object {
  const seconds = features.has('short waits') ? random.pick([5, 12]) : 60;
  return { command: ['check'], activeDeadlineSeconds: seconds };
}

function stepsPlan(random: Random, op: string, areChecked: boolean, repository: boolean): object[] {
  const soaks = areChecked ? [0, 20, 60] : [0, 0, 20];
  const checks = (step: number) =>
    areChecked
      ? {
          checks: Array.from({ length: random.pick([1, 1, 2]) }, (_, i) =>
            stepCheck(random, { op, step, check: i }, repository),
          ),
        }
      : {};
  const first = {
    name: 'canary',
    upTo: random.pick([1, 1, '34%']),
    soakSeconds: random.pick(soaks),
    maxFailures: random.pick([0, 0, 1]),
    ...checks(0),
  };
  if (random.chance(0.5)) return [first];
  const concurrency = random.pick([1, 2, '50%', 0]);
  const soakSeconds = random.pick(soaks);
  return [first, { name: 'half', upTo: random.pick([2, '50%']), concurrency, soakSeconds, ...checks(1) }];
}

const CHECK_IMAGES = [
  'alpine:3.20',
  'alpine:3.20',
  'example.org/failing:1',
  'example.org/hanging:1',
  'example.org/missing:1',
];

/** @param repository whether the agent is a whole one, whose checks by request go nowhere */
function stepCheck(
  random: Random,
  { op, step, check }: { op: string; step: number; check: number },
  repository: boolean,
): object {
  const url = addressOf(op, step, check, random.pick(['ok', 'ok', 'ok', 'flapping', 'failing', 'silent']));
  const kinds = [
    { http: { url } },
    { prometheus: { url, query: 'up' } },
    { command: { image: random.pick(CHECK_IMAGES), command: ['check'] } },
  ];
  const kind = repository ? kinds[2] : random.pick(kinds);
  const interval = random.chance(0.3) ? { intervalSeconds: random.pick([10, 30]) } : {};
  return { ...kind, ...interval, attempts: random.pick([1, 2, 3]), timeoutSeconds: random.pick([5, 20]) };
}

/** Most come when something has just begun or ended: that is when they matter. */
function eventPlan(
  random: Random,
  of: Trouble,
  names: { nodes: string[]; ops: string[] },
  marks: readonly Mark[],
): Event {
  const kind = kindPlan(random, of, names);
  if (random.chance(0.2)) return { at: random.between(0, TROUBLE_MS), ...kind };
  const at = random.pick([0, 0, 3, 50, 500, 3_000, 12_000]);
  return { at, after: { mark: random.pick(marks), nth: random.pick([1, 1, 1, 2, 3]) }, ...kind };
}

function kindPlan(
  random: Random,
  of: Trouble,
  { nodes, ops }: { nodes: string[]; ops: string[] },
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
      const what = random.pick(['cut', 'lag', 'silent', 'gap'] as const);
      const one = random.pick(['pods', 'jobs', 'nodes', 'nodeops', 'any'] as const);
      return {
        kind: 'watches',
        what,
        ms: what === 'cut' ? short : long,
        ...(one === 'any' ? {} : { of: one }),
      };
    }
    case 'nodes': {
      const what = random.pick(['down', 'gone', 'replaced', 'reboot', 'kubelet'] as const);
      return { kind: 'node', what, node: random.pick(nodes), ms: random.pick([short, long]) };
    }
    case 'people':
      return { kind: 'people', what: random.pick(DEEDS.op), on: random.pick(ops), ms: long };
    case 'hands':
      return { kind: 'people', what: random.pick(DEEDS.node), on: random.pick(nodes), ms: long };
    case 'git':
      if (random.chance(0.2)) return { kind: 'people', what: 'revert', on: random.pick(ops), ms: long };
      if (random.chance(0.1))
        return { kind: 'api', what: 'no NodeOps', ms: random.pick([long, 3_600_000]), share: 1 };
      return { kind: 'git', what: random.pick(GIT_FAULTS), replica: random.between(0, 1), ms: long };
  }
}
