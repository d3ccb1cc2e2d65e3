/** That nothing has arrived for long, as the record of a receiver has it. */
export interface Failing {
  /** Epoch milliseconds: of the first attempt that failed, and of the last. */
  since: number;
  last: number;
  reason: string;
}

/** A receiver that is still configured is tried more often than this: an older record is none. */
const CURRENT_MS = 30 * 60_000;

export function formatFailing({ since, last, reason }: Failing): string {
  return `${new Date(since).toISOString()} ${new Date(last).toISOString()} ${reason}`;
}

/** Undefined when the text is none, or so old that nobody tries any more. */
export function parseFailing(text: string | undefined, now: number): Failing | undefined {
  const [, from = '', to = '', reason = ''] = /^(\S+) (\S+) (.*)$/s.exec(text ?? '') ?? [];
  const [since, last] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(since) || Number.isNaN(last) || now - last > CURRENT_MS) return undefined;
  return { since, last, reason };
}
