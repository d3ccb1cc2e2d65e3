import { Argument, Command } from 'commander';
import { screen } from '../core/text/output.ts';
import { complete, type Completion, type Program } from './completion/complete.ts';
import { ASKED, SCRIPTS, type Shell } from './completion/scripts.ts';
import { valuesHere } from './completion/sources.ts';
import { shellWords, typedBy } from './completion/words.ts';
import { printData, prose } from './terminal.ts';

const SHELLS = Object.keys(SCRIPTS) as Shell[];

/** @param program what people type */
export function completionCommand(program: string): Command {
  return new Command('completion')
    .description('a script that lets a shell complete commands, flags, runs and nodes')
    .addArgument(new Argument('<SHELL>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      prose(`
Runs, nodes and namespaces are asked of the cluster that the line names, and left out when it does not answer within two seconds.

Examples:
  source <(nodeop-agent completion bash)  # in ~/.bashrc
  source <(nodeop-agent completion zsh)  # in ~/.zshrc
  nodeop-agent completion fish > ~/.config/fish/completions/nodeop-agent.fish`),
    )
    .action((shell: Shell) => printData(SCRIPTS[shell](program).trimEnd()));
}

/** What the scripts ask: bash with its line, the others with the words before the cursor. */
export function askedCommand(program: Program): Command {
  return new Command(ASKED)
    .argument('<SHELL>')
    .argument('[WORD...]')
    .action(async (shell: string, words: string[]) => {
      if (shell === 'kubectl') return printForKubectl(await complete(program, words, valuesHere));
      if (shell !== 'bash') return print(await complete(program, words, valuesHere));
      const typed = shellWords(words[0] ?? '').slice(1);
      const { candidates, also } = await complete(program, typed, valuesHere);
      const kept = typedBy(typed.at(-1) ?? '');
      const values = candidates.map((it) => ({ ...it, value: it.value.slice(kept) }));
      return print({ candidates: values, also });
    });
}

function print({ candidates, also }: Completion): void {
  printData([also, ...linesOf(candidates)].join('\n'));
}

/** As programs made with cobra answer: 0 leaves files to the shell, 4 forbids them, 16 is for folders. */
const DIRECTIVES = { files: 0, nothing: 4, folders: 16 } as const;

function printForKubectl({ candidates, also }: Completion): void {
  printData([...linesOf(candidates), `:${DIRECTIVES[also]}`].join('\n'));
}

/** One line each, whatever is in the names of others. */
function linesOf(candidates: Completion['candidates']): string[] {
  return candidates
    .filter(({ value }) => !/[\n\t]/.test(value))
    .map(({ value, description }) => screen(`${value}\t${description.replaceAll(/\s+/g, ' ')}`));
}
