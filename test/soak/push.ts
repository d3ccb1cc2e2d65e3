import { setImmediate as turn } from 'node:timers/promises';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { slowness, Turns } from '../fuzz/work.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import type { Row } from './measure.ts';

/** One push brings very many run files: each is begun once and reported, and nothing else waits for it meanwhile. */
export async function push({ files: count }: { files: number }): Promise<Row[]> {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  const store = new MemoryStore();
  const config = repository.config({ runs: { maxConcurrent: 50 } });
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  const names = Array.from({ length: count }, (_, i) => `op-${i + 1}`);
  repository.push(Object.fromEntries(names.map((name) => [`runs/${name}.yaml`, nodeOp(name)])));
  const slow = slowness();
  let longest = 0;
  /** The longest turn of a look, without what the store does here. */
  const look = async () => {
    await turn();
    const turns = new Turns();
    await loop.pollNow();
    return turns.stop();
  };
  let looks = 0;
  const isOver = () => store.creations >= count && store.list().every(({ status }) => status !== undefined);
  while (looks < count && !isOver()) {
    looks += 1;
    // oxlint-disable-next-line no-await-in-loop -- look after look
    longest = Math.max(longest, await look());
    store.finish('Completed');
  }
  longest = Math.max(longest, await look(), await look());
  await loop.stop();
  const reports = names.filter((name) =>
    /^ {2}phase: Completed$/m.test(repository.read(`results/${name}.yaml`) ?? ''),
  );
  const scenario = `${count} run files in one push`;
  return [
    { scenario, what: 'runs begun', from: count, to: store.creations, most: count },
    { scenario, what: 'reports that lack', from: 0, to: count - reports.length, most: 0 },
    { scenario, what: 'looks', from: count / 50, to: looks, most: count / 50 + 3 },
    {
      scenario,
      what: 'longest turn, ms of work',
      from: 0,
      to: Math.round(longest),
      most: Math.round(100 * slow),
    },
  ];
}
