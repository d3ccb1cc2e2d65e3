import { useEffect, useState } from 'preact/hooks';

/** The time of the server, as the browser's clock may be wrong, and the only place that asks for the time or waits. */

let ahead = 0;

function now(): number {
  return Date.now() + ahead;
}

/** By the `Date` of an answer, which tells whole seconds; smaller differences are of no matter to what is shown. */
export function heedServerTime(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now();
  if (Number.isFinite(difference)) ahead = Math.abs(difference) < 2_000 ? 0 : difference;
}

/** @returns how to call it off */
export function later(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function onSecond(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    for (const it of listeners) it();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** The present time, every second anew. With `stopped` it stands still. */
export function useNow(stopped = false): number {
  const [time, setTime] = useState(now);
  useEffect(() => (stopped ? undefined : onSecond(() => setTime(now()))), [stopped]);
  return time;
}
