import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sim } from '../../sim/index.ts';
import { CANARY } from './canary.ts';
import type { Scenario } from './scenario.ts';

const BUDGETS = 'poddisruptionbudgets.policy';

const CONFIG: Scenario = {
  title: 'A configuration file for every node, two at a time',
  file: 'runs/ntp.yaml',
  run: () => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  generateName: set-ntp-servers-
spec:
  image: busybox:latest
  command:
    - sh
    - -ec
    - |
      mkdir -p "$HOST_DIR/etc/chrony"
      echo "server ntp.example.org iburst" > "$HOST_DIR/etc/chrony/chrony.conf"
      sleep 1
      echo "configured $(hostname)"
  cordon: true
  drainOptions:
    enabled: true
  concurrency: 2
  stopOnFailure: true
`,
  prepare: (sim) => workload(sim, 6),
};

const FIRMWARE: Scenario = {
  title: 'New firmware, one node at a time, with a reboot; one node has it already and one will fail',
  file: 'runs/firmware.yaml',
  run: () => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  generateName: firmware-flash-
spec:
  nodeSelector:
    matchLabels:
      kairos.io/managed: "true"
  image: alpine:latest
  preflight:
    command:
      - sh
      - -c
      - |
        if [ "$(cat /host/var/firmware/version)" = "2.4.0" ]; then
          echo "system firmware is already at 2.4.0" > /dev/termination-log
        fi
        exit 0
  command:
    - sh
    - -ec
    - |
      echo "Flashing firmware to v2.4.0..."
      test ! -e /host/var/firmware/locked || { echo "flash is write-protected"; exit 3; }
      echo 2.4.0 > /host/var/firmware/version
  hostMountPath: /host
  cordon: true
  drainOptions:
    enabled: true
  rebootOnSuccess: true
  backoffLimit: 1
  concurrency: 1
  stopOnFailure: true
`,
  prepare: (sim) => {
    workload(sim, 5);
    budget(sim, 5);
    for (const [node, version] of [1, 2, 3, 4, 5].map(
      (i) => [`node-${i}`, i === 1 ? '2.4.0' : '2.3.1'] as const,
    )) {
      const folder = join(sim.dir, node, 'root/var/firmware');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'version'), `${version}\n`);
    }
    writeFileSync(join(sim.dir, 'node-4/root/var/firmware/locked'), '');
  },
  react: (sim, status) => {
    const blocked = Object.values(status.nodeStatuses ?? {}).some(({ message }) =>
      message?.includes('eviction blocked'),
    );
    const known = sim.store.get(BUDGETS, 'shop', 'default');
    // The shop's owners see the drain wait for their budget and let one pod go.
    if (!blocked || known?.spec?.['minAvailable'] === 4 || known === undefined) return;
    sim.store.update(BUDGETS, { ...known, spec: { ...known.spec, minAvailable: 4 } });
  },
};

export const SCENARIOS = { config: CONFIG, firmware: FIRMWARE, canary: CANARY };

/** A shop with some replicas, spread over the nodes. */
function workload(sim: Sim, replicas: number): void {
  const labels = { app: 'shop' };
  sim.store.create('replicasets.apps', {
    metadata: { name: 'shop', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'shop', image: 'shop:1' }] } },
    },
  });
}

function budget(sim: Sim, minAvailable: number): void {
  sim.store.create(BUDGETS, {
    metadata: { name: 'shop', namespace: 'default' },
    spec: { minAvailable, selector: { matchLabels: { app: 'shop' } } },
  });
}
