import { type Event, IN_FLIGHT, type Plan } from '../plan.ts';

/** What else goes wrong right when an agent writes, where that alone shows nothing. */
interface Trouble {
  /** For people. */
  name: string;
  events: (nth: number) => Event[];
}

/** Longer than a lease lasts: the write may land when another one leads. */
const HELD_MS = 60_000;
/** The write has taken effect, and whoever sent it is about to hear of it. */
const SOON_MS = 20;
/** So long nobody hears of nodes. */
const UNSEEN_MS = 20_000;

const at = (nth: number, ms: number) => ({ at: ms, after: { mark: 'write', nth } }) as const;
const held = (count: number): Event => ({
  at: 100,
  kind: 'write',
  replica: 0,
  count,
  how: 'held and killed',
  ms: HELD_MS,
});
const deed = (nth: number, what: 'cancel' | 'delete'): Event => ({
  ...at(nth, 1_000),
  kind: 'people',
  what,
  on: 'op-1',
  ms: 0,
});
const node = (nth: number, what: 'replaced' | 'gone' | 'reboot'): Event => ({
  ...at(nth, SOON_MS),
  kind: 'node',
  what,
  node: IN_FLIGHT,
  ms: 1_000,
});

/** Each kind of trouble with the node that is worked on, and what two troubles do at the same time. */
const TROUBLES: readonly Trouble[] = [
  { name: 'the node is replaced', events: (nth) => [node(nth, 'replaced')] },
  {
    name: 'the node is replaced, and nobody hears of what was between',
    events: (nth) => [
      { ...at(nth, SOON_MS - 1), kind: 'watches', what: 'gap', of: 'nodes', ms: UNSEEN_MS },
      node(nth, 'replaced'),
    ],
  },
  { name: 'the node is gone', events: (nth) => [node(nth, 'gone')] },
  { name: 'the node reboots', events: (nth) => [node(nth, 'reboot')] },
  { name: 'held, and the run is cancelled', events: (nth) => [held(nth), deed(nth, 'cancel')] },
  { name: 'held, and the NodeOp is deleted', events: (nth) => [held(nth), deed(nth, 'delete')] },
  {
    name: 'held, then late news',
    events: (nth) => [
      held(nth),
      { at: 0, after: { mark: 'leader changes', nth: 2 }, kind: 'watches', what: 'lag', ms: 30_000 },
    ],
  },
];

/** That rollout with each trouble at each of so many writes. How it ends hangs on what happened; no promise may be broken. */
export function besidesWrites(kind: string, plan: Plan, writes: number): { name: string; plan: Plan }[] {
  return Array.from({ length: writes }, (_, i) => i + 1).flatMap((nth) =>
    TROUBLES.map(({ name, events }) => ({
      name: `${kind}: write ${nth}, ${name}`,
      plan: { ...plan, events: [...plan.events, ...events(nth)] },
    })),
  );
}
