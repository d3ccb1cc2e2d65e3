import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { InvalidError, TransientError } from '../api/errors.ts';
import { endWithReader, printError } from './terminal.ts';

/** Commands by heading and name, loaded when they are called: `start` never loads the embedded cluster. */
const COMMANDS: Record<string, Record<string, () => Promise<Command>>> = {
  'The agent:': {
    start: async () => (await import('./start.ts')).startCommand(),
    once: async () => (await import('./once.ts')).onceCommand(),
  },
  'For people on call:': {
    status: async () => (await import('./status.ts')).statusCommand(),
    watch: async () => (await import('./watch.ts')).watchCommand(),
  },
  'Before the merge:': {
    init: async () => (await import('./init.ts')).initCommand(),
    validate: async () => (await import('./validate.ts')).validateCommand(),
    plan: async () => (await import('./plan.ts')).planCommand(),
    comment: async () => (await import('./comment.ts')).commentCommand(),
  },
  'To try it out:': {
    demo: async () => (await import('./demo.ts')).demoCommand(),
    sim: async () => (await import('./sim.ts')).simCommand(),
  },
};

/**
 * Runs the command line; exit status 2 and every problem on standard error for invalid input, 3 when
 * something outside could not be reached.
 */
export async function main(argv: readonly string[]): Promise<void> {
  endWithReader();
  const program = new Command('nodeop-agent')
    .description('GitOps reconciler for one-off operations on Kubernetes nodes')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      '\nnodeop-agent COMMAND --help explains a command. To begin with: nodeop-agent demo',
    );
  for (const command of await load(argv[2])) program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has said what is wrong; help and version are errors of exit status 0 to it.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    if (!(error instanceof InvalidError || error instanceof TransientError)) throw error;
    printError(error.message);
    process.exitCode = error instanceof InvalidError ? 2 : 3;
  }
}

/** The command of that name, or all of them. */
async function load(wanted: string | undefined): Promise<Command[]> {
  const all = Object.entries(COMMANDS).flatMap(([heading, commands]) =>
    Object.entries(commands).map(([name, make]) => ({ name, heading, make })),
  );
  const named = all.filter(({ name }) => name === wanted);
  const loads = (named.length > 0 ? named : all).map(async ({ heading, make }) =>
    (await make()).helpGroup(heading),
  );
  return Promise.all(loads);
}
