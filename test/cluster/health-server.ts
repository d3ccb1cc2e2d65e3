import { served } from './served.ts';

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
    const env = [{ name: 'PORT', value: String(PORT) }];
    const readinessProbe = { httpGet: { path: '/ready-after/0', port: PORT }, periodSeconds: 1 };
    const spec = {
      nodeName: node,
      containers: [{ name: 'health', image, command: ['node', '-e', SCRIPT], env, readinessProbe }],
    };
    const address = await served({ namespace: this.namespace, name: 'health', spec, port: PORT });
    this.url = `http://${address}:${PORT}`;
  }
}
