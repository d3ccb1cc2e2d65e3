import { expect, test } from 'vitest';
import type { Pod } from '../../src/api/kubernetes.ts';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { checkPod } from '../../src/core/checks/pod.ts';
import { startSim } from '../../src/sim/index.ts';

const LOOK = [
  'grep -c "CapEff:.0000000000000000" /proc/self/status',
  'ls /host 2>/dev/null | wc -l',
  'reboot 2>/dev/null; echo $?',
  'echo "${HOST_DIR:-none}"',
];

test('the pod of a check gets a node from the scheduler, and has no way to the host of it', async () => {
  const sim = await startSim({ nodes: 2 });
  try {
    const command = ['sh', '-c', `{ ${LOOK.join('; ')}; } > /dev/termination-log; exit 3`];
    const steps = [{ name: 'canary', checks: [{ command: { command } }] }];
    const spec = NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], steps });
    const owner = { namespace: 'default', name: 'op', uid: 'u1' };
    const { ownerReferences: _, ...metadata } = checkPod(owner, spec, {
      step: 0,
      check: 0,
      number: 1,
    }).metadata;
    const { spec: podSpec } = checkPod(owner, spec, { step: 0, check: 0, number: 1 });
    sim.store.create('pods', { metadata, spec: { ...podSpec } });
    const pod = () => sim.store.get('pods', metadata.name ?? '', 'default') as Pod | undefined;
    await expect.poll(() => pod()?.status?.phase).toBe('Failed');
    const ended = pod()?.status?.containerStatuses?.[0]?.state?.terminated;
    expect([ended?.exitCode, ended?.message]).toEqual([3, '1\n0\n1\nnone\n']);
    expect(pod()?.spec?.nodeName).toMatch(/^node-[12]$/);
  } finally {
    await sim.stop();
  }
});
