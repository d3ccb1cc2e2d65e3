import type { Scenario } from './scenario.ts';

/** One node first; the others follow once it has held and the monitoring has nothing against it. */
export const CANARY: Scenario = {
  title:
    'A kernel parameter on one node first; then on half of the others at a time, once the shop’s monitoring has nothing against it',
  file: 'runs/quiet-kernel.yaml',
  answers: [
    { status: 503, body: { errors: 2 } },
    { status: 200, body: { errors: 0 } },
  ],
  run: (monitoring) => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  generateName: quiet-kernel-
spec:
  image: busybox:latest
  command:
    - sh
    - -ec
    - |
      mkdir -p "$HOST_DIR/etc/sysctl.d"
      echo "kernel.printk = 3" > "$HOST_DIR/etc/sysctl.d/10-printk.conf"
      sleep 1
  postflight:
    command: [sh, -c, 'grep -q "kernel.printk = 3" "$HOST_DIR/etc/sysctl.d/10-printk.conf"']
  concurrency: 50%
  stopOnFailure: true
  steps:
    - name: canary
      upTo: 1
      soakSeconds: 5
      checks:
        - name: shop
          http:
            url: ${monitoring}/health
            expect:
              expression: body.errors == 0
`,
  prepare: () => undefined,
};
