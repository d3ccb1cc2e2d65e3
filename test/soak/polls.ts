import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { growth, held, type Row } from './measure.ts';

/** So many reports stay; the others are removed as they get old. */
const KEPT = 50;

/**
 * Polls one after the other, at every tenth of which a new run file is there, which is carried out and reported. What is held after a tenth of
 * them is held at the end. The clone grows by what each report and its commit take, and by nothing else.
 */
export async function polls({ polls: count }: { polls: number }): Promise<Row[]> {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  const store = new MemoryStore();
  const config = repository.config({
    report: { keep: { count: KEPT } },
    git: { poll: { schedule: '0 0 0 1 1 *' } },
  });
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  let runs = 0;
  let before = await held(config.git.dir);
  for (let poll = 1; poll <= count; poll += 1) {
    if (poll % 10 === 0) repository.push({ [`runs/op-${(runs += 1)}.yaml`]: nodeOp(`op-${runs}`) });
    // oxlint-disable-next-line no-await-in-loop -- poll after poll
    await loop.pollNow();
    if (poll % 10 === 1) store.finish('Completed');
    // People tidy up in the cluster.
    if (poll % 10 === 4) store.objects.clear();
    // oxlint-disable-next-line no-await-in-loop
    if (poll === Math.floor(count / 10)) before = await held(config.git.dir);
  }
  const after = await held(config.git.dir);
  await loop.stop();
  const scenario = `${count} polls, ${runs} runs`;
  const began = { scenario, what: 'runs begun', from: runs, to: store.creations, most: runs };
  const idle = await held();
  const rest = { scenario, what: 'children after the stop', from: 0, to: idle['children'] ?? 0, most: 0 };
  return [...growth(scenario, before, after, { 'clone, MiB': 1 + (runs * 8) / 1024 }), began, rest];
}
