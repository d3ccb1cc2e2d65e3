import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { validatePaths } from '../../src/cli/validate.ts';
import { atLeast, medianBy, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

/** The row `validate`: files a second, against reading and parsing the same files and nothing else. */
export async function validation(scale: Scale): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'nodeop-bench-'));
  try {
    mkdirSync(join(root, 'runs'));
    for (let i = 0; i < scale.validate; i += 1)
      writeFileSync(join(root, 'runs', `run-${i}.yaml`), runFile(`run-${i}`));
    const pairs: { own: number; floor: number }[] = [];
    for (let run = 0; run < scale.runs + 1; run += 1) {
      // oxlint-disable no-await-in-loop -- measured one after the other
      const floor = await seconds(() => parseAll(join(root, 'runs')));
      const own = await seconds(() => check(root));
      // oxlint-enable no-await-in-loop
      // The first pair warms the compiler and the file system.
      if (run > 0) pairs.push({ own, floor });
    }
    const { own, floor } = medianBy(pairs, (pair) => pair.own / pair.floor);
    const files = scale.validate;
    return [
      atLeast(0.7, {
        name: 'validate',
        size: `${files} run files`,
        value: files / own,
        unit: 'files/s',
        floor: files / floor,
      }),
    ];
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function check(root: string): Promise<void> {
  const { problems } = await validatePaths([join(root, 'runs')], { root, nodeops: 'nodeops' });
  if (problems.length > 0) throw new Error(`a valid file was refused: ${JSON.stringify(problems[0])}`);
}

async function parseAll(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    // oxlint-disable-next-line no-await-in-loop -- as a loop over files is
    load(await readFile(join(folder, name), 'utf8'));
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function runFile(name: string): string {
  return `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  name: ${name}
spec:
  nodeSelector:
    matchLabels:
      kairos.io/managed: "true"
  image: alpine:3.20
  command:
    - sh
    - -ec
    - |
      echo "vm.swappiness = 10" > "$HOST_DIR/etc/sysctl.d/90-swappiness.conf"
  concurrency: 2
  stopOnFailure: true
  drainOptions:
    enabled: true
    timeoutSeconds: 600
  rebootOnSuccess: true
`;
}
