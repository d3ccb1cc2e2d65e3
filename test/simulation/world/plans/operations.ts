import { windowOf } from '../oracles/windows.ts';
import type { NodePlan, OpPlan } from '../plan.ts';
import type { Random } from '../random.ts';
import { addressOf } from '../services.ts';
import type { Feature } from './mix.ts';

export function opPlan(
  random: Random,
  index: number,
  nodes: readonly NodePlan[],
  features: ReadonlySet<Feature>,
): OpPlan {
  const hangs = nodes.some(({ command }) => command.hangs === true);
  const has = (feature: Feature) => features.has(feature) && random.chance(0.8);
  const brakes = features.has('brakes');
  return {
    at: index === 0 ? 1_000 : random.pick([1_500, 5_000, 30_000, 90_000]),
    name: `op-${index + 1}`,
    ...(has('windows') ? { window: windowOf(random.pick([3, 5]), random.pick([1, 2])) } : {}),
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
      retryAfterDisruption: has('retries') && random.chance(features.has('long commands') ? 0.8 : 0.5),
      soakSeconds: brakes ? random.pick([0, 10, 40]) : 0,
      uncordonOnFailure: random.chance(0.3),
      ...(has('drain')
        ? { drainOptions: { enabled: true, timeoutSeconds: random.pick([5, 120]) } }
        : { cordon: has('cordon') }),
      ...(has('preflight') ? { preflight: checkPlan(random, features) } : {}),
      ...(has('postflight') ? { postflight: checkPlan(random, features) } : {}),
      ...(has('steps') ? { steps: stepsPlan(random, `op-${index + 1}`, features.has('checks')) } : {}),
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

function stepsPlan(random: Random, op: string, areChecked: boolean): object[] {
  const soaks = areChecked ? [0, 20, 60] : [0, 0, 20];
  const checks = (step: number) =>
    areChecked
      ? {
          checks: Array.from({ length: random.pick([1, 1, 2]) }, (_, i) =>
            stepCheck(random, { op, step, check: i }),
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

function stepCheck(random: Random, { op, step, check }: { op: string; step: number; check: number }): object {
  const url = addressOf(op, step, check, random.pick(['ok', 'ok', 'ok', 'flapping', 'failing', 'silent']));
  const kinds = [
    { http: { url } },
    { prometheus: { url, query: 'up' } },
    { command: { image: random.pick(CHECK_IMAGES), command: ['check'] } },
  ];
  const kind = random.pick(kinds);
  const interval = random.chance(0.3) ? { intervalSeconds: random.pick([10, 30]) } : {};
  return { ...kind, ...interval, attempts: random.pick([1, 2, 3]), timeoutSeconds: random.pick([5, 20]) };
}
