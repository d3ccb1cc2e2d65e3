import { useEffect, useState } from 'preact/hooks';
import type { RunRow, SearchAnswer, SearchQuery } from '../../../api/page.ts';
import { later } from '../clock.ts';
import { withQuery } from '../route.ts';
import { ask } from './requests.ts';

/** People type faster than they read. */
const PATIENCE_MS = 200;
/** While reports are still being read there may be more a moment later. */
const AGAIN_MS = 2_000;

export interface Search {
  answer?: SearchAnswer;
  problem?: string;
  /** What is shown belongs to an earlier question. */
  isStale: boolean;
  /** Reads the next ones, where there are more. */
  more: () => void;
}

function search(address: string) {
  return ask<SearchAnswer>(address);
}

function addressOf(query: SearchQuery): string {
  return withQuery('/page/search', { ...query });
}

interface Found {
  address?: string;
  answer?: SearchAnswer;
  problem?: string;
}

/** All runs that fit, page by page. `occasion` changes when the answer may be another one. */
export function useSearch(query: SearchQuery, occasion: unknown): Search {
  const [found, setFound] = useState<Found>({});
  const [again, setAgain] = useState(0);
  const address = addressOf(query);
  useEffect(() => {
    let isOver = false;
    const callOff = later(PATIENCE_MS, () => {
      void search(address).then((answer) => {
        if (isOver) return;
        setFound(answer.ok ? { address, answer: answer.value } : { address, problem: answer.message });
      });
    });
    return () => {
      isOver = true;
      callOff();
    };
  }, [address, occasion, again]);
  const { answer, problem } = found;
  const isReading = answer?.reading === true;
  useEffect(() => (isReading ? later(AGAIN_MS, () => setAgain(again + 1)) : undefined), [isReading, again]);
  const more = async () => {
    if (answer?.next === undefined) return;
    const next = await search(addressOf({ ...query, cursor: answer.next }));
    if (!next.ok) return;
    const rows = [...answer.rows, ...next.value.rows];
    setFound((now) => (now.answer === answer ? { address, answer: { ...next.value, rows } } : now));
  };
  return {
    ...(answer && { answer }),
    ...(problem !== undefined && { problem }),
    isStale: found.address !== address,
    more: () => void more(),
  };
}

/** Runs besides those known, read as they are asked for. */
export function useOlder(known: readonly RunRow[], total: number) {
  const [rows, setRows] = useState<readonly RunRow[]>([]);
  const [next, setNext] = useState<{ cursor?: string } | undefined>({});
  const keys = new Set(known.map(({ key }) => key));
  const older = rows.filter(({ key }) => !keys.has(key));
  const read = async () => {
    let from = next;
    const added: RunRow[] = [];
    // The first pages hold what is known already.
    while (from !== undefined && !added.some(({ key }) => !keys.has(key))) {
      // oxlint-disable-next-line no-await-in-loop -- each names the next one
      const answer = await search(addressOf(from));
      if (!answer.ok) break;
      added.push(...answer.value.rows);
      from = answer.value.next === undefined ? undefined : { cursor: answer.value.next };
    }
    setRows([...rows, ...added]);
    setNext(from);
  };
  const hasMore = next !== undefined && known.length + older.length < total;
  return { rows: older, hasMore, read: () => void read() };
}
