import { describe, expect, test } from 'vitest';
import { ANNOTATION_RUN_SIGNER } from '../../src/api/labels.ts';
import type { Preparation } from '../../src/core/runs/prepare.ts';
import { flaw, type Provenance, repositoryFlaw, trusted } from '../../src/core/runs/trust.ts';

const SIGNED: Provenance = {
  commit: 'aaaaaaaaaaaaaaaa',
  author: 'Ada',
  signature: { ok: true, signer: 'ada@example.org' },
};
const UNSIGNED: Provenance = {
  commit: 'bbbbbbbbbbbbbbbb',
  author: 'Eve',
  signature: { ok: false, reason: 'is not signed' },
};
const OTHER: Provenance = { ...UNSIGNED, commit: 'cccccccccccccccc' };
const PLAIN = {
  ok: true,
  here: true,
  manifest: { metadata: { name: 'op', annotations: { kept: 'yes' } } },
} as unknown as Preparation;
const NAMING = { ...PLAIN, definition: { name: 'flash' } } as unknown as Preparation;

const messages = (it: Preparation) =>
  it.ok ? [] : it.problems.map(({ path, message }) => `${path.join('.')} ${message}`.trim());

describe('a run may be carried out', () => {
  test('where its file is signed, and tells by whom', () => {
    expect(trusted(PLAIN, { run: SIGNED })).toMatchObject({
      ok: true,
      manifest: { metadata: { annotations: { kept: 'yes', [ANNOTATION_RUN_SIGNER]: 'ada@example.org' } } },
    });
    expect(trusted(NAMING, { run: SIGNED, definition: SIGNED, history: SIGNED }).ok).toBe(true);
  });

  test('where it is invalid it stays that', () => {
    const invalid: Preparation = { ok: false, problems: [] };
    expect(trusted(invalid, { run: UNSIGNED })).toBe(invalid);
  });
});

describe('a run is refused', () => {
  const made = 'commit bbbbbbbbbbbb by Eve is not signed, and it made';

  test('where its file is not signed', () => {
    const refused = trusted(PLAIN, { run: UNSIGNED });
    expect(refused).toMatchObject({ ok: false, reason: 'NotSigned' });
    expect(refused).not.toHaveProperty('definition');
    expect(messages(refused)).toEqual([`${made} this file what it is`]);
  });

  test('where its definition is not, whoever signed the file', () => {
    const refused = trusted(NAMING, { run: SIGNED, definition: UNSIGNED });
    expect(refused).toMatchObject({ ok: false, reason: 'NotSigned', definition: 'flash' });
    expect(messages(refused)).toEqual([`spec.nodeOp ${made} definition "flash" what it is`]);
  });

  test('where a commit on the way is not, and every one has to be', () => {
    const refused = trusted(PLAIN, { run: SIGNED, history: OTHER });
    expect(refused).toMatchObject({ ok: false, reason: 'NotSigned' });
    expect(messages(refused)).toEqual([
      'commit cccccccccccc by Eve is not signed, and every commit since git.verify.everyCommitSince has to be',
    ]);
  });

  test('of one commit it is said once', () => {
    expect(messages(trusted(PLAIN, { run: UNSIGNED, history: UNSIGNED }))).toHaveLength(1);
    expect(messages(trusted(NAMING, { run: SIGNED, definition: UNSIGNED, history: UNSIGNED }))).toHaveLength(
      1,
    );
    expect(messages(trusted(NAMING, { run: UNSIGNED, definition: UNSIGNED, history: OTHER }))).toHaveLength(
      3,
    );
  });
});

test('a commit that is signed has no flaw', () => {
  expect(flaw(SIGNED)).toBeUndefined();
  expect(flaw(UNSIGNED)).toBe('commit bbbbbbbbbbbb by Eve is not signed');
});

test('a commit is of the repository whose name it holds, and of no other', () => {
  const holds = (text: string) => repositoryFlaw('fleet', Buffer.from(text));
  expect(holds('fleet')).toBeUndefined();
  expect(holds(' fleet\n')).toBeUndefined();
  expect(holds('fleet-2')).toBe(
    'is of the repository "fleet-2", by its file .nodeop/repository, and this one is "fleet"',
  );
  expect(holds('')).toMatch(/^is of the repository ""/);
  expect(holds('x'.repeat(200))).toContain(`"${'x'.repeat(200)}"`);
  expect(holds('x'.repeat(201))).toContain(`"${'x'.repeat(199)}…"`);
  expect(repositoryFlaw('fleet', undefined)).toBe(
    'holds no file .nodeop/repository, so it may be one of another repository',
  );
});
