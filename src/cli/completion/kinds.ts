import type { Argument, Command, Option } from 'commander';

/** What may stand in a place of a command line. */
export type Kind = 'file' | 'folder' | 'run' | 'runFile' | 'node' | 'context' | 'namespace' | 'free';

/** By the name of an option's value: `<dir>`. Nobody can offer values that are free. */
export const KIND_OF_VALUE: Readonly<Record<string, Kind>> = {
  file: 'file',
  dir: 'folder',
  folder: 'folder',
  url: 'free',
  path: 'free',
  text: 'free',
  names: 'free',
  duration: 'free',
  n: 'free',
  s: 'free',
  port: 'free',
};

/** Options whose value is called `<name>`, of whatever it is. */
export const KIND_OF_NAME: Readonly<Record<string, Kind>> = {
  '--context': 'context',
  '--namespace': 'namespace',
  '--cluster': 'free',
};

export const KIND_OF_ARGUMENT: Readonly<Record<string, Kind>> = {
  RUN: 'run',
  NODE: 'node',
  RUNFILE: 'runFile',
  PATH: 'file',
  FILE: 'file',
  DIR: 'folder',
  TARGET: 'free',
};

export function kindOfValue({ flags: text, long = '' }: Option): Kind {
  const what = /<([^<>]+)>/.exec(text)?.[1] ?? '';
  return KIND_OF_NAME[long] ?? KIND_OF_VALUE[what] ?? 'free';
}

/** @param isNow whether `--now` was typed */
export function kindOfArgument(command: Command, argument: Argument, isNow: boolean): Kind {
  const kind = KIND_OF_ARGUMENT[argument.name()] ?? 'free';
  // Without --now it is a file of the checkout that is changed.
  const isOfCheckout = !isNow && command.options.some(({ long }) => long === '--now');
  return kind === 'run' && isOfCheckout ? 'runFile' : kind;
}
