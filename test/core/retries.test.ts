import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { unguardedText } from '../../src/core/rollout/retries.ts';

const spec = (changes: object = {}) => NodeOpSpecSchema.parse({ image: 'a', command: ['b'], ...changes });
const LOST = /after its pod was evicted or lost/;
const BESIDE = /while the one before is still ending/;

test.each<[string, object, number | undefined, RegExp[]]>([
  ['1.20 drops both fields', {}, 20, [LOST, BESIDE, /Kubernetes 1\.20.*backoffLimit: 0/]],
  ['1.26 keeps the first', {}, 26, [BESIDE]],
  ['1.29 keeps both', {}, 29, []],
  ['nothing is run again', { backoffLimit: 0 }, 20, []],
  ['that is wanted', { retryAfterDisruption: true }, 20, [BESIDE]],
  ['nobody knows the version', {}, undefined, []],
])('commands that are run again unasked are warned of: %s', (_, changes, minor, expected) => {
  const text = unguardedText(spec(changes), minor);
  if (expected.length === 0) expect(text).toBeUndefined();
  for (const pattern of expected) expect(text).toMatch(pattern);
  if (!expected.includes(LOST)) expect(text ?? '').not.toMatch(LOST);
});
