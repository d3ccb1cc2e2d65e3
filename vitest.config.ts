import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Agents as processes, servers and kubectl, damaged disks, killed commands, and real seconds: `npm run test:integration`. Of each there is a quick relative in `npm test`. */
const INTEGRATION = [
  'test/bench/bench.test.ts',
  'test/cli/{examples,hook,kubectl,logs,once,page,pipe,process,shells,watch}.test.ts',
  'test/controller/bad-day.test.ts',
  'test/conformance/{evictions,job-ends,kubectl,watches}.test.ts',
  'test/disaster/**',
  'test/docs/{commands,next-steps}.test.ts',
  'test/drain/differential.test.ts',
  'test/e2e/**',
  'test/external/agent.test.ts',
  'test/git/{access-http,access-ssh,large-contents,repair,secrets}.test.ts',
  'test/host/{feedback.property,once}.test.ts',
  'test/http/endpoint.test.ts',
  'test/lease/{stuck,takeover}.test.ts',
  'test/manifests/{kustomize,rbac}.test.ts',
  'test/notify/agent.test.ts',
  'test/reference/ready.test.ts',
  'test/runs/{checks,large-files,many-agents}.test.ts',
  'test/sim/kubectl.test.ts',
  // Thousands of nodes; `test/core` has their bounds with a few.
  'test/simulation/{capacity,size}.test.ts',
];

/**
 * What becomes of runs when their repository is in trouble: history rewritten, records lost or forged, files removed, copied or
 * unsigned, odd names, folders and files of any size, remotes away, each by real git: `npm run test:repository`. In `npm test`,
 * `test/simulation/histories` has some of it by chance, `test/trust/openpgp` signatures, `test/runs/contract` and
 * `test/runs/repository` what every run goes through.
 */
const REPOSITORY = [
  'test/git/{bombs,bounded,contents,names,odd-branches}.test.ts',
  'test/runs/{age,begun,bounds,checkpoint,copies,edited,hold-file,identity,kept-baseline,memory,once.property,picture}.test.ts',
  'test/runs/{moved,removed,results-trouble,rewind,robustness,steps,too-much,turns}.test.ts',
  'test/trust/{memory,reports,runs,signing}.test.ts',
];

/** What starts processes, git above all. */
const PROCESSES = [
  'test/{cel,checks,cli,generated,git,runs,trust}/**',
  'test/host/feedback.test.ts',
  'test/lease/standby.test.ts',
];

// What the surroundings say of colours and of continuous integration is for vitest alone: the same code prints the same everywhere.
for (const name of [
  'CI',
  'NO_COLOR',
  'FORCE_COLOR',
  'NODE_DISABLE_COLORS',
  'COLORTERM',
  'GITHUB_ACTIONS',
  'GITLAB_CI',
]) {
  Reflect.deleteProperty(process.env, name);
}
process.env['TERM'] = 'xterm';

// Processes begin with what others have compiled: half the time of a start.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/node');

// To make files and to take them away again is a tenth of the work on a disk, and nearly nothing in memory. Where scripts may not
// be executed in it, or it is small, as in containers, the disk has to do.
if (isRoomy('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm';

const project = (name: string, include: string[], exclude: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, exclude: ['test/cluster/**', 'test/browser/**', ...exclude], ...more },
});

// A parent with little memory starts processes in a fraction of the time, since all of it is mapped anew for each.
const LEAN = { execArgv: ['--max-semi-space-size=1'] };

export default defineConfig({
  test: {
    // Whatever cluster the user's shell points at is none of these tests' business.
    env: { KUBECONFIG: '' },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 50 } },
    // Much of the time they wait for git or the disk.
    maxWorkers: availableParallelism() * 2,
    projects: [
      project('unit', ['test/**/*.test.ts'], [...INTEGRATION, ...REPOSITORY, ...PROCESSES], {
        isolate: false,
      }),
      project('processes', PROCESSES.map(tests), [...INTEGRATION, ...REPOSITORY], {
        ...LEAN,
        isolate: false,
      }),
      project('repository', REPOSITORY, [], { ...LEAN, isolate: false }),
      project('integration', INTEGRATION.map(tests), [], LEAN),
    ],
  },
});

function tests(pattern: string): string {
  return pattern.endsWith('/**') ? `${pattern}/*.test.ts` : pattern;
}

function isRoomy(folder: string): boolean {
  if (!existsSync('/proc/mounts')) return false;
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const [, , kind, options = ''] = mounts.find((it) => it.split(' ')[1] === folder)?.split(' ') ?? [];
  if (kind !== 'tmpfs' || /\b(?:noexec|ro)\b/.test(options)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 4 * 1024 ** 3;
}
