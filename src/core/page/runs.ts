import type { Steps } from '../../api/pieces.ts';
import type { PageViews, RunRow } from '../../api/page.ts';
import { Cordons } from '../cordon.ts';
import { passedOverText } from '../runs/passed-over.ts';
import { naturally } from '../text/order.ts';
import { addActions } from './actions.ts';
import { known, type SeenFacts, topOf } from './facts.ts';
import { needsYou } from './needs-you.ts';
import { ageOf, isOpen, rowOf, runsOf, said } from './row.ts';
import { maySee } from './sees.ts';

/** Rows of runs that are over, and of those that go on: the rest is found by a search. */
const OVER = 100;
const OPEN = 400;
/** What there is to choose from. */
const CHOICES = 200;
const PIECE = 100;

/** All runs: what needs somebody, those that go on, and the newest of those that are over. */
export function* runsView(facts: SeenFacts): Steps<PageViews['runs']> {
  const runs = [...runsOf(facts).values()];
  yield;
  for (const { nodeOp } of runs) {
    if (!nodeOp) continue;
    // Kept for whoever asks again.
    said(nodeOp);
    yield;
  }
  const sorted = runs.map((run) => ({ run, age: ageOf(run) })).toSorted((a, b) => b.age - a.age);
  yield;
  const needs = yield* needsYou(
    sorted.map(({ run }) => run),
    new Cordons(facts.nodeOps),
    facts,
  );
  yield;
  const wanted = new Set(needs.map(({ run }) => run));
  let [open, over] = [0, 0];
  const shown = sorted.filter(({ run }) => {
    if (isOpen(run)) return (open += 1) <= OPEN;
    return (over += 1) <= OVER || wanted.has(run.id);
  });
  const { reports, record, sees } = facts;
  const cards = reports.cards.filter(({ namespace }) => maySee(sees, namespace));
  yield;
  const clusters = choices(cards.map(({ cluster }) => cluster));
  yield;
  const people = choices(cards.map(({ by }) => by));
  yield;
  const head: PageViews['runs']['head'] = known({
    ...topOf(facts),
    cluster: facts.layout.cluster,
    held: topOf(facts).held,
    stale: facts.stale,
    needsYou: needs,
    total: sees.nodeOps === 'all' ? Math.max(runs.length, reports.total) : runs.length,
    clusters,
    people,
    reports: reports.state,
    passedOver: (record?.passedOver ?? 0) > 0 && record ? passedOverText(record) : undefined,
    actions: addActions(facts),
  });
  yield;
  const rows: RunRow[] = [];
  for (const { run } of shown) {
    rows.push(rowOf(run, facts));
    if (rows.length % PIECE === 0) yield;
  }
  return { head, rows };
}

function choices(values: readonly (string | undefined)[]): string[] {
  const found = new Set(values.filter((it) => it !== undefined));
  return [...found].toSorted(naturally).slice(0, CHOICES);
}
