import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../simulation/world/random.ts';
import type { Plan } from '../chaos/plan.ts';
import { Stage } from '../chaos/stage.ts';
import type { Row } from './measure.ts';

/** What is told to stop ends within this. */
const STOPS_MS = 5_000;
const CASES: Record<string, (stage: Stage) => void> = {
  'in the middle of a rollout': () => {},
  'while the API server hangs': (stage) => stage.process('API server')?.pause(),
  'while the Git server hangs': (stage) => stage.process('Git server')?.pause(),
  'while the API server is away': (stage) => stage.process('API server')?.kill(),
  'while nothing comes from either': (stage) => {
    for (const weather of Object.values(stage.weather)) weather.set({ what: 'half-open', share: 1 });
  },
};

/** An agent with a rollout under way is told to stop, whatever it waits for. */
export async function stops(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, happens] of Object.entries(CASES)) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    rows.push({
      scenario: 'the bundle stops',
      what: `ms ${what}`,
      from: 0,
      to: await stop(happens),
      most: STOPS_MS,
    });
  }
  return rows;
}

async function stop(happens: (stage: Stage) => void): Promise<number> {
  const plan: Plan = {
    seed: 1,
    replicas: 1,
    transport: 'http',
    nodes: 3,
    runs: [],
    events: [],
    troubleMs: 0,
  };
  const folder = mkdtempSync(join(tmpdir(), 'nodeop-stops-'));
  const stage = new Stage(folder, plan, new Random(1));
  try {
    await stage.start();
    stage.startAgents();
    const command = ['sh', '-c', 'sleep 60; exit 0'];
    await stage.repository.merge('op', { command, concurrency: 1, drainOptions: { enabled: true } });
    const { cluster } = stage;
    for (let isBegun = false; !isBegun;) {
      // oxlint-disable-next-line no-await-in-loop -- until it runs
      await sleep(200);
      isBegun = cluster.read().some((entry) => entry.what === 'starts');
    }
    happens(stage);
    // What it does next gets stuck.
    await sleep(3_000);
    const [agent] = stage.agents;
    const { ms = Infinity } = (await agent?.stop(60_000)) ?? {};
    return Math.round(ms);
  } finally {
    await stage.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
