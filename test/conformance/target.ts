import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import type { KubeStatus } from '../../src/api/kubernetes.ts';
import { ApiError, isApiError } from '../../src/kube/api-error.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { type Obj, startSim } from '../../src/sim/index.ts';

/** What a request was answered: 200 stands for every success. */
export interface Answer {
  code: number;
  body: Obj & Partial<Omit<KubeStatus, 'kind' | 'status'>> & { items: Obj[]; data?: Record<string, string> };
  retryAfterMs: number | undefined;
}

export interface WatchLine {
  type: string;
  object: Obj;
}

const MEDIA = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

/** A cluster to be held against the suite, and a namespace of this file's own in it. */
export class Target {
  readonly namespace = `conformance-${Math.random().toString(36).slice(2, 8)}`;
  /** `1.20` is 20. */
  minor = 0;
  budgets = '';
  evictionVersion = '';
  readonly client: KubeClient;
  /** The file that leads there, for other clients. */
  readonly kubeconfig: string;
  private readonly stopSim: () => Promise<void>;

  private constructor(kubeconfig: string, stopSim: () => Promise<void>) {
    this.kubeconfig = kubeconfig;
    this.client = new KubeClient({ kubeconfig });
    this.stopSim = stopSim;
  }

  /** The cluster KUBECONFIG names, else an embedded one. */
  static async open(): Promise<Target> {
    const given = process.env['KUBECONFIG'];
    if (given !== undefined && given !== '') {
      return new Target(given, () => Promise.resolve()).prepare();
    }
    const sim = await startSim({ nodes: 2, jobBackoffMs: 50, bookmarkMs: 200 });
    const dir = mkdtempSync(join(tmpdir(), 'nodeop-conformance-'));
    writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
    return new Target(join(dir, 'kubeconfig'), async () => {
      await sim.stop();
      rmSync(dir, { recursive: true });
    }).prepare();
  }

  private async prepare(): Promise<this> {
    this.minor = Number.parseInt(String((await this.call('GET', '/version')).body['minor']), 10);
    const policy = await this.call('GET', '/apis/policy');
    this.budgets = (policy.body['preferredVersion'] as { groupVersion: string }).groupVersion;
    const core = await this.call('GET', '/api/v1');
    const resources = core.body['resources'] as { name: string; group?: string; version?: string }[];
    const eviction = resources.find(({ name }) => name === 'pods/eviction');
    this.evictionVersion = `${eviction?.group}/${eviction?.version}`;
    await this.makeNamespace(this.namespace);
    return this;
  }

  /** Pods need the namespace's default ServiceAccount, which is made a moment later. */
  async makeNamespace(name: string): Promise<void> {
    await this.call('POST', '/api/v1/namespaces', { metadata: { name } });
    await this.until(`/api/v1/namespaces/${name}/serviceaccounts/default`, () => true);
  }

  async close(): Promise<void> {
    await this.call('DELETE', `/api/v1/namespaces/${this.namespace}`);
    await this.client.close();
    await this.stopSim();
  }

  /** Path of a resource in this file's namespace: `core('pods', 'web-1')`. */
  core(plural: string, ...rest: string[]): string {
    return [`/api/v1/namespaces/${this.namespace}/${plural}`, ...rest].join('/');
  }

  group(groupVersion: string, plural: string, ...rest: string[]): string {
    return [`/apis/${groupVersion}/namespaces/${this.namespace}/${plural}`, ...rest].join('/');
  }

  async call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Answer> {
    try {
      const options = { ...(body === undefined ? {} : { body }), ...(contentType ? { contentType } : {}) };
      const answer = await this.client.request(method, path, options);
      return { code: 200, body: answer as Answer['body'], retryAfterMs: undefined };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code === 0) throw error;
      return { code: error.code, body: error.status as Answer['body'], retryAfterMs: error.retryAfterMs };
    }
  }

  patch(type: keyof typeof MEDIA, path: string, body: unknown): Promise<Answer> {
    return this.call('PATCH', path, body, MEDIA[type]);
  }

  /** Creates, and fails when that is refused. */
  async make(path: string, body: unknown): Promise<Obj> {
    const answer = await this.call('POST', path, body);
    if (answer.code !== 200) throw new Error(`${path} was answered ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** The object once a condition holds. */
  async until(path: string, holds: (object: Obj) => boolean): Promise<Obj> {
    return (await this.answered(path, ({ code, body }) => code === 200 && holds(body))).body;
  }

  async untilGone(path: string): Promise<void> {
    await this.answered(path, ({ code }) => code === 404);
  }

  /** The answer to a GET once it is as wanted; what it was last when it never is. */
  async answered(path: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
    // A garbage collector stands still for a while when definitions come and go, as those of these tests do.
    for (const end = Date.now() + 150_000; ;) {
      // oxlint-disable-next-line no-await-in-loop -- that is what waiting is
      const answer = await this.call('GET', path);
      if (wanted(answer)) return answer;
      if (Date.now() > end) throw new Error(`${path} was last answered ${JSON.stringify(answer)}`);
      // oxlint-disable-next-line no-await-in-loop
      await sleep(50);
    }
  }

  text(path: string, query: Record<string, string | number> = {}): Promise<string> {
    return this.client.text(path, query);
  }

  /** All a watch says until the server ends it, or up to the line that is waited for. */
  async watch(
    path: string,
    query: Record<string, string | number>,
    last: (line: WatchLine) => boolean = () => false,
  ): Promise<WatchLine[]> {
    const lines: WatchLine[] = [];
    try {
      const parameters = { query: { watch: 'true', ...query }, idleMs: 120_000 };
      const body = await this.client.open('GET', path, parameters);
      let rest = '';
      for await (const chunk of body.setEncoding('utf8')) {
        const texts = (rest + String(chunk)).split('\n');
        rest = texts.pop() ?? '';
        lines.push(...texts.map((text) => JSON.parse(text) as WatchLine));
        if (lines.some(last)) break;
      }
    } catch (error) {
      // Some servers answer a version that is too old with the status itself, others within the stream.
      if (!isApiError(error, 410)) throw error;
      lines.push({ type: 'ERROR', object: { ...(error.status as object), metadata: {} } });
    }
    return lines;
  }
}

/** The cluster under test, opened before a file's first test and left clean after its last. */
export function useTarget(): { readonly it: Target } {
  let target: Target | undefined;
  beforeAll(async () => {
    target = await Target.open();
  }, 120_000);
  afterAll(() => target?.close());
  return {
    get it(): Target {
      if (target === undefined) throw new Error('only tests have a target');
      return target;
    },
  };
}

/** A pod that runs a shell command; `spec` adds to its own. */
export function podSpec(command: string, spec: object = {}): Record<string, unknown> {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'main',
        image: 'busybox:latest',
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', command],
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
    ...spec,
  };
}

export const SLEEP = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

export function isReady(object: Obj): boolean {
  return conditionOf(object, 'Ready')?.status === 'True';
}

export function conditionOf(
  object: Obj,
  type: string,
): { status: string; reason?: string; message?: string } | undefined {
  const list = object.status?.['conditions'] as { type: string; status: string }[] | undefined;
  return list?.find((condition) => condition.type === type);
}
