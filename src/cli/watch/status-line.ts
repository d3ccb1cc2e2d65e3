import { clip } from '../../core/text/fit.ts';
import { screen } from '../../core/text/output.ts';
import { columns, print } from '../terminal.ts';

const CLEAR_LINE = '\r\u001b[K';

/** The last line of a terminal, written again as things change; what is printed goes above it. In a pipe it is not there. */
export class StatusLine {
  private text = '';

  print(text: string): void {
    const { text: kept } = this;
    this.clear();
    print(text);
    this.show(kept);
  }

  show(text: string): void {
    const width = columns();
    if (width === undefined || text === '') return;
    this.text = text;
    process.stdout.write(`${CLEAR_LINE}${clip(screen(text), width - 1)}`);
  }

  clear(): void {
    if (this.text !== '') process.stdout.write(CLEAR_LINE);
    this.text = '';
  }
}
