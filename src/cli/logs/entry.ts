import type { LogSource } from '../../core/logs/sources.ts';
import { CONTAINER } from '../../api/labels.ts';
import { plain, screen } from '../../core/text/output.ts';
import { entryText, type Format } from '../output.ts';
import { printError, written } from '../terminal.ts';

/** Where a line comes from; also what `-o json` prints with each. */
export interface Origin {
  from: 'pod' | 'report' | 'status';
  node?: string;
  part?: LogSource['part'];
  attempt?: number;
  check?: string;
  pod?: string;
  container?: string;
  /** The report, or the file beside it. */
  file?: string;
}

export function originOf({ node, part, attempt, check, pod, container }: LogSource): Origin {
  return {
    from: 'pod',
    ...(node !== undefined && { node }),
    part,
    attempt,
    ...(check !== undefined && { check }),
    pod,
    container,
  };
}

export type Line = { time?: string | undefined; text: string };

/** Writes lines of logs, each with its node where there are several. */
export class LogPrinter {
  readonly #format: Format;
  /** Columns that names of nodes take before each line; 0: one node alone has a say. */
  readonly #columns: number;
  /** What was said last to be the origin of the lines, by node. */
  readonly #titles = new Map<string, string>();

  constructor(format: Format, nodes: readonly string[]) {
    this.#format = format;
    this.#columns = nodes.length > 1 ? Math.max(...nodes.map((it) => it.length)) : 0;
  }

  async print(origin: Origin, { time, text }: Line): Promise<void> {
    if (this.#format !== 'text') {
      return written(entryText({ ...origin, ...(time !== undefined && { time }), line: text }, this.#format));
    }
    const who = origin.node ?? 'check';
    const title = titleOf(origin);
    if ((this.#titles.get(who) ?? PLAIN) !== title) printError(`--- ${who}: ${title} ---`);
    this.#titles.set(who, title);
    const prefix = this.#columns === 0 ? '' : `${who.padEnd(this.#columns)} | `;
    for (const line of shownLines(text)) await written(`${prefix}${line}`);
  }
}

const PLAIN = 'command';

/** Nothing beside the command itself has to be said. */
function titleOf({ from, part = PLAIN, attempt = 1, check, container = CONTAINER, file }: Origin): string {
  if (from === 'report') return `the end, from ${file ?? 'the report'}`;
  if (from === 'status') return 'the end, from the status of the NodeOp';
  const which = part === 'check' ? `check ${check ?? ''}, try ${attempt}` : part;
  const again = part !== 'check' && attempt > 1 ? `, attempt ${attempt}` : '';
  return `${which}${again}${container === CONTAINER ? '' : `, container ${container}`}`;
}

/** What the command wrote, with nothing in it that acts on a terminal; what it would write over is shown as well. */
function shownLines(text: string): string[] {
  const lines = text.split('\r').filter((it, i) => it !== '' || i === 0);
  return lines.map((it) => screen(plain(it)));
}
