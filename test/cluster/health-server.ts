import { apply, get, kubectl } from './kubectl.ts';

const PORT = 8080;

/** Answers `/ready-after/<n>` with `{"ready": false}` until it was asked for that path so many times, and everything else with 404. */
const SCRIPT = `
const asked = new Map();
require('node:http').createServer(({ url }, response) => {
  const count = (asked.get(url) ?? 0) + 1;
  asked.set(url, count);
  const [, after] = /^\\/ready-after\\/(\\d+)$/.exec(url) ?? [];
  response.writeHead(after === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ready: after !== undefined && count > Number(after) }));
}).listen(Number(process.env.PORT));
process.on('SIGTERM', () => process.exit(0));
`;

/** An HTTP endpoint in a pod of the cluster, where the agent can reach it, for the checks of steps. */
export class HealthServer {
  /** As `checks.allowedHosts` has it. */
  url = '';
  private readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  async start(image: string, node: string): Promise<void> {
    const { namespace } = this;
    const labels = { app: 'health' };
    const env = [{ name: 'PORT', value: String(PORT) }];
    const readinessProbe = { httpGet: { path: '/ready-after/0', port: PORT }, periodSeconds: 1 };
    const spec = {
      nodeName: node,
      containers: [{ name: 'health', image, command: ['node', '-e', SCRIPT], env, readinessProbe }],
      terminationGracePeriodSeconds: 1,
    };
    const ports = [{ port: PORT }];
    await apply(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'health', namespace, labels }, spec },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'health', namespace },
        spec: { selector: labels, ports },
      },
    );
    await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/health', '--timeout=120s']);
    const service = await get<{ spec: { clusterIP: string } }>('-n', namespace, 'service', 'health');
    this.url = `http://${service.spec.clusterIP}:${PORT}`;
  }
}
