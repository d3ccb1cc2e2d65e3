import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nodeOp, TestRepository } from './support.ts';

const PROCESS = fileURLToPath(new URL('memory-process.ts', import.meta.url));
const COUNT = 600;
const MIB = 1024 * 1024;
/** What a pod of the agent may have is 512 MiB. All of these files at once are 600, and more as text. */
const MOST_MIB = 400;

/** Written one by one, so that nothing large is held here either. */
function writeLarge(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const bytes = Buffer.alloc(MIB, 'a');
  for (let i = 0; i < COUNT; i += 1) {
    bytes.write(`x: "${String(i).padStart(4, '0')}`);
    bytes.write('"\n', MIB - 2);
    writeFileSync(join(folder, `large-${i}.yaml`), bytes);
  }
}

test('600 files of a MiB in one push take no more memory than a pod has, and keep no run from its turn', async () => {
  using repository = new TestRepository();
  repository.git(repository.clone, 'config', 'core.compression', '1');
  repository.push({ 'README.md': 'x' });
  const child = spawn(process.execPath, [PROCESS, repository.bare, join(repository.root, 'agent.git')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const look = async () => {
      child.stdin.write('look\n');
      const { value } = (await answers.next()) as { value: string };
      return JSON.parse(value) as { begun: string[]; mebibytes: number };
    };
    const { mebibytes: before } = await look();
    writeLarge(join(repository.clone, 'runs'));
    repository.push({ 'runs/right.yaml': nodeOp('right') });
    const after = await look();
    expect(after.begun).toEqual(['right']);
    for (const i of [0, COUNT - 1]) {
      expect(repository.read(`results/large-${i}.yaml`)).toContain('file is too large');
    }
    // Of a run before the files there was nothing to compare with.
    expect(before).toBeGreaterThan(20);
    expect(after.mebibytes).toBeLessThan(MOST_MIB);
  } finally {
    child.stdin.end();
    child.kill();
  }
  // On a busy disk 600 MiB take their time, twice.
}, 900_000);
