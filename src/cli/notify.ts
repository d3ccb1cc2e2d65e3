import { Command, Option } from 'commander';
import { type AgentConfig, clusterOf } from '../api/config.ts';
import { InvalidError, TransientError } from '../api/errors.ts';
import { NOTIFY_EVENTS, type NotifyEventName, type NotifyTarget } from '../api/notify.ts';
import { compilePattern } from '../api/patterns.ts';
import { fieldsOf } from '../core/notify/fields.ts';
import { bodyOf } from '../core/notify/fill.ts';
import { sampleEvent } from '../core/notify/sample.ts';
import { systemClock } from '../time/clock.ts';
import { type Delivery, post } from '../web/webhook.ts';
import { loadConfig } from './load-config.ts';
import { type Format, outputOption, printEntry } from './output.ts';
import { print, printData, printError, prose } from './terminal.ts';

interface NotifyFlags {
  config: string;
  event?: NotifyEventName[];
  dryRun: boolean;
  format: Format;
}

export function notifyCommand(): Command {
  const command = new Command('notify')
    .description('send an example of each notification, to try out receivers and templates')
    .argument('[TARGET...]', 'names of entries of notify in the configuration; all of them when absent')
    .requiredOption('--config <file>', 'configuration file');
  return outputOption(command)
    .addOption(
      new Option(
        '--event <event...>',
        'only these events; those that the receiver asks for when absent',
      ).choices(NOTIFY_EVENTS),
    )
    .option('--dry-run', 'print what would be sent, and send nothing', false)
    .addHelpText(
      'after',
      prose(`
The run in it is made up, and says so. Whatever \`only\` asks for is sent. Exit status: 0 all have arrived, 2 the configuration is not valid, 3 some have not
arrived.

Example:
  nodeop-agent notify --config agent.yaml oncall --event ended`),
    )
    .action(run);
}

async function run(names: string[], flags: NotifyFlags): Promise<void> {
  const config = await loadConfig(flags.config);
  let failures = 0;
  for (const target of chosen(config, names, flags.config)) {
    for (const event of NOTIFY_EVENTS.filter((it) => (flags.event ?? target.events).includes(it))) {
      const body = messageOf(config, target, event);
      // oxlint-disable-next-line no-await-in-loop -- in the order in which a run would tell them
      const delivery = flags.dryRun ? undefined : await post(target, body, systemClock, NOBODY);
      if (delivery?.ok === false) failures += 1;
      show({ target: target.name, event, body, delivery }, flags.format);
    }
  }
  if (failures > 0) throw new TransientError(`${failures} did not arrive`);
}

const NOBODY = new AbortController().signal;

interface Shown {
  target: string;
  event: NotifyEventName;
  body: string;
  delivery: Delivery | undefined;
}

function show({ target, event, body, delivery }: Shown, format: Format): void {
  if (format !== 'text') {
    const { ok: hasArrived, ...said } = delivery ?? { ok: false };
    const result = delivery === undefined ? {} : { hasArrived, ...said };
    printEntry({ target, event, body: JSON.parse(body) as unknown, ...result }, format);
  } else if (delivery === undefined) printData(body);
  else if (delivery.ok) print(`${target}: ${event} has arrived (status ${delivery.status})`);
  else printError(`${target}: ${event} has not arrived: ${delivery.reason}`);
}

function chosen({ notify }: AgentConfig, names: readonly string[], file: string): NotifyTarget[] {
  if (notify.length === 0) throw new InvalidError(`${file} has no notify: nobody is notified`);
  const known = notify.map(({ name }) => name);
  const unknown = names.find((it) => !known.includes(it));
  if (unknown !== undefined)
    throw new InvalidError(`${file} has no entry of notify named ${unknown}; there are ${known.join(', ')}`);
  return notify.filter(({ name }) => names.length === 0 || names.includes(name));
}

function messageOf(config: AgentConfig, target: NotifyTarget, name: NotifyEventName): string {
  const { paths } = config.git;
  const wording = {
    layout: { ...paths, cluster: clusterOf(config) },
    mask: config.report.mask.map(compilePattern),
  };
  return bodyOf(target, fieldsOf(sampleEvent(name, paths.runs, systemClock.wall()), wording));
}
