import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
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
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let looks = 0;
  const isOver = () => store.creations >= count && store.list().every(({ status }) => status !== undefined);
  while (looks < count && !isOver()) {
    looks += 1;
    // oxlint-disable-next-line no-await-in-loop -- look after look
    await loop.pollNow();
    store.finish('Completed');
  }
  await loop.pollNow();
  await loop.pollNow();
  delay.disable();
  await loop.stop();
  const reports = names.filter((name) =>
    /^ {2}phase: Completed$/m.test(repository.read(`results/${name}.yaml`) ?? ''),
  );
  const scenario = `${count} run files in one push`;
  const blocked = Math.round(delay.max / 1e6);
  return [
    { scenario, what: 'runs begun', from: count, to: store.creations, most: count },
    { scenario, what: 'reports that lack', from: 0, to: count - reports.length, most: 0 },
    { scenario, what: 'looks', from: count / 50, to: looks, most: count / 50 + 3 },
    { scenario, what: 'longest turn, ms', from: 0, to: blocked, most: 1_000 },
  ];
}
