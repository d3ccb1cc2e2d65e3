import { setTimeout as sleep } from 'node:timers/promises';
import type { Obj } from '../../src/sim/store/object.ts';
import { BY_PEOPLE } from './observer.ts';
import type { Event } from './plan.ts';
import type { Stage } from './stage.ts';

/** Half a second each, for all that lies in a namespace. */
const GONE_ATTEMPTS = 600;

type Deed = Extract<Event, { kind: 'people' }>;

/** Those who work in the repository and with kubectl, by a way of their own. */
export class People {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async happen(deed: Deed): Promise<void> {
    const { repository, namespace } = this.#stage;
    if (deed.what === 'cordon') return this.#cordon(deed.on, deed.ms);
    const op = `/apis/operator.kairos.io/v1alpha1/namespaces/${namespace}/nodeops/${deed.on}`;
    switch (deed.what) {
      case 'revert':
        return repository.revert(deed.on);
      case 'delete':
        await this.#ask('DELETE', op);
        return;
      case 'cancel':
        return this.#annotate(op, 'cancel', 'enough');
      case 'hold':
        await this.#annotate(op, 'hold', 'wait');
        await sleep(deed.ms);
        return this.#annotate(op, 'hold', null);
    }
  }

  /** No node stays as this history leaves it: for those that come after it on a real cluster. */
  async tidy(): Promise<void> {
    const { cluster, namespace } = this.#stage;
    for (const node of cluster.nodes) {
      const annotations = { [BY_PEOPLE]: null, 'operator.kairos.io/cordoned-by': null };
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await this.#ask('PATCH', `/api/v1/nodes/${node}`, {
        metadata: { annotations },
        spec: { unschedulable: null },
      });
    }
    // Agents, who take their finalizers off, are gone.
    const ops = `/apis/operator.kairos.io/v1alpha1/namespaces/${namespace}/nodeops`;
    const { items } = (await this.#ask('GET', ops)) as { items: Obj[] };
    const free = { metadata: { finalizers: null } };
    await Promise.all(items.map(({ metadata }) => this.#ask('PATCH', `${ops}/${metadata.name}`, free)));
    await this.#ask('DELETE', `/api/v1/namespaces/${namespace}`);
    for (let attempt = 0; attempt < GONE_ATTEMPTS; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- until it is gone
      if ((await this.#ask('GET', `/api/v1/namespaces/${namespace}`)) === undefined) return;
      // oxlint-disable-next-line no-await-in-loop
      await sleep(500);
    }
    throw new Error(`the namespace ${namespace} is still there`);
  }

  async #annotate(path: string, name: string, value: string | null): Promise<void> {
    await this.#ask('PATCH', path, { metadata: { annotations: { [`agent.nodeop.dev/${name}`]: value } } });
  }

  /** Only of a node that nobody has cordoned, and back again. */
  async #cordon(index: number, ms: number): Promise<void> {
    const { nodes } = this.#stage.cluster;
    const path = `/api/v1/nodes/${nodes[(index - 1) % nodes.length]}`;
    const node = (await this.#ask('GET', path)) as Obj | undefined;
    if (node === undefined || node.spec?.['unschedulable'] === true) return;
    const { resourceVersion } = node.metadata;
    const mark = (what: string) => ({ annotations: { [BY_PEOPLE]: what } });
    const metadata = { ...mark('cordon'), resourceVersion };
    const done = await this.#ask('PATCH', path, { metadata, spec: { unschedulable: true } });
    await sleep(ms);
    if (done) await this.#ask('PATCH', path, { metadata: mark('uncordon'), spec: { unschedulable: null } });
  }

  /** Until there is an answer. @returns what was answered, undefined for a refusal */
  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const { url } = { url: this.#stage.cluster.own + path };
    for (let attempt = 0; ; attempt += 1) {
      try {
        const request = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
        // oxlint-disable-next-line no-await-in-loop -- until it is there again
        const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(20_000) });
        // oxlint-disable-next-line no-await-in-loop
        return answer.ok ? await answer.json() : undefined;
      } catch (error) {
        if (attempt === 100) throw error;
      }
      // oxlint-disable-next-line no-await-in-loop
      await sleep(300);
    }
  }
}
