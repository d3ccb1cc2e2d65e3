import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { startSim } from '../sim/index.ts';
import { print, untilSignal, wholeNumber } from './terminal.ts';

interface SimFlags {
  nodes: number;
  controlPlane: number;
  kubeconfig: string;
  port: number;
  dir?: string;
  bootSeconds: number;
}

export function simCommand(): Command {
  return new Command('sim')
    .description('start a small Kubernetes cluster in this process, for trying things out without one')
    .addOption(new Option('--nodes <n>', 'number of nodes').argParser(wholeNumber).default(3))
    .addOption(
      new Option('--control-plane <n>', 'how many of them are control plane')
        .argParser(wholeNumber)
        .default(0),
    )
    .option('--kubeconfig <file>', 'where to write its kubeconfig', 'sim.kubeconfig')
    .addOption(
      new Option('--port <port>', 'port on 127.0.0.1; 0: any free one').argParser(wholeNumber).default(0),
    )
    .option('--dir <folder>', "where the nodes' roots lie; a temporary folder when absent")
    .addOption(new Option('--boot-seconds <s>', 'how long a reboot takes').argParser(wholeNumber).default(2))
    .addHelpText(
      'after',
      '\nExample:\n  nodeop-agent sim --nodes 5 --kubeconfig sim.kubeconfig\n  kubectl --kubeconfig sim.kubeconfig get nodes',
    )
    .action(run);
}

async function run(flags: SimFlags): Promise<void> {
  const sim = await startSim({
    nodes: flags.nodes,
    controlPlane: flags.controlPlane,
    port: flags.port,
    bootMs: flags.bootSeconds * 1000,
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
  });
  writeFileSync(flags.kubeconfig, sim.kubeconfig, { mode: 0o600 });
  const how = sim.namespaces
    ? 'in namespaces of their own'
    : 'as plain processes that find their node by HOST_DIR';
  print(`${flags.nodes} nodes at ${sim.url}; containers run ${how}; the nodes' roots are below ${sim.dir}`);
  print(`try: kubectl --kubeconfig ${flags.kubeconfig} get nodes,nodeops,jobs,pods`);
  await untilSignal();
  await sim.stop();
}
