import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${ROOT}/docs/threat-model.md`, 'utf8');
const TEST = /`(test\/[\w./-]+\.test\.ts)` "([^"]+)"/g;

/** Rows of the tables whose last column says what holds the claim. */
const claims = page
  .split('\n## ')
  .flatMap((part) => (part.startsWith('Ways in') ? part.split('\n') : []))
  .filter((line) => /^\| (?!attempt)/.test(line));

test('every defence that is claimed names a test that is there', () => {
  expect(claims.length).toBeGreaterThan(20);
  for (const claim of claims) {
    const named = [...claim.matchAll(TEST)];
    expect(named, claim).not.toEqual([]);
    for (const [, file = '', title = ''] of named)
      expect(readFileSync(`${ROOT}/${file}`, 'utf8'), `${file}: ${title}`).toContain(title);
  }
});
