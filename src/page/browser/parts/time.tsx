import { useNow } from '../clock.ts';
import { lasting, moment } from '../words.ts';

/** How long ago something was; the very time for those who point at it. */
export function Ago({ time }: { time: number }) {
  const now = useNow();
  const text = now - time < 60_000 ? 'just now' : `${lasting(roughly(now - time))} ago`;
  return (
    <time dateTime={new Date(time).toISOString()} title={moment(time)}>
      {text}
    </time>
  );
}

/** How long until then. */
export function Until({ time, over = 'now' }: { time: number; over?: string }) {
  const now = useNow();
  return (
    <time dateTime={new Date(time).toISOString()} title={moment(time)}>
      {time <= now ? over : `in ${lasting(time - now)}`}
    </time>
  );
}

/** How long it goes on. */
export function Since({ time, until }: { time: number; until?: number | undefined }) {
  const now = useNow(until !== undefined);
  return <>{lasting((until ?? now) - time)}</>;
}

/** What is long ago is not told by the second. */
function roughly(ms: number): number {
  const minute = 60_000;
  if (ms < 120 * minute) return ms - (ms % minute) || minute;
  return ms - (ms % (60 * minute));
}
