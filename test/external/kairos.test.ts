import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { validatePaths } from '../../src/cli/validate/paths.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { inCommonWords, meantOtherwise } from '../../src/core/external/spec.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { Cluster } from '../support/cluster.ts';

/** NodeOps that were written for the Kairos operator. */

const samples = loadAll(readFileSync('test/samples/kairos.yaml', 'utf8')) as NodeOp[];
const named = samples.map((sample) => [sample.metadata.name ?? '', sample] as const);

describe('as run files', () => {
  const root = mkdtempSync(join(tmpdir(), 'nodeop-kairos-'));
  beforeAll(() => {
    for (const [name, sample] of named) writeFileSync(join(root, `${name}.yaml`), dump(sample));
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const problems = async (defaultImage?: string) =>
    (
      await validatePaths([root], {
        root,
        nodeops: 'nodeops',
        ...(defaultImage !== undefined && { defaultImage }),
      })
    ).problems;

  test('are valid, with an image for those that name none', async () => {
    expect(await problems('busybox:1.36.1')).toEqual([]);
  });

  test('need that image, which is said', async () => {
    expect(await problems()).toMatchObject(
      ['empty-image', 'no-image'].map((name) => ({
        file: join(root, `${name}.yaml`),
        path: ['spec', 'image'],
        message: expect.stringContaining('defaults.image') as unknown,
      })),
    );
  });

  test.each(named)('%s goes to another controller as it was written', (_, sample) => {
    const content = Buffer.from(dump(sample));
    const source = { path: 'runs/a.yaml', mode: '100644', blob: 'b', commit: 'c', content };
    const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
    const prepared = prepareRun(source, { layout, namespace: 'ops', definitions: [], executor: 'external' });
    expect(prepared).toMatchObject({ ok: true });
    expect(prepared.ok && prepared.manifest.spec).toEqual(sample.spec);
  });
});

describe('in the cluster', () => {
  let cluster: Cluster;
  afterEach(() => cluster.stop());

  test.each(named)('%s is carried out', async (name, sample) => {
    const images: unknown[] = [];
    cluster = await Cluster.virtual(
      {
        nodes: 2,
        script: ({ metadata: { labels = {} }, spec }) => {
          images.push((spec?.['containers'] as { image: string }[] | undefined)?.[0]?.image);
          return labels['kairos.io/reboot'] === undefined ? {} : { reboot: true };
        },
      },
      { defaultImage: 'busybox:1.36.1' },
    );
    await cluster.create(sample);
    expect((await cluster.ended(name)).status?.phase).toBe('Completed');
    expect(new Set(images)).toEqual(
      new Set([
        sample.spec.image === undefined || sample.spec.image === '' ? 'busybox:1.36.1' : sample.spec.image,
      ]),
    );
  });

  test('one without an image is refused where there is none to take', async () => {
    cluster = await Cluster.virtual({ nodes: 1, script: () => ({}) });
    const [sample] = samples;
    await cluster.create(sample as NodeOp);
    const { status } = await cluster.ended('no-image');
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Stalled',
        reason: 'InvalidSpec',
        message: expect.stringMatching(/^spec\.image: .*defaults\.image/) as unknown,
      }),
    );
  });
});

test.each<[object, RegExp[]]>([
  [{ backoffLimit: 0 }, []],
  [{ backoffLimit: 0, drainOptions: { enabled: true } }, [/nothing is drained.*cordon: true/]],
  [
    {
      backoffLimit: 0,
      cordon: true,
      drainOptions: { enabled: true, gracePeriodSeconds: 1, timeoutSeconds: 5 },
    },
    [/no PodDisruptionBudgets/, /without a controller stay/],
  ],
  [{}, [/up to seven times/]],
])('what %j means otherwise there is told', (spec, expected) => {
  const notes = meantOtherwise(inCommonWords(spec));
  expect(notes).toHaveLength(expected.length);
  for (const [i, pattern] of expected.entries()) expect(notes[i]).toMatch(pattern);
});
