import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The official client reads a file; nothing listens where it points to. */
export const KUBECONFIG = join(tmpdir(), `nodeop-world-${process.pid}.yaml`);
writeFileSync(
  KUBECONFIG,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'world',
    clusters: [{ name: 'world', cluster: { server: 'http://world', 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'world', user: {} }],
    contexts: [{ name: 'world', context: { cluster: 'world', user: 'world' } }],
  }),
);
process.once('exit', () => rmSync(KUBECONFIG, { force: true }));
