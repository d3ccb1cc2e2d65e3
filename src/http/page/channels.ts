import type { ViewName } from '../../api/page.ts';
import type { Clock } from '../../core/ports.ts';
import { Channel } from './channel.ts';
import { Refusal } from './request.ts';
import type { AskedFor, PageSource } from './source.ts';
import { keyOf, type Viewer } from './viewer.ts';

interface ChannelsOptions {
  source: PageSource;
  clock: Clock;
  onError: (error: unknown) => void;
}

/** Views that are looked at at once; each node and run is one. */
const MOST_CHANNELS = 200;

/** What of an address a view is made of: whatever else is said makes no other one of it. */
function subjectOf(name: ViewName, { run, node }: AskedFor): AskedFor {
  if (name === 'node') return { run, node };
  return name === 'run' ? { run } : {};
}

/** The channel of each view that somebody looks at: one for all who see the same of it. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #encode: (value: unknown) => string;
  readonly #open = new Map<string, Channel>();

  constructor(options: ChannelsOptions, encode: (value: unknown) => string) {
    this.#options = options;
    this.#encode = encode;
  }

  /** Throws a Refusal when there are too many of them. */
  of(name: ViewName, asked: AskedFor, viewer: Viewer): Channel {
    const { clock, source, onError } = this.#options;
    const subject = subjectOf(name, asked);
    const key = JSON.stringify([name, subject.run, subject.node, keyOf(viewer)]);
    const known = this.#open.get(key);
    if (known) return known;
    if (this.#open.size >= MOST_CHANNELS) this.#dropIdle();
    const channel = new Channel({
      clock,
      compute: () => source.view(name, subject, viewer.sees),
      watch: (onChange) => source.watch(onChange),
      encode: this.#encode,
      onError,
      onIdle: () => {
        if (this.#open.get(key) === channel) this.#open.delete(key);
      },
    });
    this.#open.set(key, channel);
    return channel;
  }

  #dropIdle(): void {
    for (const [key, channel] of this.#open) {
      if (channel.readers > 0) continue;
      channel.close();
      this.#open.delete(key);
    }
    if (this.#open.size >= MOST_CHANNELS)
      throw new Refusal(503, 'too many things are looked at at once; close some', { 'retry-after': '30' });
  }

  /** Whether those who read may still see what they see. */
  async check(): Promise<void> {
    await Promise.all([...this.#open.values()].map((it) => it.check()));
  }

  close(): void {
    for (const channel of this.#open.values()) channel.close();
    this.#open.clear();
  }
}
