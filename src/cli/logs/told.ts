import { withoutLogs } from '../../core/logs/missing.ts';
import type { LogSource } from '../../core/logs/sources.ts';
import { columns, printError } from '../terminal.ts';

/** Whose logs they are: a node, or a check. */
export function placeOf({ node, check }: Pick<LogSource, 'node' | 'check'>): string {
  return node ?? `check ${check ?? ''}`;
}

/** Of which nodes logs were read, and why there is nothing of others. */
export class Told {
  readonly #read = new Set<string>();
  readonly #heard = new Set<string>();
  readonly #reasons = new Map<string, string>();

  /** A line was printed. */
  heard(place: string): void {
    this.#heard.add(place);
  }

  /** A log was read to its end. */
  read(place: string): void {
    this.#read.add(place);
  }

  lacks(place: string, why: string): void {
    if (!this.#reasons.has(place)) this.#reasons.set(place, why);
  }

  isRead(place: string): boolean {
    return this.#read.has(place) || this.#heard.has(place);
  }

  /** Says why there is nothing of some; returns the exit status. */
  conclude(): number {
    const silent = [...this.#read].filter((it) => !this.#heard.has(it) && !this.#reasons.has(it));
    const reasons = new Map([...this.#reasons].filter(([place]) => !this.#heard.has(place)));
    for (const place of silent) reasons.set(place, 'what was started on it has said nothing');
    for (const line of withoutLogs(reasons, columns() ?? 200)) printError(line);
    return this.#read.size + this.#heard.size === 0 ? 1 : 0;
  }
}
