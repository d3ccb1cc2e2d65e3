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
  { name: 'first-clone', measure: firstClone },
  { name: 'poll-idle', measure: idle },
  { name: 'detect', measure: detect },
  { name: 'report', measure: reports },
];

function print(row: Row): void {
  process.stdout.write(`${values.json ? JSON.stringify(row) : formatRow(row)}\n`);
}

/** What a clone takes that holds no contents, and then those of one cluster's reports. */
async function partial(repository: BenchRepository, size: string): Promise<void> {
  const { root, bare, cluster } = repository;
  const clone = (name: string, ...args: string[]) =>
    milliseconds(() =>
      git(root, ['clone', '--quiet', '--bare', '--single-branch', ...args, `file://${bare}`, name]),
    );
  const full = await clone('all');
  const partialMs = await clone('partial', '--filter=blob:none');
  const before = folderMb(`${root}/partial`);
  const contents = await milliseconds(() => {
    const ids = git(root, [
      '--git-dir=partial',
      'ls-tree',
      '-r',
      '--format=%(objectname)',
      'main',
      `results/${cluster}/`,
    ]);
    git(root, ['--git-dir=partial', 'fetch', '--quiet', '--no-tags', '--stdin', 'origin'], ids);
  });
  const mb = { size, unit: 'MB', floor: folderMb(`${root}/all`) };
  const ms = { size, unit: 'ms', floor: full };
  print(told({ name: 'clone: no contents', ...ms, value: partialMs }));
  print(told({ name: 'and own reports', ...ms, value: partialMs + contents }));
  print(told({ name: 'clone: no contents', ...mb, value: before }));
  print(told({ name: 'and own reports', ...mb, value: folderMb(`${root}/partial`) }));
}

if (!values.json) process.stdout.write(`${heading()}\n`);
for (const { layout, files, pathOf } of LAYOUTS) {
  const shape = { clusters, perCommit: Math.max(1, Math.ceil(files / 20)), ...(pathOf && { pathOf }) };
  // oxlint-disable no-await-in-loop -- measured one after the other
  using repository = await BenchRepository.create(files, shape);
  const size = `${clusters.length} × ${files}, ${layout}`;
  for (const { name, measure } of MEASURES) {
    const { own, floor } = await measure(repository, runs);
    print(told({ name, size, value: own, unit: 'ms', floor }));
  }
  await partial(repository, size);
  // oxlint-enable no-await-in-loop
}
