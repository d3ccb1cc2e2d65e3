import { pino } from 'pino';
import { logLine } from '../core/text/log-line.ts';
import { logged } from '../core/text/output.ts';

/** The part of a logger the agent uses: a static message after its fields. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** People read along: lines for them instead of JSON. */
const TERMINAL = { write: (json: string) => void process.stdout.write(`${logLine(json)}\n`) };

/** JSON lines on standard output, or lines for people when that is a terminal; what may hold a credential is blanked wherever it stands. */
export function createLogger(level: string, isTerminal = process.stdout.isTTY): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => safe(fields) as Record<string, unknown>,
    },
    redact: { paths: ['token', 'password', 'authorization', '*.token', '*.password', '*.authorization'] },
  };
  return isTerminal ? pino(options, TERMINAL) : pino(options);
}

/** Nobody reads more, and a line is written in one turn. */
const LONGEST = 16 * 1024;

/** Lines of a log are read on terminals, too: names and messages of others do nothing there. */
function safe(value: unknown, depth = 0): unknown {
  if (typeof value === 'string')
    return logged(value.length > LONGEST ? `${value.slice(0, LONGEST).toWellFormed()}…` : value);
  if (depth > 3 || typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (Array.isArray(value)) return value.map((it) => safe(it, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [logged(key), safe(it, depth + 1)]));
}
