import type { PageEvents, PageViews, ViewName } from '../../../api/page.ts';
import { later } from '../clock.ts';
import { Store } from '../store.ts';
import { fromSnapshot, type Known, withChange } from './changes.ts';
import { ask } from './requests.ts';
import { readSession } from './session.ts';

/** How the page is connected, for its first line. */
export const connection = new Store<'connecting' | 'live' | 'reconnecting' | 'paused' | 'over'>('connecting');
/** Whether people have asked for nothing new. */
export const paused = new Store(false);

export interface Seen<Name extends ViewName> {
  known?: Known<Name>;
  /** Why nothing more comes. */
  over?: string;
}

const LEAST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 30_000;

/**
 * Follows one view until it is ended. An `EventSource` comes back by itself, with the id of its last event, after a connection was
 * lost; after an answer other than 200 it does not, and what it was has to be asked for. Nothing is followed that nobody sees:
 * a browser has few connections to one server, and tabs that are not looked at would take them all.
 */
export class Follower<Name extends ViewName> {
  private readonly url: string;
  private readonly show: (seen: Seen<Name>) => void;
  private readonly ends: (() => void)[] = [];
  private source: EventSource | undefined;
  private callOff: (() => void) | undefined;
  private known: Known<Name> | undefined;
  private waitMs = LEAST_WAIT_MS;
  private isOver = false;

  constructor(url: string, show: (seen: Seen<Name>) => void) {
    this.url = url;
    this.show = show;
    const decide = () => this.decide();
    this.ends.push(paused.subscribe(decide));
    document.addEventListener('visibilitychange', decide);
    this.ends.push(() => document.removeEventListener('visibilitychange', decide));
    connection.set('connecting');
    this.decide();
  }

  end(): void {
    this.isOver = true;
    for (const it of this.ends) it();
    this.close();
  }

  private decide(): void {
    if (this.isOver) return;
    if (paused.get() || document.hidden) {
      this.close();
      if (paused.get()) connection.set('paused');
    } else if (!this.source && !this.callOff) this.open();
  }

  private close(): void {
    this.source?.close();
    this.source = undefined;
    this.callOff?.();
    this.callOff = undefined;
  }

  private open(): void {
    if (this.known) connection.set('reconnecting');
    const source = new EventSource(this.url);
    this.source = source;
    const on = <Event extends keyof PageEvents<Name>>(
      event: Event,
      heed: (data: PageEvents<Name>[Event]) => void,
    ) => {
      source.addEventListener(event, ({ data }: MessageEvent<string>) => {
        if (this.source === source) heed(JSON.parse(data) as PageEvents<Name>[Event]);
      });
    };
    on('snapshot', (data: PageViews[Name]) => this.tell(fromSnapshot<Name>(data)));
    on('change', (data) => this.known && this.tell(withChange(this.known, data)));
    on('over', ({ reason, message }) => void this.finish(reason === 'signed-out', message));
    source.addEventListener('open', () => connection.set('live'));
    source.addEventListener('error', () => {
      if (this.source !== source) return;
      connection.set('reconnecting');
      if (source.readyState === EventSource.CLOSED) void this.askWhy();
    });
  }

  private tell(known: Known<Name>): void {
    this.waitMs = LEAST_WAIT_MS;
    this.known = known;
    this.show({ known });
  }

  private async askWhy(): Promise<void> {
    this.close();
    const stop = new AbortController();
    // Of a stream that is open after all there is no end to wait for.
    const answer = await Promise.race([
      ask(this.url, { signal: stop.signal }),
      new Promise<undefined>((resolve) => later(LEAST_WAIT_MS, () => resolve(undefined))),
    ]);
    stop.abort();
    if (this.isOver || this.source) return;
    const status = answer === undefined || answer.ok ? 200 : answer.status;
    const message = answer === undefined || answer.ok ? '' : answer.message;
    if (status === 401) await this.finish(true, message);
    else if (status === 403 || status === 404) await this.finish(false, message);
    else this.openLater();
  }

  private openLater(): void {
    this.callOff = later(this.waitMs, () => {
      this.callOff = undefined;
      this.decide();
    });
    this.waitMs = Math.min(this.waitMs * 2, MOST_WAIT_MS);
  }

  private async finish(isSignedOut: boolean, message: string): Promise<void> {
    this.end();
    connection.set('over');
    if (isSignedOut) await readSession();
    this.show({ ...(this.known && { known: this.known }), over: message });
  }
}
