import type { RunRow, SearchAnswer, SearchQuery } from '../../api/page.ts';
import type { Steps } from '../../api/pieces.ts';
import { quiet } from './card.ts';
import type { SeenFacts } from './facts.ts';
import { ageOf, rowOf, type Run, runsOf } from './row.ts';
import { mayReadLogs } from './sees.ts';

/** Rows of one answer. */
const PAGE = 100;
/** Runs that are looked at before others have their turn. */
const PIECE = 200;
/** Longer texts and more words look for nothing that anybody has written. */
const LONGEST = 200;
const WORDS = 10;

/** Where an answer ended: the age of its last run, and its id for those of the same age. */
const CURSOR = /^(\d{1,16}) (.*)$/s;

/** The runs that fit, newest first, of all that there are. */
export function* search(query: SearchQuery, facts: SeenFacts): Steps<SearchAnswer> {
  const runs = [...runsOf(facts).values()];
  yield;
  const sorted = runs.map((run) => ({ run, age: ageOf(run) })).toSorted(newestFirst);
  yield;
  const fits = matcher(query, facts);
  const after = cursorOf(query.cursor);
  const rows: RunRow[] = [];
  let [found, more, last] = [0, false, ''];
  for (const [i, it] of sorted.entries()) {
    if (i % PIECE === PIECE - 1) yield;
    if (!fits(it.run)) continue;
    found += 1;
    if (after && newestFirst(after, it) >= 0) continue;
    more = rows.length === PAGE;
    if (more) continue;
    rows.push(rowOf(it.run, facts));
    last = `${it.age} ${it.run.id}`;
  }
  return {
    rows,
    ...(more && { next: Buffer.from(last).toString('base64url') }),
    found,
    total: sorted.length,
    reading: facts.reports.state === 'reading',
  };
}

interface Aged {
  age: number;
  run: Pick<Run, 'id'>;
}

function newestFirst(a: Aged, b: Aged): number {
  return b.age - a.age || (a.run.id < b.run.id ? -1 : Number(a.run.id > b.run.id));
}

/** Of one that nobody was given all are shown anew. */
function cursorOf(text: string | undefined): Aged | undefined {
  if (text === undefined) return undefined;
  const [, age, id] = CURSOR.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  return age === undefined || id === undefined ? undefined : { age: Number(age), run: { id } };
}

function matcher(query: SearchQuery, facts: SeenFacts): (run: Run) => boolean {
  const { state, cluster, person, text = '' } = query;
  const words = text.slice(0, LONGEST).toLowerCase().split(/\s+/).filter(Boolean).slice(0, WORDS);
  return (run) => {
    const it = facetsOf(run, facts);
    if (state !== undefined && it.state !== state) return false;
    if (cluster !== undefined && it.cluster !== cluster) return false;
    if (person !== undefined && it.by !== person) return false;
    if (words.length === 0) return true;
    const said = it.said.join('\n').toLowerCase();
    return words.every((word) => said.includes(word));
  };
}

/** What a run is found by. Of nearly all there is only the card, of which no row is made for that. */
function facetsOf(run: Run, facts: SeenFacts) {
  const { card, nodeOp } = run;
  const seen = card && (mayReadLogs(facts.sees, card.namespace) ? card : quiet(card));
  const { state, cluster, by, why, step, name } =
    seen && !nodeOp && !run.waiting
      ? { ...seen, cluster: seen.cluster ?? facts.layout.cluster, name: seen.path }
      : rowOf(run, facts);
  const texts = [name, by, why, step, state, seen?.causes, seen?.called, nodeOp?.metadata.name];
  return { state, cluster, by, said: texts.filter((it) => it !== undefined) };
}
