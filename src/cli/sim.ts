import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { startSim, type Sim } from '../sim/index.ts';
import { InvalidError } from '../api/errors.ts';
import { isSystemError, reasonOf } from './system-error.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { numberBetween, print, prose, untilSignal } from './terminal.ts';

interface SimFlags {
  nodes: number;
  controlPlane: number;
  kubeconfig: string;
  port: number;
  dir?: string;
  bootSeconds: number;
  format: Format;
}

/** Each node is a handful of timers in one process; past this they only wait for each other. */
const MOST_NODES = 5_000;

export function simCommand(): Command {
  const command = new Command('sim')
    .description('start a small Kubernetes cluster in this process, for trying things out without one')
    .addOption(
      new Option('--nodes <n>', 'number of nodes').argParser(numberBetween(1, MOST_NODES)).default(3),
    )
    .addOption(
      new Option('--control-plane <n>', 'how many of them are control plane')
        .argParser(numberBetween(0, MOST_NODES))
        .default(0),
    )
    .option('--kubeconfig <file>', 'where to write its kubeconfig', 'sim.kubeconfig')
    .addOption(
      new Option('--port <port>', 'port on 127.0.0.1; 0: any free one')
        .argParser(numberBetween(0, 65_535))
        .default(0),
    )
    .option('--dir <folder>', "where the nodes' roots lie; a temporary folder when absent")
    .addOption(
      new Option('--boot-seconds <s>', 'how long a reboot takes')
        .argParser(numberBetween(0, 3600))
        .default(2),
    );
  return outputOption(command)
    .addHelpText(
      'after',
      prose(
        '\nExample:\n  nodeop-agent sim --nodes 5 --kubeconfig sim.kubeconfig\n  kubectl --kubeconfig sim.kubeconfig get nodes',
      ),
    )
    .action(run);
}

async function run(flags: SimFlags): Promise<void> {
  const sim = await start(flags);
  try {
    writeFileSync(flags.kubeconfig, sim.kubeconfig, { mode: 0o600 });
  } catch (error) {
    await sim.stop();
    const why = `cannot write ${flags.kubeconfig}: ${reasonOf(error)}`;
    throw new InvalidError(`${why}; choose another place with --kubeconfig`, [], { cause: error });
  }
  if (flags.format === 'text') tell(sim, flags);
  else {
    const { kubeconfig, nodes } = flags;
    printDocument({ url: sim.url, kubeconfig, nodes, dir: sim.dir }, flags.format);
  }
  await untilSignal();
  await sim.stop();
}

function tell(sim: Sim, flags: SimFlags): void {
  const how = sim.namespaces
    ? 'in namespaces of their own'
    : 'as plain processes that find their node by HOST_DIR';
  print(`${flags.nodes} nodes at ${sim.url}; containers run ${how}; the nodes' roots are below ${sim.dir}`);
  print(`try: kubectl --kubeconfig ${flags.kubeconfig} get nodes,nodeops,jobs,pods`);
}

function start({ nodes, controlPlane, port, bootSeconds, dir }: SimFlags): Promise<Sim> {
  const place = dir === undefined ? {} : { dir };
  const started = startSim({ nodes, controlPlane, port, bootMs: bootSeconds * 1000, ...place });
  return started.catch((error: unknown) => {
    if (!isSystemError(error)) throw error;
    const [what, way] =
      error.syscall === 'listen'
        ? [`cannot listen on port ${port}`, 'choose another --port, or 0 for any free one']
        : [`cannot write ${error.path ?? dir ?? ''}`, 'choose another --dir'];
    throw new InvalidError(`${what}: ${reasonOf(error)}; ${way}`, [], { cause: error });
  });
}
