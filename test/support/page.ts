import { connect } from '../../src/agent/agent.ts';
import { agentPage } from '../../src/agent/page/open.ts';
import { HttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/time/clock.ts';
import { silent } from '../runs/support.ts';
import type { Operations } from './agent.ts';

/** The page of an agent at work, on a port of this machine. */
export interface ServedPage {
  url: string;
  /** What the server could not answer. */
  errors: unknown[];
  close: () => Promise<void>;
}

export async function servePageOf({ repository }: Operations): Promise<ServedPage> {
  const config = repository.config({
    kubernetes: { kubeconfig: `${repository.root}/kubeconfig`, namespace: 'default' },
    http: { host: '127.0.0.1', page: {} },
  });
  const parts = agentPage({
    config,
    client: connect(config),
    clock: systemClock,
    namespace: 'default',
    version: '1.0.0',
    logger: silent,
    agent: () => ({ servedBy: 'leader', problems: [] }),
  });
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const server = new HttpServer({ routes: [], host: '127.0.0.1', port: 0, onError, site: parts.site });
  const url = `http://127.0.0.1:${await server.listen()}`;
  const close = async () => {
    await server.close();
    await parts.close();
  };
  return { url, errors, close };
}
