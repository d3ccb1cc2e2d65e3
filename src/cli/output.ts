import { type Command, Option } from 'commander';
import { json } from '../core/text/output.ts';
import { yaml as formatYaml } from '../core/text/yaml.ts';
import { printData } from './terminal.ts';

/** How a command answers: in lines for people, or in documents for programs. Errors are lines on standard error in each. */
export type Format = 'text' | DocumentFormat;
type DocumentFormat = 'json' | 'yaml';

const FORMATS = ['text', 'json', 'yaml'] as const;

/** The same option for all commands that answer; `more` are formats that only this one has. */
export function outputOption(command: Command, more: readonly string[] = []): Command {
  const choices = [...FORMATS, ...more];
  return command
    .addOption(new Option('-o, --format <format>', 'output').choices(choices).default('text'))
    .addOption(new Output('--output <format>', 'output').choices(choices).hideHelp());
}

/** As kubectl calls the same option. */
class Output extends Option {
  override attributeName(): string {
    return 'format';
  }
}

/** An answer as one document. */
export function printDocument(value: object, format: DocumentFormat): void {
  printData(format === 'json' ? json(value, 2) : yaml(value).trimEnd());
}

/** One of many answers, each told as it comes: JSON takes one line each, YAML a document each. */
export function entryText(value: object, format: DocumentFormat): string {
  return format === 'json' ? json(value) : `---\n${yaml(value).trimEnd()}`;
}

export function printEntry(value: object, format: DocumentFormat): void {
  printData(entryText(value, format));
}

function yaml(value: object): string {
  // What JSON leaves out is left out here as well, so that both say the same.
  return formatYaml(JSON.parse(JSON.stringify(value)), { lineWidth: -1, noRefs: true });
}
