import { styleText } from 'node:util';
import { InvalidArgumentError } from 'commander';
import { duration, durationMs } from '../api/schema.ts';
import { fitted, reflowed } from '../core/text/fit.ts';
import { screen } from '../core/text/output.ts';

export { shellWord } from '../core/text/shell.ts';

/** Lines on standard output, for people: on a terminal none is wider than that is. */
export function print(text: string): void {
  printData(fitted(screen(text), columns()));
}

/** Lines that something reads, or that are copied as a whole: documents, JSON. */
export function printData(text: string): void {
  process.stdout.write(`${screen(text)}\n`);
}

/** A line that is harmless already, of very many: resolves once whoever reads them keeps up. */
export async function written(text: string): Promise<void> {
  if (process.stdout.write(`${text}\n`)) return;
  await new Promise((resolve) => {
    process.stdout.once('drain', resolve);
  });
}

/** Commands for the log of a workflow, whose parts are escaped already. */
export function printCommands(commands: readonly string[]): void {
  for (const command of commands) process.stdout.write(`${command}\n`);
}

/** What a command says below its options, to be given to `addHelpText`. */
export function prose(text: string): () => string {
  return () => reflowed(text, columns());
}

/** Columns of the terminal; undefined where the output is read by something else, which cuts nothing. */
export function columns(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Who reads our output may have read enough (`| head`): then there is nothing left to do. 141 is SIGPIPE's status. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(141);
      throw error;
    });
  }
}

export function printError(text: string): void {
  const width = process.stderr.isTTY ? process.stderr.columns : undefined;
  process.stderr.write(`${fitted(screen(text), width)}\n`);
}

/** Of options that take a number from `least` to `most`. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  };
}

export const wholeNumber = numberBetween(0, 1_000_000_000);

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.off(signal, stop);
        process.once(signal, () => process.exit(130));
      }
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** For options that take a duration. Timers of Node.js know no longer ones: they fire at once. */
export function durationText(text: string): string {
  if (!duration().safeParse(text).success) {
    throw new InvalidArgumentError('expected a duration such as "90s" or "5m".');
  }
  if (durationMs(text) <= LONGEST_DAYS * 86_400_000) return text;
  throw new InvalidArgumentError(`expected ${LONGEST_DAYS}d at most.`);
}
const LONGEST_DAYS = 24;

const COLOURS: Record<string, 'red' | 'green' | 'yellow' | 'cyan'> = {
  Completed: 'green',
  Passed: 'green',
  Failed: 'red',
  Cancelled: 'yellow',
};

/** Lines that begin with columns, of which one is a phase: that word is coloured, where a person reads it. */
export function paintPhases(text: string): string {
  return text.replaceAll(PHASE, (_, lead: string, phase: string) => `${lead}${colouredPhase(phase)}`);
}

/** At the beginning of a line, or behind a name or a time. */
const PHASE = /^((?:\S+ (?:ago )? +)?)(Completed|Passed|Failed|Cancelled)(?= {2}|$)/gm;

function colouredPhase(phase: string): string {
  return styleText(COLOURS[phase] ?? 'cyan', phase, { stream: process.stdout });
}

/** A phase of ten columns, coloured where a person reads it: never in a pipe, nor with NO_COLOR. */
export function phaseText(phase: string): string {
  const padding = ' '.repeat(Math.max(0, 10 - phase.length));
  return colouredPhase(phase) + padding;
}
