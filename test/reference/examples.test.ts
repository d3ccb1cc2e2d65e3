import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
afterEach(() => cluster.stop());

test.each(['basic', 'preflight', 'firmware'])(
  'the %s example of the reference runs to its end',
  async (name) => {
    cluster = await Cluster.start({ nodes: 2 });
    const folder = join(cluster.sim.dir, 'node-1/root/var');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'firmware'), '2.4.0\n');
    const before = cluster.sim.store.all('nodes').map((node) => node.status?.['nodeInfo']);
    const manifest = load(readFileSync(new URL(`${name}.yaml`, import.meta.url), 'utf8')) as object;
    const op = await cluster.ended(await cluster.create(manifest));
    const statuses = op.status?.nodeStatuses ?? {};
    expect(op.status?.phase, JSON.stringify(statuses)).toBe('Completed');
    const skipped = name === 'preflight';
    expect(statuses['node-1']?.message).toBe(
      skipped ? 'Skipped by preflight: system firmware is already at 2.4.0' : undefined,
    );
    expect(statuses['node-2']?.rebootStatus).toBe('completed');
    const after = cluster.sim.store.all('nodes').map((node) => node.status?.['nodeInfo']);
    expect(after[1]).not.toEqual(before[1]);
    expect(cluster.sim.store.all('nodes').some((node) => node.spec?.['unschedulable'])).toBe(false);
  },
);
