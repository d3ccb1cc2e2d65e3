import { Command, CommanderError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { InvalidError, TransientError } from '../api/errors.ts';
import { ASKED } from './completion/scripts.ts';
import { isSystemError, systemSentence } from './system-error.ts';
import { endWithReader, printError, prose } from './terminal.ts';

/** Commands by heading and name, loaded when they are called: `start` never loads the embedded cluster. */
const COMMANDS: Record<string, Record<string, (program: string) => Promise<Command>>> = {
  'The agent:': {
    start: async () => (await import('./start.ts')).startCommand(),
    once: async () => (await import('./once.ts')).onceCommand(),
    notify: async () => (await import('./notify.ts')).notifyCommand(),
  },
  'For people on call:': {
    status: async () => (await import('./status.ts')).statusCommand(),
    watch: async () => (await import('./watch.ts')).watchCommand(),
    logs: async () => (await import('./logs.ts')).logsCommand(),
    page: async () => (await import('./page.ts')).pageCommand(),
    explain: async () => (await import('./explain.ts')).explainCommand(),
    suspend: async () => (await import('./steer.ts')).steerCommand('suspend'),
    resume: async () => (await import('./steer.ts')).steerCommand('resume'),
    cancel: async () => (await import('./steer.ts')).steerCommand('cancel'),
    retry: async () => (await import('./retry.ts')).retryCommand(),
  },
  'Before the merge:': {
    init: async () => (await import('./init.ts')).initCommand(),
    import: async () => (await import('./import.ts')).importCommand(),
    validate: async () => (await import('./validate.ts')).validateCommand(),
    plan: async () => (await import('./plan.ts')).planCommand(),
    comment: async () => (await import('./comment.ts')).commentCommand(),
  },
  'For your shell:': {
    completion: async (program) =>
      (await import('./completion.ts')).completionCommand(program.replace(' ', '-')),
  },
  'To try it out:': {
    demo: async () => (await import('./demo.ts')).demoCommand(),
    sim: async () => (await import('./sim.ts')).simCommand(),
  },
};

const PROGRAM = 'nodeop-agent';

/**
 * Runs the command line; exit status 2 and every problem on standard error for invalid input, 3 when
 * something outside could not be reached, 70 when the program itself is at fault (as sysexits.h has it).
 */
export async function main(argv: readonly string[]): Promise<void> {
  endWithReader();
  const name = calledAs(argv[1]);
  const program = new Command(name)
    .description('GitOps reconciler for one-off operations on Kubernetes nodes')
    .version(packageJson.version)
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({ outputError: (text) => printError(text.trimEnd()) })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', prose(`\n${name} COMMAND --help explains a command. To begin with: ${name} demo`));
  if (argv[2] === ASKED) program.addCommand(await asked(name, program), { hidden: true });
  else
    for (const command of await load(argv[2], name))
      program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has said what is wrong; help and version are errors of exit status 0 to it.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { text, code } = endOf(error);
    printError(text);
    process.exitCode = code;
  }
}

/** kubectl runs a program `kubectl-nodeop` on the path as `kubectl nodeop`. */
function calledAs(file = ''): string {
  return /(^|[\\/])kubectl-nodeop(\.\w+)?$/.test(file) ? 'kubectl nodeop' : PROGRAM;
}

/** What is said of an error at the very end. A stack trace helps nobody but those who mend the program. */
function endOf(error: unknown): { text: string; code: number } {
  if (error instanceof InvalidError) return { text: error.message, code: 2 };
  if (error instanceof TransientError) return { text: error.message, code: 3 };
  if (isSystemError(error)) return { text: systemSentence(error), code: 2 };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (process.env['NODEOP_DEBUG'] === '1') return { text: stack, code: 70 };
  const reason = error instanceof Error ? error.message : String(error);
  const way = 'with NODEOP_DEBUG=1 it says where; please report it';
  return { text: `a fault of nodeop-agent itself: ${reason.split('\n')[0]}; ${way}`, code: 70 };
}

/** The hidden command by which shells complete. */
async function asked(name: string, program: Command): Promise<Command> {
  const { askedCommand } = await import('./completion.ts');
  const help = new Option('-h, --help', 'display help for command');
  return askedCommand({
    all: () => load(undefined, name),
    named: async (wanted) => (await load(wanted, name)).find((it) => it.name() === wanted),
    options: [...program.options, help],
  });
}

/** Every command with all its options, as tests and documentation need them. */
export function allCommands(): Promise<Command[]> {
  return load(undefined, PROGRAM);
}

/** The command of that name, or all of them. */
async function load(wanted: string | undefined, program: string): Promise<Command[]> {
  const all = Object.entries(COMMANDS).flatMap(([heading, commands]) =>
    Object.entries(commands).map(([name, make]) => ({ name, heading, make })),
  );
  const named = all.filter(({ name }) => name === wanted);
  const loads = (named.length > 0 ? named : all).map(async ({ heading, make }) =>
    (await make(program)).helpGroup(heading),
  );
  return Promise.all(loads);
}
