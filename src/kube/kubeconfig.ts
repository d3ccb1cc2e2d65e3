import { KubeConfig } from '@kubernetes/client-node';

/** A kubeconfig and the address of its API server, without a slash at the end. */
export interface Kubeconfig {
  config: KubeConfig;
  server: string;
}

/**
 * Reads a kubeconfig file; without one: in-cluster credentials, else the user's default. Throws when it names no API server,
 * or one that would be talked to without TLS.
 */
export function loadKubeconfig(file: string | undefined, context: string | undefined): Kubeconfig {
  const config = read(file);
  if (context !== undefined) config.setCurrentContext(context);
  const { server, skipTLSVerify } = config.getCurrentCluster() ?? {};
  if (server === undefined) throw new Error(noCluster(config));
  if (file === undefined && server === NOTHING_FOUND) throw new Error(NOWHERE);
  if (server.startsWith('http:') && skipTLSVerify !== true) throw new Error(plainHttp(server));
  return { config, server: server.replace(/\/$/, '') };
}

/** Names of the contexts of a kubeconfig file, or of the user's default. Throws when it cannot be read. */
export function contextNames(file?: string): string[] {
  return read(file)
    .getContexts()
    .map(({ name }) => name);
}

function read(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}

/** What the official client makes up when there is no configuration at all: nothing of ours listens there. */
const NOTHING_FOUND = 'http://localhost:8080';
const NOWHERE = '$KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod of a cluster';

function plainHttp(server: string): string {
  return `its server ${server} speaks plain HTTP, which is taken only with "insecure-skip-tls-verify: true" beside it`;
}

function noCluster(config: KubeConfig): string {
  const known = config.getContexts().map(({ name }) => name);
  if (known.length === 0) return 'the kubeconfig names no cluster';
  return `the kubeconfig has no context "${config.getCurrentContext()}" with a cluster; it has ${known.join(', ')}`;
}
