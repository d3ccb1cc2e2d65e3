import type { Argument, Command, Option } from 'commander';
import { type Kind, kindOfArgument, kindOfValue } from './kinds.ts';

export interface Candidate {
  value: string;
  description: string;
}

/** Values by kind that are not part of the program; `line` is what was typed so far, as options and arguments. */
export type Sources = (kind: Kind, line: Typed) => Promise<readonly Candidate[]>;

/** What was typed before the word that is completed. */
export interface Typed {
  options: Readonly<Record<string, string>>;
  args: readonly string[];
}

export interface Completion {
  candidates: Candidate[];
  /** What the shell adds by itself. */
  also: 'files' | 'folders' | 'nothing';
}

/** Commands as far as they are asked for: to name them all is cheap, their options are not. */
export interface Program {
  all: () => Promise<readonly Command[]>;
  named: (name: string) => Promise<Command | undefined>;
  options: readonly Option[];
}

/** @param words those after the name of the program; the last one is completed, and may be empty */
export async function complete(
  program: Program,
  words: readonly string[],
  sources: Sources,
): Promise<Completion> {
  const [name = ''] = words;
  const current = words.at(-1) ?? '';
  if (words.length < 2) {
    if (current.startsWith('-')) return chosen(flags(program.options, new Set()), current);
    return chosen(await namesOf(program), current);
  }
  const help = name === 'help' && words.length === 2;
  if (help) return chosen(await namesOf(program), current);
  const command = await program.named(name);
  return command ? inCommand(command, words.slice(1), sources) : chosen([], current);
}

async function namesOf(program: Program): Promise<Candidate[]> {
  const commands = await program.all();
  return commands.map((it) => ({ value: it.name(), description: it.description() }));
}

async function inCommand(command: Command, words: readonly string[], sources: Sources): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const { typed, given, pending, isLiteral } = read(command, words.slice(0, -1));
  if (pending) return values(pending, current, '', { typed, sources });
  if (!isLiteral && current.startsWith('-')) {
    const [flag = '', ...rest] = current.split('=');
    const option = rest.length === 0 ? undefined : optionOf(command, flag);
    if (option?.required) return values(option, rest.join('='), `${flag}=`, { typed, sources });
    return chosen(flags(command.options, given), current);
  }
  const argument = argumentAt(command, typed.args.length);
  if (!argument) return chosen([], current);
  if (argument.argChoices) return chosen(plain(argument.argChoices), current);
  return ofKind(kindOfArgument(command, argument, typed.options['now'] !== undefined), current, '', {
    typed,
    sources,
  });
}

/** What the words before say: options with their values, arguments, and the option that still lacks its value. */
function read(command: Command, words: readonly string[]) {
  const options: Record<string, string> = {};
  const args: string[] = [];
  const given = new Set<string>();
  let pending: Option | undefined;
  let isLiteral = false;
  for (const word of words) {
    if (pending) {
      options[pending.attributeName()] = word;
      pending = undefined;
    } else if (isLiteral || !word.startsWith('-') || word === '-') args.push(word);
    else if (word === '--') isLiteral = true;
    else {
      const [flag = '', ...rest] = word.split('=');
      const option = optionOf(command, flag);
      if (!option) continue;
      given.add(option.long ?? '');
      if (rest.length > 0) options[option.attributeName()] = rest.join('=');
      else if (option.required) pending = option;
      else options[option.attributeName()] = 'true';
    }
  }
  return { typed: { options, args }, given, pending, isLiteral };
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

interface Context {
  typed: Typed;
  sources: Sources;
}

async function values(option: Option, current: string, lead: string, context: Context): Promise<Completion> {
  if (option.argChoices) return chosen(plain(option.argChoices), current, lead);
  return ofKind(kindOfValue(option), current, lead, context);
}

async function ofKind(
  kind: Kind,
  current: string,
  lead: string,
  { typed, sources }: Context,
): Promise<Completion> {
  if (kind === 'free') return { candidates: [], also: 'nothing' };
  const found = kind === 'file' || kind === 'folder' ? [] : await sources(kind, typed);
  const { candidates } = chosen(found, current, lead);
  return { candidates, also: candidates.length > 0 ? 'nothing' : ALSO[kind] };
}

/** What the shell offers where nothing better is known. */
const ALSO: Readonly<Record<Kind, Completion['also']>> = {
  file: 'files',
  run: 'files',
  runFile: 'files',
  folder: 'folders',
  node: 'nothing',
  context: 'nothing',
  namespace: 'nothing',
  free: 'nothing',
};

function flags(options: readonly Option[], given: ReadonlySet<string>): Candidate[] {
  return (
    options
      // One that takes in what was there before may be given again.
      .filter(
        ({ hidden, long = '', defaultValue }) => !hidden && (Array.isArray(defaultValue) || !given.has(long)),
      )
      .map(({ long = '', description }) => ({ value: long, description }))
  );
}

function plain(choices: readonly string[]): Candidate[] {
  return choices.map((value) => ({ value, description: '' }));
}

function chosen(all: readonly Candidate[], current: string, lead = ''): Completion {
  const candidates = all
    .filter(({ value }) => value.startsWith(current))
    .map(({ value, description }) => ({ value: `${lead}${value}`, description }));
  return { candidates, also: 'nothing' };
}
