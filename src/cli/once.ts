import { Command, Option } from 'commander';
import { Agent, placeFrom } from '../agent/agent.ts';
import { createLogger } from '../agent/logger.ts';
import { Patience } from '../agent/patience.ts';
import { Turn } from '../agent/turn.ts';
import { standstill } from '../core/runs/standstill.ts';
import { line } from '../core/text/output.ts';
import type { AgentConfig } from '../api/config.ts';
import { TransientError } from '../api/errors.ts';
import { isFinalPhase } from '../api/nodeop.ts';
import { durationMs } from '../api/schema.ts';
import { pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { labelOf, runPathOf } from './find-run.ts';
import { loadConfig } from './load-config.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { durationText, print, prose } from './terminal.ts';

interface OnceFlags {
  config: string;
  timeout: string;
  format: Format;
}

export function onceCommand(): Command {
  const command = new Command('once')
    .description('poll once, carry out what is pending, report, and end')
    .requiredOption('--config <file>', 'configuration file')
    .addOption(
      new Option(
        '--timeout <duration>',
        'give up when the repository or the API server is away, another agent leads, or all that is left is held, for so long',
      )
        .argParser(durationText)
        .default('5m'),
    );
  return outputOption(command)
    .addHelpText(
      'after',
      prose(`
Exit status: 0 all completed, 1 some failed or were cancelled, 2 some were invalid, 3 given up: the repository or the API
server was away for too long, the branch is not there, another agent held the lease, or nothing goes on before people do something: what is left
is held or suspended, or its signatures cannot be checked. Runs that were left then are named; the next start goes on with them.

Example:
  nodeop-agent once --config agent.yaml`),
    )
    .action(async (flags: OnceFlags) => {
      const lost = await once(await loadConfig(flags.config), flags);
      if (lost !== undefined) throw new TransientError(lost);
    });
}

/** Returns why it gave up, if it did. */
async function once(config: AgentConfig, { timeout, format }: OnceFlags): Promise<string | undefined> {
  const logger = createLogger(config.log.level);
  const place = placeFrom(process.env);
  const turn = new Turn(config, place, logger);
  let agent: Agent | undefined;
  const carryOut = async (): Promise<string | undefined> => {
    agent = new Agent(config, logger, {
      place,
      tenure: await turn.gained,
      isUntended: true,
      onTended: () => turn.tended(),
    });
    const acting = agent;
    turn.tellHolds((reason) => acting.hold(reason));
    await agent.startController();
    const { problem } = await agent.repository.runOnce();
    const { blocked } = agent.repository.state();
    if (problem !== undefined) return `gave up: ${problem}`;
    if (blocked !== undefined) return `gave up: no run is started: ${blocked}`;
    await agent.settle(SETTLE_MS);
    return undefined;
  };
  const over = new AbortController();
  const reason = await Promise.race([
    carryOut(),
    watchOver(turn, () => agent, timeout, over.signal),
    turn.lost.then((why) => `gave up: the lease is lost: ${why}`),
  ]);
  over.abort();
  if (reason === undefined)
    await Promise.all([agent?.feedback?.settle(TELL_MS), agent?.notifier.settle(TELL_MS)]);
  else agent?.abandon();
  await agent?.stop();
  await turn.giveBack();
  const phases = Object.entries(agent?.repository.settled().phaseByRun ?? {});
  const unfinished = reason !== undefined && agent ? left(agent) : [];
  if (format === 'text') for (const [run, phase] of phases) print(`${phase}\t${line(run)}`);
  else {
    const runs = phases.map(([run, phase]) => ({ run, phase }));
    printDocument({ runs, ...(reason !== undefined && { problem: reason, left: unfinished }) }, format);
  }
  process.exitCode = exitStatus(phases.map(([, phase]) => phase));
  return reason === undefined
    ? undefined
    : [reason, ...unfinished.map((it) => `  ${line(it.text)}`)].join('\n');
}

/** How long the Git host and those who are notified may take to hear of the end. */
const TELL_MS = 30_000;
/** How long the cluster may take to let go of NodeOps that are over. */
const SETTLE_MS = 10_000;
const LOOK_MS = 1_000;

/** Resolves with the reason to give up, or with none when it is told to end. */
async function watchOver(
  turn: Turn,
  agent: () => Agent | undefined,
  timeout: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const patience = new Patience(durationMs(timeout));
  while (!signal.aborted) {
    const acting = agent();
    patience.tell('the lease', turn.problem);
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    patience.tell('the API server', await acting?.ping().then(() => undefined, messageOf));
    patience.tell('the repository', acting?.repository.state().problem);
    patience.tell('nothing goes on before people do something', acting && standstillOf(acting));
    const lost = patience.exhausted();
    if (lost) return `gave up after ${timeout}: ${lost.what}: ${lost.problem}`;
    // oxlint-disable-next-line no-await-in-loop
    await pause(systemClock, LOOK_MS, signal);
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function standstillOf(agent: Agent): string | undefined {
  return standstill([...agent.nodeOps()], agent.repository.state().waiting ?? [], agent.holds.text);
}

/** What nobody carries on until an agent starts again. */
function left(agent: Agent): { run: string; text: string }[] {
  const begun = [...agent.nodeOps()].filter(({ status }) => !isFinalPhase(status?.phase));
  const { waiting = [] } = agent.repository.state();
  return [
    ...begun.map((it) => {
      const run = runPathOf(it) ?? labelOf(it);
      return { run, text: `${run} is under way, and goes on when an agent starts again` };
    }),
    ...waiting.map(({ run, message }) => ({ run, text: `${run} waits: ${message}` })),
  ];
}

function exitStatus(phases: readonly string[]): number {
  if (phases.includes('Invalid')) return 2;
  return phases.every((phase) => phase === 'Completed') ? 0 : 1;
}
