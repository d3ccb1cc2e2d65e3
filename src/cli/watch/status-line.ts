import { clip } from '../../core/text/fit.ts';
import { screen } from '../../core/text/output.ts';
import { columns, print } from '../terminal.ts';

const CLEAR_LINE = '\r\u001b[K';

/** The last line of a terminal, written again as things change; what is printed goes above it. In a pipe it is not there. */
export class StatusLine {
  private shown: ((width: number) => string) | undefined;

  print(text: string): void {
    const { shown } = this;
    this.clear();
    print(text);
    if (shown) this.show(shown);
  }

  /** @param text for so many columns */
  show(text: (width: number) => string): void {
    const width = columns();
    if (width === undefined) return;
    this.shown = text;
    // In the last column a terminal may go on to the next line.
    process.stdout.write(`${CLEAR_LINE}${clip(screen(text(width - 1)), width - 1)}`);
  }

  clear(): void {
    if (this.shown) process.stdout.write(CLEAR_LINE);
    this.shown = undefined;
  }
}
