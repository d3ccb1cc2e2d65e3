import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Whoever looks a message up has to find it as the program words it. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8'))
  .join('\n');

/** Of the first column; what stands between dots is what does not change. */
const pieces = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
  .flatMap((text) => text.split(/…|\(busy with|node-3: /))
  .map((text) => text.replaceAll(/^[\s;:.]+|[\s;:.,)]+$/g, ''))
  .filter((text) => text.length > 3);

test('there are messages', () => {
  expect(pieces.length).toBeGreaterThan(40);
});

test.each([...new Set(pieces)])('"%s" is what the program says', (piece) => {
  expect(sources.includes(piece)).toBe(true);
});
