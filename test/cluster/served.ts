import { apply, get, kubectl } from './kubectl.ts';

interface Served {
  namespace: string;
  /** Of the pod and its Service. */
  name: string;
  spec: object;
  port: number;
}

/** A pod that serves something within the cluster, once it is Ready: the address of its Service. */
export async function served({ namespace, name, spec, port }: Served): Promise<string> {
  const labels = { app: name };
  const metadata = { name, namespace };
  await apply(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, labels },
      spec: { ...spec, terminationGracePeriodSeconds: 1 },
    },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port }] } },
  );
  await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=120s']);
  const service = await get<{ spec: { clusterIP: string } }>('-n', namespace, 'service', name);
  return service.spec.clusterIP;
}
