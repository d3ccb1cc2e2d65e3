import { Random } from '../simulation/world/random.ts';
import { type Trouble, TROUBLES } from './weather.ts';

/** One history: what there is, what is asked for, and what goes wrong. Everything follows from the seed. Milliseconds. */
export interface Plan {
  seed: number;
  replicas: 1 | 2;
  transport: 'http' | 'ssh';
  nodes: number;
  runs: readonly RunPlan[];
  events: readonly Event[];
  /** Nothing goes wrong any more from then on. */
  troubleMs: number;
}

export interface RunPlan {
  at: number;
  name: string;
  spec: Record<string, unknown>;
}

export type Event = { at: number; ms: number } & (
  | { kind: 'process'; what: 'kill' | 'pause' | 'stop'; of: Victim; loses?: boolean }
  | { kind: 'network'; link: 'api' | 'git'; what: Trouble; share: number }
  | { kind: 'people'; what: 'cancel' | 'delete' | 'revert' | 'hold'; on: string }
  | { kind: 'people'; what: 'cordon'; on: number }
);

export type Victim = 'agent 0' | 'agent 1' | 'API server' | 'Git server';

/** @param canReboot whether nodes come back from a reboot */
export function planOf(seed: number, { nodes, canReboot }: { nodes?: number; canReboot: boolean }): Plan {
  // Seeds that follow one another have first numbers that are alike.
  const random = new Random(seed).fork().fork();
  const replicas = random.pick([1, 2, 2] as const);
  const transport = random.pick(['http', 'ssh'] as const);
  const count = nodes ?? random.between(3, 5);
  const troubleMs = random.between(15_000, 25_000);
  const runs = Array.from({ length: random.between(2, 5) }, (_, i) => ({
    at: i === 0 ? 0 : random.between(0, troubleMs * 0.7),
    name: `op-${i + 1}`,
    spec: specOf(random, canReboot),
  }));
  const events = Array.from({ length: random.between(8, 16) }, () =>
    eventOf(random, { troubleMs, replicas, nodes: count, names: runs.map(({ name }) => name) }),
  );
  events.sort((a, b) => a.at - b.at);
  return { seed, replicas, transport, nodes: count, runs, events, troubleMs };
}

function specOf(random: Random, canReboot: boolean): Record<string, unknown> {
  const command = (fails: number) => [
    'sh',
    '-c',
    `sleep ${random.pick([0, 0.2, 1, 3])}; exit ${random.chance(fails) ? 3 : 0}`,
  ];
  const check = (fails: number) => ({ command: command(fails), activeDeadlineSeconds: 20 });
  const covers = random.pick(['nothing', 'cordon', 'drain', 'drain'] as const);
  return {
    command: command(0.2),
    concurrency: covers === 'drain' ? 1 : random.pick([0, 1, 1, 2]),
    backoffLimit: random.pick([0, 0, 1]),
    retryAfterDisruption: random.chance(0.3),
    stopOnFailure: random.chance(0.2),
    uncordonOnFailure: random.chance(0.7),
    startTimeoutSeconds: 60,
    nodeReadyTimeoutSeconds: 60,
    ...(covers === 'cordon' ? { cordon: true } : {}),
    ...(covers === 'drain' ? { drainOptions: { enabled: true, timeoutSeconds: 25 } } : {}),
    ...(canReboot && random.chance(0.4) ? { rebootOnSuccess: true, rebootTimeoutSeconds: 60 } : {}),
    ...(random.chance(0.3) ? { preflight: check(0.1) } : {}),
    ...(random.chance(0.3) ? { postflight: check(0.1) } : {}),
    ...(random.chance(0.3) ? { steps: [{ name: 'canary', upTo: 1, soakSeconds: random.pick([0, 2]) }] } : {}),
  };
}

function eventOf(
  random: Random,
  of: { troubleMs: number; replicas: number; nodes: number; names: readonly string[] },
): Event {
  const at = random.between(500, of.troubleMs);
  const kind = random.pick(['process', 'process', 'network', 'network', 'network', 'people'] as const);
  switch (kind) {
    case 'process': {
      const victims: Victim[] = [
        'agent 0',
        'agent 0',
        'API server',
        'API server',
        'Git server',
        'Git server',
      ];
      const who = random.pick([...victims, ...(of.replicas > 1 ? (['agent 1', 'agent 1'] as const) : [])]);
      const isAgent = who.startsWith('agent');
      const what = random.pick(
        isAgent ? (['kill', 'kill', 'pause', 'stop'] as const) : (['kill', 'pause'] as const),
      );
      // An agent is paused for longer than its lease at times.
      const ms =
        isAgent && what === 'pause' ? random.pick([1_000, 16_000]) : random.pick([200, 2_000, 6_000]);
      return { at, ms, kind, what, of: who, ...(isAgent && random.chance(0.3) ? { loses: true } : {}) };
    }
    case 'network': {
      const link = random.pick(['api', 'api', 'git'] as const);
      const ms = random.pick([1_000, 3_000, 8_000]);
      return { at, ms, kind, link, what: random.pick(TROUBLES), share: random.pick([0.1, 0.3, 0.7]) };
    }
    case 'people': {
      const what = random.pick(['cancel', 'delete', 'revert', 'hold', 'cordon', 'cordon'] as const);
      const ms = random.pick([1_000, 5_000]);
      if (what === 'cordon') return { at, ms, kind, what, on: random.between(1, of.nodes) };
      return { at, ms, kind, what, on: random.pick(of.names) };
    }
  }
}
