import {
  DEFINITION,
  type Definition,
  type Lack,
  lackOf,
  lackText,
  obstacleText,
} from '../../core/definition.ts';
import type { Clock } from '../../core/ports.ts';
import type { KubeClient } from '../../kube/client.ts';
import { DEFINITIONS } from '../../kube/resources.ts';
import { WatchCache } from '../../kube/watch.ts';
import type { Logger } from '../logger.ts';

export interface DefinitionWatchOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  /** Told of each change, once it is known. */
  onChange: (texts: { obstacle: string | undefined; lack: string | undefined }) => void;
}

/** Whether the cluster's definition of NodeOps keeps what is written: looked at when the agent starts, and whenever it changes. */
export class DefinitionWatch {
  private readonly options: DefinitionWatchOptions;
  private readonly cache: WatchCache<Definition>;
  private readonly asked = Promise.withResolvers<void>();
  private lack: Lack | undefined;
  private told = '{}';
  private started = false;

  constructor(options: DefinitionWatchOptions) {
    this.options = options;
    const { client, clock, logger } = options;
    this.cache = new WatchCache<Definition>({
      client,
      clock,
      resource: DEFINITIONS,
      fieldSelector: `metadata.name=${DEFINITION}`,
      onChange: (definition, gone) => this.take(gone ? undefined : definition),
      onError: (error) => {
        const err = error instanceof Error ? error.message : String(error);
        logger.warn({ err }, 'the definition of NodeOps cannot be read, so nobody knows whether it is whole');
        this.asked.resolve();
      },
    });
  }

  /** Resolves when it is known, or cannot be known: nobody waits for a right that was not granted. */
  async start(): Promise<void> {
    const known = this.cache.start().then(
      () => this.asked.resolve(),
      () => this.asked.resolve(),
    );
    await this.asked.promise;
    this.started = true;
    this.tell();
    void known;
  }

  async stop(): Promise<void> {
    await this.cache.stop();
  }

  /** Why nothing may begin. */
  get obstacle(): string | undefined {
    return obstacleText(this.lack);
  }

  /** Whether a field of a spec may be dropped. */
  get isWhole(): boolean {
    return this.lack === undefined;
  }

  private take(definition: Definition | undefined): void {
    this.lack = lackOf(definition);
    if (this.started) this.tell();
  }

  private tell(): void {
    const texts = { obstacle: this.obstacle, lack: lackText(this.lack) };
    if (JSON.stringify(texts) === this.told) return;
    this.told = JSON.stringify(texts);
    const { logger, onChange } = this.options;
    if (texts.obstacle !== undefined) logger.error({ lack: this.lack }, texts.obstacle);
    if (texts.lack !== undefined) logger.warn({ lack: this.lack?.other }, texts.lack);
    if (this.lack === undefined) logger.info({}, 'the definition of NodeOps is whole');
    onChange(texts);
  }
}
