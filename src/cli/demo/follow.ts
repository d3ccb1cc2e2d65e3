import { load } from 'js-yaml';
import type { NodeOp, NodeOpStatus } from '../../api/nodeop.ts';
import type { NodeOpReport } from '../../api/report.ts';
import { oneLine } from '../../core/text/table.ts';
import type { GitCommand } from '../../git/command.ts';
import { pause } from '../../time/backoff.ts';
import { systemClock } from '../../time/clock.ts';
import type { Sim } from '../../sim/index.ts';

type Print = (text: string) => void;

/** Prints the progress of every node and step as it happens, of all NodeOps there are. Returns the way to stop. */
export function followNodeOps(sim: Sim, print: Print, onStatus: (status: NodeOpStatus) => void): () => void {
  const began = performance.now();
  const shown = new Map<string, string>();
  return sim.store.watch('nodeops.operator.kairos.io', undefined, ({ object }) => {
    const { metadata, status = {} } = object as unknown as NodeOp;
    for (const { what, phase, message } of partsOf(status)) {
      const line = `${phase.padEnd(10)} ${oneLine(message, 110)}`.trimEnd();
      const key = `${metadata.uid} ${what}`;
      if (phase === 'Pending' || shown.get(key) === line) continue;
      shown.set(key, line);
      const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
      print(`${seconds} s  ${(status.summary?.done ?? '').padStart(4)}  ${what}  ${line}`);
    }
    onStatus(status);
  });
}

/** Nodes, then steps, each with its checks. */
function partsOf({ nodeStatuses = {}, steps = [] }: NodeOpStatus) {
  const nodes = Object.entries(nodeStatuses).map(([what, { phase, message }]) => ({ what, phase, message }));
  const ofSteps = steps.flatMap(({ name, phase, message, checks = [] }) => [
    { what: `step ${name}`, phase, message },
    ...checks.map((it) => ({ what: `check ${it.name}`, phase: it.phase, message: it.message })),
  ]);
  return [...nodes, ...ofSteps];
}

const LOOK_MS = 500;

/** Prints the commits that come to a branch: whoever adds run files by hand sees what is made of them. */
export async function followCommits(
  git: GitCommand,
  branch: string,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  let last = (await git.text(['rev-parse', branch])).trim();
  while (!signal.aborted) {
    // oxlint-disable no-await-in-loop -- one look after the other
    const log = await git.text(['log', '--reverse', '--format=%H %s', `${last}..${branch}`]);
    for (const line of log.split('\n').filter(Boolean)) {
      const [hash = ''] = line.split(' ', 1);
      last = hash;
      print(`         commit  ${line.slice(hash.length + 1)}`);
      for (const problem of await problemsIn(git, hash)) print(`                 ${problem}`);
    }
    await pause(systemClock, LOOK_MS, signal);
    // oxlint-enable no-await-in-loop
  }
}

/** What the reports of a commit find wrong with run files. */
async function problemsIn(git: GitCommand, hash: string): Promise<string[]> {
  const files = await git.text(['diff-tree', '--no-commit-id', '--name-only', '-r', '--diff-filter=d', hash]);
  const reports = files.split('\n').filter((file) => /^results\/.*\.ya?ml$/.test(file));
  const found = reports.map(async (file) => {
    const report = load(await git.text(['show', `${hash}:${file}`])) as Partial<NodeOpReport>;
    const problems = report.status?.problems ?? [];
    return problems.map(({ path, message }) => `${path === undefined ? '' : `${path}: `}${message}`);
  });
  return (await Promise.all(found)).flat();
}
