import { styleText } from 'node:util';
import { InvalidArgumentError } from 'commander';
import { duration } from '../api/schema.ts';

/** A line on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
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
  process.stderr.write(`${text}\n`);
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number.');
  return value;
}

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

/** For options that take a duration. */
export function durationText(text: string): string {
  if (duration().safeParse(text).success) return text;
  throw new InvalidArgumentError('expected a duration such as "90s" or "5m".');
}

const COLOURS: Record<string, 'red' | 'green' | 'yellow' | 'cyan'> = {
  Completed: 'green',
  Failed: 'red',
  Cancelled: 'yellow',
};

/** A phase of ten columns, coloured where a person reads it: never in a pipe, nor with NO_COLOR. */
export function phaseText(phase: string): string {
  return styleText(COLOURS[phase] ?? 'cyan', phase.padEnd(10), { stream: process.stdout });
}
