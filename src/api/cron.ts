import { Cron } from 'croner';
import { z } from 'zod';

/** Ranges of the fields, as in crontab(5); Sunday is 0 or 7. */
const FIELDS = [
  { name: 'second', min: 0, max: 59, names: '' },
  { name: 'minute', min: 0, max: 59, names: '' },
  { name: 'hour', min: 0, max: 23, names: '' },
  { name: 'day of month', min: 1, max: 31, names: '' },
  { name: 'month', min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec' },
  { name: 'day of week', min: 0, max: 7, names: 'sun mon tue wed thu fri sat' },
];

/** What is wrong with a cron expression of five fields, or six (seconds first); undefined when nothing is. */
export function cronProblem(text: string, count: 5 | 6): string | undefined {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== count) {
    return `expected ${count} fields (${FIELDS.slice(6 - count)
      .map((it) => it.name)
      .join(', ')})`;
  }
  for (const [i, part] of parts.entries()) {
    const field = FIELDS[i + 6 - count];
    if (field && !part.split(',').every((item) => isItem(item, field))) {
      return `${JSON.stringify(part)} is not a ${field.name} (${field.min} to ${field.max})`;
    }
  }
  return nextTime(text, 'UTC', 0) === undefined ? 'never comes, such as 30 February' : undefined;
}

/** Reading an expression costs more than evaluating it; there are never many different ones. */
const read = new Map<string, Cron>();
const MAX_READ = 100;

/**
 * The first time the expression names after `after`; epoch milliseconds in and out. A time of day that the
 * clock skips in spring is the moment after the gap; one that comes twice in autumn counts the first time, while
 * `*` and steps go on through both hours. The only user of croner.
 * @param timeZone IANA name; that of the process when undefined
 */
export function nextTime(
  expression: string,
  timeZone: string | undefined,
  after: number,
): number | undefined {
  const key = `${expression} ${timeZone}`;
  const cron =
    read.get(key) ??
    new Cron(expression, {
      paused: true,
      fixedTimeRule: 'no-wildcard',
      ...(timeZone !== undefined && { timezone: timeZone }),
    });
  if (read.size >= MAX_READ) read.clear();
  read.set(key, cron);
  return cron.nextRun(new Date(after))?.getTime();
}

function isItem(item: string, field: (typeof FIELDS)[number]): boolean {
  const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
  if (!match) return false;
  const [, from, to, step] = match;
  if (step !== undefined && Number(step) < 1) return false;
  const first = from === undefined ? field.min : valueOf(from, field);
  const last = to === undefined ? field.max : valueOf(to, field);
  return first !== undefined && last !== undefined && first <= last;
}

function valueOf(word: string, field: (typeof FIELDS)[number]): number | undefined {
  const named = field.names.split(' ').indexOf(word.toLowerCase());
  const value = named >= 0 ? named + field.min : Number(word);
  return Number.isInteger(value) && value >= field.min && value <= field.max ? value : undefined;
}

export const cron = (count: 5 | 6) =>
  z.string().superRefine((text, ctx) => {
    const problem = cronProblem(text, count);
    if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
  });
