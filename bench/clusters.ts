import { parseArgs } from 'node:util';
import { detect, firstClone, idle, type Measure, milliseconds, reports } from './git-side.ts';
import { BenchRepository, folderMb, git } from './repository.ts';
import { formatRow, heading, type Row, told } from './row.ts';

/**
 * Past one cluster: one repository with the folders of many clusters, as one agent sees it. With all run files in one
 * folder, with a folder for each month, and with all but the newest tenth of the reports pruned.
 */
const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '100' },
    reports: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const clusters = Array.from({ length: Number(values.clusters) }, (_, i) => `cluster-${i}`);
const perCluster = Number(values.reports);
const runs = Number(values.runs);

const flat = (i: number) => `run-${i}.yaml`;
const LAYOUTS = [
  { layout: 'one folder', files: perCluster, pathOf: flat },
  { layout: 'by month', files: perCluster, pathOf: undefined },
  { layout: 'by month, pruned', files: Math.ceil(perCluster / 10), pathOf: undefined },
];
const MEASURES: { name: string; measure: Measure }[] = [
  { name: 'poll-idle', measure: idle },
  { name: 'detect', measure: detect },
  { name: 'report', measure: reports },
];

function print(row: Row): void {
  process.stdout.write(`${values.json ? JSON.stringify(row) : formatRow(row)}\n`);
}

/** What a clone with all contents takes, beside the one of the agent that has just started. */
async function sizes({ root, bare }: BenchRepository, size: string, startMs: number): Promise<void> {
  const args = ['clone', '--quiet', '--bare', '--single-branch', `file://${bare}`, 'all'];
  const floor = await milliseconds(() => git(root, args));
  print(told({ name: 'with contents', size, value: startMs, unit: 'ms', floor }));
  const own = folderMb(`${root}/cold-0`);
  print(told({ name: 'with contents', size, value: own, unit: 'MB', floor: folderMb(`${root}/all`) }));
}

if (!values.json) process.stdout.write(`${heading()}\n`);
for (const { layout, files, pathOf } of LAYOUTS) {
  const shape = { clusters, perCommit: Math.max(1, Math.ceil(files / 20)), ...(pathOf && { pathOf }) };
  // oxlint-disable no-await-in-loop -- measured one after the other
  using repository = await BenchRepository.create(files, shape);
  const size = `${clusters.length} × ${files}, ${layout}`;
  const start = await firstClone(repository, runs);
  print(told({ name: 'first-clone', size, value: start.own, unit: 'ms', floor: start.floor }));
  await sizes(repository, size, start.own);
  for (const { name, measure } of MEASURES) {
    const { own, floor } = await measure(repository, runs);
    print(told({ name, size, value: own, unit: 'ms', floor }));
  }
  // oxlint-enable no-await-in-loop
}
