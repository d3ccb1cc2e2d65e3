/**
 * Runs tests again and again in one vitest: `node judge.ts ROOT`, told over its channel which ones, and which file has changed
 * since. Answers with what failed first. With a folder in `MUTATION_SEEN` what each test came by is written there.
 */
import { BaseSequencer, createVitest, type TestModule, type TestSpecification } from 'vitest/node';
import { join } from 'node:path';

export interface Question {
  changed: readonly string[];
  tests: readonly Tests[];
}

/** Of one file all tests, or those with these full names. */
export interface Tests {
  file: string;
  names?: readonly string[];
}

export interface Verdict {
  /** The first test that failed, or the error that kept one from running. */
  failed?: string;
}

/** In the order in which they are asked for: what is close to the change first. */
class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files);
  }
}

const [, , root = '.'] = process.argv;
const vitest = await createVitest(
  'test',
  {
    root,
    watch: false,
    project: ['unit'],
    reporters: [{}],
    bail: 1,
    maxWorkers: 1,
    // They begin in a fraction of the time of processes.
    pool: 'threads',
    sequence: { sequencer: InOrder },
  },
  {},
);
const project = vitest.getProjectByName('unit');
// Options given above are not those of the project.
if (process.env['MUTATION_SEEN'] !== undefined)
  project.config.setupFiles.push(join(import.meta.dirname, 'setup.ts'));
process.on('message', (question) => void answer(question as Question));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function answer({ changed, tests }: Question): Promise<void> {
  // It bails out by the count of all that have failed so far.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  for (const file of changed) vitest.invalidateFile(join(root, file));
  const specifications = tests.map(({ file, names }) =>
    project.createSpecification(join(root, file), names === undefined ? {} : { testNames: [...names] }),
  );
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, false);
  const ran = testModules.filter((it) => it.state() !== 'skipped');
  const failed = ran.map(failureOf).find((it) => it !== undefined) ?? unhandledErrors.map(String)[0];
  const verdict: Verdict = failed === undefined ? {} : { failed };
  process.send?.(verdict);
}

function failureOf(module: TestModule): string | undefined {
  if (module.ok()) return undefined;
  for (const test of module.children.allTests('failed'))
    return `${module.relativeModuleId}: ${test.fullName}`;
  return `${module.relativeModuleId}: ${module.errors()[0]?.message ?? 'it cannot be read'}`;
}
