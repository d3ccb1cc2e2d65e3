/** That nothing has arrived for long, as the record of a receiver has it. */
export interface Failing {
  /** Epoch milliseconds: of the first attempt that failed, and of the last. */
  since: number;
  last: number;
  reason: string;
}

/** One that is to be reached is tried more often: of an older record nobody knows whether the receiver is still configured. */
const CURRENT_MS = 30 * 60_000;

export function formatFailing({ since, last, reason }: Failing): string {
  return `${new Date(since).toISOString()} ${new Date(last).toISOString()} ${reason}`;
}

/** Undefined when nobody tries any more, or when it is none. */
export function parseFailing(text: string | undefined, now: number): Failing | undefined {
  const [, from = '', to = '', reason = ''] = /^(\S+) (\S+) (.*)$/s.exec(text ?? '') ?? [];
  const [since, last] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(since) || Number.isNaN(last) || now - last > CURRENT_MS) return undefined;
  return { since, last, reason };
}
