import { deepStrictEqual, ok } from 'node:assert';
import * as fc from 'fast-check';
import { MAX_NAME, nameProblem, pathOfBytes } from '../../src/core/runs/names.ts';
import {
  baselinePath,
  checkpointPath,
  overviewPath,
  refusal,
  reportPath,
  runPaths,
} from '../../src/core/runs/paths.ts';
import { logFolder } from '../../src/core/runs/retention.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { check } from '../../src/api/schema.ts';
import { filePage, projectAt } from '../../src/core/feedback/links.ts';
import { hostile, paths } from './generators.ts';
import { kind } from './kind.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'one' };

/** A path that Git writes, and that stays where it is meant to be. */
function isInside(path: string): void {
  ok(path.startsWith('results/one/'), path);
  for (const part of path.split('/')) {
    ok(
      part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git' && !part.includes('\0'),
      path,
    );
  }
}

const runNames = kind('names of run files', paths(), (path, work) => {
  const run = `runs/${path}`;
  const report = work.turn('report', () => reportPath(LAYOUT, run));
  isInside(report);
  isInside(`${logFolder(report)}node-1.log`);
  for (const own of [baselinePath(LAYOUT), checkpointPath(LAYOUT), overviewPath(LAYOUT)])
    ok(report !== own, report);
  deepStrictEqual(runPaths(LAYOUT, report).filter((it) => it === run).length <= 1, true);
  const content = new TextEncoder().encode(
    'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {generateName: a}\nspec: {image: a, command: [a]}\n',
  );
  const source = { path: run, mode: '100644', blob: 'b', commit: 'c', content };
  const prepared = prepareRun(source, { layout: LAYOUT, namespace: 'default', definitions: [] });
  deepStrictEqual(prepared.ok, refusal(run, '100644') === undefined);
  if (prepared.ok) ok(/^[a-z0-9][-a-z0-9.]*[a-z0-9]$/.test(prepared.manifest.metadata.name));
});

/** Two names never share a report. */
const twoNames = kind('pairs of names', fc.tuple(paths(), paths()), ([a, b]) => {
  if (a !== b) ok(reportPath(LAYOUT, `runs/${a}`) !== reportPath(LAYOUT, `runs/${b}`), `${a} and ${b}`);
});

const byteNames = kind('names as bytes', fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes, work) => {
  const path = work.turn('decoding', () => pathOfBytes(Buffer.from(bytes)));
  ok(path.isWellFormed());
  ok(
    !path.includes('\uFFFD') || new TextDecoder('utf-8', { fatal: true }).decode(bytes).includes('\uFFFD'),
    path,
  );
  let isText = true;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    isText = false;
  }
  const isShort = Buffer.from(bytes)
    .toString('latin1')
    .split('/')
    .every((it) => it.length <= MAX_NAME);
  if (isText && isShort) deepStrictEqual(Buffer.from(path), Buffer.from(bytes));
  else ok(nameProblem(path) !== undefined, path);
});

const branches = kind(
  'branch names and addresses',
  fc.record({ branch: fc.oneof(hostile(), paths()), url: fc.oneof(hostile(), paths()), folder: paths() }),
  ({ branch, url, folder }, work) => {
    const config = {
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'AgentConfig',
      git: { url, branch, paths: { runs: folder } },
    };
    const result = work.turn('judging', () => check(AgentConfigSchema, config));
    if (!result.ok) return;
    const { git } = result.value;
    // Git would take these for something else.
    ok(
      !git.branch.startsWith('-') && !git.url.startsWith('-') && !/[\0-\x20\x7f]/.test(git.branch),
      git.branch,
    );
    ok(
      git.paths.runs.split('/').every((part) => !['', '.', '..', '.git'].includes(part)),
      git.paths.runs,
    );
    for (const provider of ['github', 'gitlab', 'gitea'] as const) {
      const host = { provider, apiUrl: 'https://git.example.org/api/v4' };
      projectAt(host, url);
      const page = filePage({ ...host, project: 'team/operations' }, branch, folder);
      ok(!/[\s<>"]/.test(page), page);
    }
  },
);

export const NAMES = [runNames, twoNames, byteNames, branches];
