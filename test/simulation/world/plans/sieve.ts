import { History } from '../history.ts';
import type { Event, Plan, Watched, WriteFault } from '../plan.ts';
import { besidesWrites } from './besides.ts';
import { KINDS, planOfBoth, planOfKind } from './kinds.ts';

/** One place of one rollout, and what goes wrong right there. */
export interface Place {
  /** For people. */
  name: string;
  plan: Plan;
  /** How the rollout ends when nothing goes wrong. */
  end?: string;
}

/** What becomes of each write, and what of the agent that comes after it. */
const WRITES: readonly { how: WriteFault; ms: number; besides?: Event }[] = [
  { how: 'killed after', ms: 500 },
  { how: 'killed before', ms: 500 },
  { how: 'answer lost', ms: 0 },
  { how: 'held and killed', ms: 60_000 },
  { how: 'held and paused', ms: 60_000 },
  { how: 'held and cut', ms: 20_000 },
  {
    how: 'killed after',
    ms: 500,
    // Whoever comes next hears of everything late.
    besides: { at: 0, after: { mark: 'leader changes', nth: 2 }, kind: 'watches', what: 'lag', ms: 30_000 },
  },
];

const WATCHED: Readonly<Record<string, Watched>> = {
  pods: 'pods',
  'jobs.batch': 'jobs',
  nodes: 'nodes',
  'nodeops.operator.kairos.io': 'nodeops',
};

/** So long at most nothing is heard between two states. */
const GAP_MS = 60_000;

interface Undisturbed {
  plan: Plan;
  /** It broke no promise. */
  isWhole: boolean;
  end: string;
  writes: number;
  /** Each state of each object, but for the last: when it came, and when the next did. */
  states: { object: string; of: Watched; from: number; to: number }[];
}

/**
 * First each kind undisturbed, which shows most of what is wrong. As Sieve does it: a rollout of each kind is recorded undisturbed;
 * then, for every single write, it is lost, or done and the agent killed, and so on; and for every state of every object, that state
 * is never seen. It has to end as the undisturbed one. Besides, trouble with nodes and two things at once at each write, and two
 * NodeOps at once.
 */
export async function placesOfAll(): Promise<Place[]> {
  const undisturbed: Place[] = [];
  const places: Place[] = [];
  for (const kind of Object.keys(KINDS)) {
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    const known = await record(planOfKind(kind));
    undisturbed.push({ name: `${kind}: undisturbed`, plan: known.plan });
    if (!known.isWhole) continue;
    const disturbed = [...atWrites(kind, known), ...atStates(kind, known)];
    const varies = KINDS[kind]?.varies === true;
    places.push(
      ...disturbed.map(({ end, ...rest }) => (varies || end === undefined ? rest : { ...rest, end })),
      ...besidesWrites(kind, known.plan, known.writes),
    );
  }
  return [...undisturbed, ...spread([...places, ...ofTwo()])];
}

/** Each kind with another one on the same nodes at the same time. */
function ofTwo(): Place[] {
  const kinds = Object.keys(KINDS);
  return kinds.flatMap((first) =>
    kinds.map((second) => ({ name: `${first}, then ${second}`, plan: planOfBoth(first, second) })),
  );
}

/** In an order in which any part of them has some of everything. */
function spread(places: readonly Place[]): Place[] {
  const { length } = places;
  let stride = Math.max(1, Math.floor(length * 0.618));
  while (divisorOf(stride, length) > 1) stride += 1;
  return places.map((_, i) => places[(i * stride) % length] as Place);
}

function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b);
}

async function record(plan: Plan): Promise<Undisturbed> {
  const history = new History(plan);
  const began = history.time.now;
  const seen = new Map<string, { of: Watched; times: number[] }>();
  history.cluster.store.watchAll((key, { object }) => {
    const of = WATCHED[key];
    if (of === undefined) return;
    const id = `${key}/${object.metadata.uid}`;
    const known = seen.get(id) ?? { of, times: [] };
    seen.set(id, known);
    known.times.push(history.time.now - began);
  });
  const { violations, end, writes } = await history.run();
  const states = [...seen].flatMap(([object, { of, times }]) =>
    times.slice(1).map((to, i) => ({ object, of, from: times[i] ?? 0, to })),
  );
  const isWhole = violations.length === 0;
  return { plan, isWhole, end, writes, states: states.filter(({ from, to }) => to > from && from > 0) };
}

function atWrites(kind: string, { plan, end, writes }: Undisturbed): Place[] {
  return Array.from({ length: writes }, (_, i) => i + 1).flatMap((count) =>
    WRITES.map(({ how, ms, besides }) => {
      const fault: Event = { at: 100, kind: 'write', replica: 0, count, how, ms };
      const events = [...plan.events, fault, ...(besides ? [besides] : [])];
      const name = `${kind}: write ${count} ${how}${besides ? ', then late news' : ''}`;
      return { name, end, plan: { ...plan, events } };
    }),
  );
}

function atStates(kind: string, { plan, end, states }: Undisturbed): Place[] {
  return states.map(({ object, of, from, to }) => {
    const ms = Math.min(to - from + 20, GAP_MS);
    const gap: Event = { at: from - 1, kind: 'watches', what: 'gap', of, ms };
    const name = `${kind}: ${object} as of ${(from / 1000).toFixed(3)} s is never seen`;
    return { name, end, plan: { ...plan, events: [...plan.events, gap] } };
  });
}
