import { Cron } from 'croner';
import { z } from 'zod';
import { show } from './wording.ts';

/** Ranges of the fields, as in crontab(5); Sunday is 0 or 7, so of days of the week there are fewer than numbers. */
const FIELDS = [
  { name: 'second', min: 0, max: 59, count: 60, names: '' },
  { name: 'minute', min: 0, max: 59, count: 60, names: '' },
  { name: 'hour', min: 0, max: 23, count: 24, names: '' },
  { name: 'day of month', min: 1, max: 31, count: 31, names: '' },
  { name: 'month', min: 1, max: 12, count: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec' },
  { name: 'day of week', min: 0, max: 7, count: 7, names: 'sun mon tue wed thu fri sat' },
];

/** What is wrong with a cron expression of five fields, or six (seconds first); undefined when nothing is. */
export function cronProblem(text: string, count: 5 | 6): string | undefined {
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  const parts = text.trim().split(/\s+/);
  if (parts.length !== count) {
    return `expected ${count} fields (${FIELDS.slice(6 - count)
      .map((it) => it.name)
      .join(', ')})`;
  }
  for (const [i, part] of parts.entries()) {
    const field = FIELDS[i + 6 - count];
    const problem =
      field &&
      part
        .split(',')
        .map((item) => itemProblem(item, field))
        .find(Boolean);
    if (problem !== undefined) return problem;
  }
  // Programs differ in whether one of them or both have to fit.
  if (count === 6 && parts[3] !== '*' && parts[5] !== '*') {
    return 'names days of the month and days of the week: write * for one of them';
  }
  return nextTime(text, 'UTC', 0) === undefined ? 'never comes, such as 30 February' : undefined;
}

/** All minutes, hours, days and months written out are shorter. */
const MAX_LENGTH = 500;

/** Reading an expression costs more than evaluating it; there are never many different ones. */
const known = new Map<string, Cron | undefined>();
const MAX_KNOWN = 100;

/**
 * The first time the expression names after `after`; epoch milliseconds in and out. A time of day that the
 * clock skips in spring is the moment after the gap; one that comes twice in autumn counts the first time, while
 * `*` and steps go on through both hours. Undefined when there is none, also since the expression or the zone cannot be
 * read: it never throws. The only user of croner.
 * @param timeZone IANA name; that of the process when undefined
 */
export function nextTime(
  expression: string,
  timeZone: string | undefined,
  after: number,
): number | undefined {
  const key = `${expression} ${timeZone}`;
  if (!known.has(key)) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, read(expression, timeZone));
  }
  try {
    return known.get(key)?.nextRun(new Date(after))?.getTime();
  } catch {
    return undefined;
  }
}

/** croner refuses more than `cronProblem` knows of, and does so by throwing. */
function read(expression: string, timeZone: string | undefined): Cron | undefined {
  try {
    return new Cron(expression, {
      paused: true,
      fixedTimeRule: 'no-wildcard',
      ...(timeZone !== undefined && { timezone: timeZone }),
    });
  } catch {
    return undefined;
  }
}

const ITEM = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/;

function itemProblem(item: string, field: (typeof FIELDS)[number]): string | undefined {
  const range = `${field.min} to ${field.max}`;
  const wrong = `${show(item)} is not a ${field.name} (${range})`;
  const match = ITEM.exec(item);
  if (!match) return wrong;
  const [, from, to, step] = match;
  const first = from === undefined ? field.min : valueOf(from, field);
  const last = to === undefined ? field.max : valueOf(to, field);
  if (first === undefined || last === undefined || first > last) return wrong;
  if (step === undefined) return undefined;
  if (from !== undefined && to === undefined) {
    return `${show(item)} has a step without a range: write ${show(`${from}-${field.max}/${step}`)}`;
  }
  if (Number(step) < 1 || Number(step) > field.count) {
    return `${show(item)} has a step that is not 1 to ${field.count} (${field.name})`;
  }
  return undefined;
}

function valueOf(word: string, field: (typeof FIELDS)[number]): number | undefined {
  const named = field.names.split(' ').indexOf(word.toLowerCase());
  const value = named >= 0 ? named + field.min : /^\d+$/.test(word) ? Number(word) : NaN;
  return Number.isInteger(value) && value >= field.min && value <= field.max ? value : undefined;
}

export const cron = (count: 5 | 6) =>
  z.string().superRefine((text, ctx) => {
    const problem = cronProblem(text, count);
    if (problem !== undefined) ctx.addIssue({ code: 'custom', message: problem });
  });
